// A list of objects as a file: CSV or JSON lines, compressed or not.
#pragma once

#include <memory>
#include <string>

#include "store/entry.h"

namespace haul::app {

enum class ManifestKind : std::uint8_t { csv, json };

// Makes the bytes; where they go is the caller's affair. Not thread-safe.
class ManifestWriter {
 public:
  ManifestWriter(ManifestKind kind, bool compressed, std::string bucket);
  ~ManifestWriter();

  void add(const store::Entry& entry);
  // Ends the compressed stream. Nothing may be added after.
  void finish();
  // The bytes made so far, to be taken away.
  std::string& bytes() noexcept { return bytes_; }

 private:
  void compress(bool last);

  struct Deflate;
  const ManifestKind kind_;
  const std::string bucket_;
  std::string text_;  // not yet compressed
  std::string bytes_;
  std::unique_ptr<Deflate> deflate_;
};

// By the name's ending: .json, .jsonl, .ndjson (before .gz) are JSON lines.
ManifestKind manifest_kind_of(std::string_view name);

}  // namespace haul::app

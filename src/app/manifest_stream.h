// --manifest: the keys that a manifest names, as a stream of entries.
//
// CSV as S3 Batch Operations and S3 Inventory have it (bucket, url-encoded key, further columns; fields may
// be quoted), or JSON lines with "key" and perhaps "bucket" and "size"; compressed by gzip or not. Told apart
// by their first bytes, not by their name. Of any length: read as it is used.
#pragma once

#include <memory>
#include <string>

#include "listing/entry_stream.h"

namespace haul::app {

// Throws Error as opening and reading a file does, and invalid_argument with the line for what is no
// manifest, for another bucket than `bucket` (unless it is empty), and for keys that do not begin with
// `prefix`.
class ManifestStream final : public listing::EntryStream {
 public:
  ManifestStream(std::string path, std::string bucket, std::string prefix);
  ~ManifestStream() override;

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const listing::ListingFacts& facts() const noexcept override { return facts_; }

 private:
  void read_page(store::ListPage& page);
  bool read_line(std::string& line);
  void take_line(const std::string& line, store::ListPage& page);

  struct File;  // zlib's, which reads what is not compressed as well
  std::unique_ptr<File> file_;
  const std::string path_, bucket_, prefix_;
  std::uint64_t line_number_ = 0;
  listing::ListingFacts facts_;
};

struct ManifestLine {
  std::string bucket, key;
};
// One line of either kind. Throws invalid_argument without place.
ManifestLine parse_manifest_line(const std::string& line);

}  // namespace haul::app

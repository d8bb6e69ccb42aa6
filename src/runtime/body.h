// Bytes on their way out, as a writer pulls them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/checksum.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul {

// Used by one coroutine at a time. The source of the bytes must outlive the body.
class Body {
 public:
  virtual ~Body() = default;
  virtual std::uint64_t size() const = 0;  // exact number of bytes

  // The whole content, if it is in memory anyway: lets a writer send it in one piece without next().
  virtual std::span<const std::byte> memory() const { return {}; }

  // Of the whole content, by whoever read it: for a writer to send along, so that what arrives is compared
  // with what was read. Nothing if nobody has computed one, or not yet.
  virtual std::optional<Checksum> checksum_as_read() const { return std::nullopt; }
  // The algorithm of checksum_as_read() for a body that computes it on the way, and knows it with its last
  // piece.
  virtual std::optional<ChecksumAlgorithm> hashes() const { return std::nullopt; }

  // Whether rewind() works, and so whether a failed sending can be tried again.
  virtual bool replayable() const = 0;

  // Back to the first byte. Called before every sending but the first. Throws unsupported if not replayable.
  virtual Task<> rewind(OpContext& context) = 0;

  // The next piece; empty at the end. Valid until the next call on this body.
  virtual Task<std::span<const std::byte>> next(OpContext& context) = 0;
};

// Bytes that somebody else keeps alive.
class MemoryBody final : public Body {
 public:
  explicit MemoryBody(std::span<const std::byte> bytes, std::optional<Checksum> as_read = std::nullopt)
      : bytes_(bytes), as_read_(as_read) {}
  std::uint64_t size() const override { return bytes_.size(); }
  std::span<const std::byte> memory() const override { return bytes_; }
  std::optional<Checksum> checksum_as_read() const override { return as_read_; }
  bool replayable() const override { return true; }
  Task<> rewind(OpContext&) override {
    given_ = false;
    co_return;
  }
  Task<std::span<const std::byte>> next(OpContext&) override {
    if (given_) co_return std::span<const std::byte>{};
    given_ = true;
    co_return bytes_;
  }

 private:
  std::span<const std::byte> bytes_;
  std::optional<Checksum> as_read_;
  bool given_ = false;
};

}  // namespace haul

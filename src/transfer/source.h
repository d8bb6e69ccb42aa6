// The side that is read: which state of the object is meant, and its bytes with their checksum.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/checksum.h"
#include "runtime/bandwidth.h"
#include "store/store.h"
#include "transfer/buffer_pool.h"

namespace haul::transfer {

// The state of a source object that is being moved.
struct SourceState {
  std::uint64_t size = 0;
  Time modified{};
  std::string storage_class;
  store::Pin pin;
  store::EntryKind kind = store::EntryKind::object;
};

SourceState state_of(const store::Entry& entry, std::string_view version);
SourceState state_of(const store::Details& details, std::string_view version);

// What happens to each piece of bytes that moves: it is counted, and waits for the line.
// Refers to both; used on one shard.
struct Meter {
  Bandwidth* line = nullptr;
  std::atomic<std::uint64_t>* moved = nullptr;  // written by this shard alone

  bool limited() const noexcept { return line != nullptr && line->limited(); }
  void count(std::uint64_t bytes) const noexcept {
    if (moved != nullptr)
      moved->store(moved->load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
  }
  // What was counted moves once more.
  void take_back(std::uint64_t bytes) const noexcept {
    if (moved != nullptr)
      moved->store(moved->load(std::memory_order_relaxed) - bytes, std::memory_order_relaxed);
  }
  // Bytes to ask for at once: small enough for the cache that the checksum reads them from, smaller where a
  // limit has to be held.
  std::size_t piece() const noexcept { return limited() ? 64U << 10 : 1U << 20; }
};

// Fills `into` exactly, hashing on the way if there is a hasher. Throws source_changed if the reader has more
// or fewer bytes.
Task<> read_fully(store::Reader& reader, std::span<std::byte> into, Hasher* hasher, Meter meter,
                  OpContext& context);

// A range of a source object as a body that can be sent again: rewinding opens the source anew. Holds one
// buffer, whatever the length. References must outlive it.
class SourceBody final : public Body {
 public:
  // `algorithm`: of the checksum computed on the way; nothing: none. `also`: of a second one.
  SourceBody(store::Store& source, std::string_view key, const store::Pin& pin, store::ByteRange range,
             Buffer buffer, std::optional<ChecksumAlgorithm> algorithm, Meter meter,
             std::optional<ChecksumAlgorithm> also = std::nullopt);

  // Continues with a reader that is already open at the first byte of the range.
  void adopt(std::unique_ptr<store::Reader> reader) { reader_ = std::move(reader); }

  std::uint64_t size() const override { return range_.length; }
  bool replayable() const override { return true; }
  Task<> rewind(OpContext& context) override;
  Task<std::span<const std::byte>> next(OpContext& context) override;

  std::optional<Checksum> checksum_as_read() const override { return checksum_; }
  std::optional<ChecksumAlgorithm> hashes() const override {
    return hasher_ ? std::optional(hasher_->algorithm()) : std::nullopt;
  }
  bool read_to_its_end() const { return position_ == range_.length && !reader_; }
  // The second one; nothing unless the body was read to its last byte.
  std::optional<Checksum> also() const { return also_; }

 private:
  Task<> open(OpContext& context);
  Task<std::size_t> fill(OpContext& context);
  Task<> finish(OpContext& context);

  store::Store& source_;
  const std::string_view key_;
  const store::Pin& pin_;
  const store::ByteRange range_;
  const Buffer buffer_;
  const Meter meter_;
  std::unique_ptr<store::Reader> reader_;
  std::optional<Hasher> hasher_, also_hasher_;
  std::optional<Checksum> checksum_, also_;
  std::uint64_t position_ = 0;
  std::uint64_t counted_ = 0;  // by the meter; beyond position_ where a piece broke off
};

}  // namespace haul::transfer

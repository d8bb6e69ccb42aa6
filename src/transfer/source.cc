#include "transfer/source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"

namespace haul::transfer {
namespace {

Error changed_length(const store::Reader& reader) {
  return Error(ErrorClass::source_changed, "the object has another length than when it was listed")
      .during("read")
      .on(reader.details().key);
}

}  // namespace

SourceState state_of(const store::Entry& entry, std::string_view version) {
  SourceState state;
  state.size = entry.kind == store::EntryKind::directory ? 0 : entry.size;
  state.modified = entry.modified;
  state.storage_class = entry.storage_class;
  state.kind = entry.kind;
  state.pin.version = version;
  // A directory changes with all that is put into it and has no content of its own.
  if (entry.kind == store::EntryKind::directory) return state;
  state.pin.etag = entry.etag;
  state.pin.size = entry.size;
  // Where there is an etag the time adds nothing, and services round it differently from answer to answer.
  if (entry.etag.empty()) state.pin.modified = entry.modified;
  return state;
}

SourceState state_of(const store::Details& details, std::string_view version) {
  store::Entry entry;
  entry.size = details.size;
  entry.modified = details.modified;
  entry.etag = details.etag;
  entry.storage_class = details.storage_class;
  entry.kind = details.kind;
  return state_of(entry, version);
}

Task<> read_fully(store::Reader& reader, std::span<std::byte> into, Hasher* hasher, Meter meter,
                  OpContext& context) {
  if (reader.size() != into.size()) throw changed_length(reader);
  std::size_t filled = 0;
  while (true) {
    // Reading on to the end, and not only to the last byte, lets the store look at the source once more.
    std::array<std::byte, 1> beyond;
    const bool full = filled == into.size();
    const std::size_t wanted = std::min(into.size() - filled, meter.piece());
    const auto room = full ? std::span<std::byte>(beyond) : into.subspan(filled, wanted);
    const std::size_t count = co_await reader.read_some(room, context);
    if (count == 0) break;
    if (full) throw changed_length(reader);
    if (hasher != nullptr) hasher->update(room.first(count));
    filled += count;
    meter.count(count);
    if (meter.limited()) co_await meter.line->take(count, context);
  }
  if (filled != into.size()) throw changed_length(reader);
}

SourceBody::SourceBody(store::Store& source, std::string_view key, const store::Pin& pin,
                       store::ByteRange range, Buffer buffer, std::optional<ChecksumAlgorithm> algorithm,
                       Meter meter, std::optional<ChecksumAlgorithm> also)
    : source_(source), key_(key), pin_(pin), range_(range), buffer_(std::move(buffer)), meter_(meter) {
  if (algorithm) hasher_.emplace(*algorithm);
  if (also) also_hasher_.emplace(*also);
}

Task<> SourceBody::rewind(OpContext&) {
  reader_.reset();
  checksum_.reset();
  also_.reset();
  if (hasher_) hasher_->reset();
  if (also_hasher_) also_hasher_->reset();
  meter_.take_back(std::exchange(counted_, 0));
  position_ = 0;
  co_return;
}

Task<> SourceBody::open(OpContext& context) {
  store::ReadOptions options;
  options.range = range_;
  options.pin = pin_;
  options.properties = false;
  reader_ = co_await source_.read(std::string(key_), std::move(options), context);
  if (reader_->size() != range_.length) throw changed_length(*reader_);
}

// Pieces are as large as the buffer allows, since whoever takes them pays for each.
Task<std::size_t> SourceBody::fill(OpContext& context) {
  const std::uint64_t left = range_.length - position_;
  const auto room = buffer_.first(std::min({buffer_.capacity(), meter_.piece(), std::size_t{left}}));
  std::size_t filled = 0;
  while (filled < room.size()) {
    const std::size_t count = co_await reader_->read_some(room.subspan(filled), context);
    if (count == 0) throw changed_length(*reader_);
    const auto fresh = room.subspan(filled, count);
    if (hasher_) hasher_->update(fresh);
    if (also_hasher_) also_hasher_->update(fresh);
    filled += count;
    meter_.count(count);
    counted_ += count;
  }
  co_return filled;
}

Task<std::span<const std::byte>> SourceBody::next(OpContext& context) {
  if (position_ == range_.length) co_return std::span<const std::byte>{};
  if (!reader_) co_await open(context);
  const std::size_t count = co_await fill(context);
  position_ += count;
  if (position_ == range_.length) co_await finish(context);
  if (meter_.limited()) co_await meter_.line->take(count, context);
  co_return buffer_.first(count);
}

Task<> SourceBody::finish(OpContext& context) {
  // Up to its end, so that the store looks at the source once more before the last piece is sent.
  std::array<std::byte, 1> beyond;
  if (co_await reader_->read_some(beyond, context) != 0) throw changed_length(*reader_);
  reader_.reset();
  if (hasher_) checksum_ = hasher_->finish();
  if (also_hasher_) also_ = also_hasher_->finish();
}

}  // namespace haul::transfer

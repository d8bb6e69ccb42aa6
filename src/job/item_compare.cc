#include "job/item_compare.h"

#include <algorithm>
#include <array>
#include <memory>

#include "runtime/shard.h"

namespace haul::job {
namespace {

constexpr std::size_t kPiece = 256U << 10;

// One side of a comparison of contents: bytes buffered between two readers of different pace.
class Side {
 public:
  Side(std::unique_ptr<store::Reader> reader, std::span<std::byte> buffer)
      : reader_(std::move(reader)), buffer_(buffer) {}

  Task<> fill(OpContext& context) {
    if (begin_ != end_ || ended_) co_return;
    begin_ = 0;
    end_ = co_await reader_->read_some(buffer_, context);
    ended_ = end_ == 0;
  }
  std::span<const std::byte> bytes() const { return buffer_.subspan(begin_, end_ - begin_); }
  void take(std::size_t count) { begin_ += count; }

 private:
  std::unique_ptr<store::Reader> reader_;
  std::span<std::byte> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
};

store::ReadOptions details_wanted() {
  store::ReadOptions options;
  options.properties = true;
  return options;
}

Task<ItemVerdict> compare_bytes(const Job& job, const Item& item, OpContext& context) {
  store::Store& source = *job.sources[item.source].store;
  store::Store& destination = *job.destination->store;
  const MemoryTicket ticket = co_await context.shard().memory().acquire(2 * kPiece, context);
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(2 * kPiece);
  store::ReadOptions options;
  options.properties = false;
  options.pin.version = item.version;
  Side here(co_await source.read(std::string(item.key), options, context), {memory.get(), kPiece});
  options.pin.version.clear();
  Side there(co_await destination.read(std::string(item.destination_key), options, context),
             {memory.get() + kPiece, kPiece});
  for (std::uint64_t offset = 0;;) {
    co_await here.fill(context);
    co_await there.fill(context);
    const auto a = here.bytes(), b = there.bytes();
    if (a.empty() && b.empty()) co_return ItemVerdict{true, "same bytes"};
    const std::size_t common = std::min(a.size(), b.size());
    const auto differ =
        std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(common), b.begin()).first;
    const auto alike = static_cast<std::size_t>(differ - a.begin());
    if (alike != common || common == 0)
      co_return ItemVerdict{false, "bytes differ at offset " + std::to_string(offset + alike)};
    here.take(common);
    there.take(common);
    offset += common;
  }
}

}  // namespace

std::string_view describe(const listing::Decision& decision) noexcept {
  using enum listing::CompareReason;
  const bool same = decision.verdict == listing::Verdict::same;
  switch (decision.reason) {
    case exists: return "exists at the destination";
    case forced: return "always copied";
    case kind: return "kinds differ";
    case size: return same ? "same size" : "sizes differ";
    case etag: return same ? "same etag" : "etags differ";
    case checksum: return same ? "same checksum" : "checksums differ";
    case modified: return same ? "same size and time" : "times differ";
    case written_since:
      return same ? "written since the source changed" : "source changed since it was written";
    case maybe_encrypted: return "etags differ";
    case changed_in_place: return "file was touched since";
    case kept_time: return same ? "same size and kept time" : "kept times differ";
    case no_checksum: return "no checksum on both sides";
  }
  return listing::to_string(decision.reason);
}

store::Entry entry_of(const Item& item) {
  store::Entry entry;
  entry.key = item.key;
  entry.size = item.size;
  entry.modified = item.modified;
  entry.changed = item.changed;
  entry.etag = item.etag;
  entry.version = item.version;
  entry.storage_class = item.storage_class;
  entry.kind = item.kind;
  return entry;
}

store::RemoveItem remove_item_of(const Item& item) {
  store::RemoveItem removal;
  removal.key = item.key;
  removal.version = item.version;
  removal.etag = item.etag;
  removal.size = item.size;
  removal.modified = item.modified;
  return removal;
}

Task<ItemVerdict> compare_by_details(const Job& job, const Item& item, OpContext& context) {
  store::Store& source = *job.sources[item.source].store;
  store::Store& destination = *job.destination->store;
  const auto theirs = co_await destination.stat(std::string(item.destination_key), details_wanted(), context);
  if (!theirs) co_return ItemVerdict{false, "missing at the destination"};
  if (theirs->kind == store::EntryKind::directory && item.key.ends_with('/'))
    co_return ItemVerdict{true, "directory exists"};
  store::ReadOptions wanted = details_wanted();
  wanted.pin.version = item.version;
  const auto ours = co_await source.stat(std::string(item.key), wanted, context);
  if (!ours)
    throw Error(ErrorClass::not_found, "was listed and is gone")
        .during("compare")
        .on(source.describe(item.key));
  const listing::Decision decision = listing::decide_with_details(
      *ours, *theirs, source.capabilities(), destination.capabilities(), job.options.compare);
  if (decision.verdict == listing::Verdict::needs_content)
    co_return co_await compare_bytes(job, item, context);
  co_return ItemVerdict{decision.verdict == listing::Verdict::same, std::string(describe(decision))};
}

Task<ItemVerdict> compare_for_check(const Job& job, const Item& item, OpContext& context) {
  if (item.size != item.destination_size) co_return ItemVerdict{false, "sizes differ"};
  if (job.options.check == CheckMode::bytes) co_return co_await compare_bytes(job, item, context);
  co_return co_await compare_by_details(job, item, context);
}

Task<std::optional<Twins>> find_twins(const Job& job, const Item& item, OpContext& context) {
  store::Store& source = *job.sources[item.source].store;
  store::Store& destination = *job.destination->store;
  auto theirs = co_await destination.stat(std::string(item.destination_key), details_wanted(), context);
  if (!theirs) co_return std::nullopt;
  store::ReadOptions wanted = details_wanted();
  wanted.pin.version = item.version;
  auto ours = co_await source.stat(std::string(item.key), wanted, context);
  if (!ours || ours->size != theirs->size || ours->kind != theirs->kind) co_return std::nullopt;
  const ChecksumMatch match = compare(ours->checksums, theirs->checksums);
  if (match == ChecksumMatch::different) co_return std::nullopt;
  const transfer::Proof proof =
      match == ChecksumMatch::same ? transfer::Proof::checksum : transfer::Proof::etag;
  if (match == ChecksumMatch::unknown) {
    const listing::Decision decision =
        listing::decide_with_details(*ours, *theirs, source.capabilities(), destination.capabilities(), {});
    if (decision != listing::Decision{listing::Verdict::same, listing::CompareReason::etag})
      co_return std::nullopt;
  }
  co_return Twins{std::move(*ours), std::move(*theirs), proof};
}

std::optional<Error> state_changed(const store::Store& store, const Item& recorded,
                                   const std::optional<store::Details>& found) {
  const auto changed = [&](ErrorClass error_class, const char* message) {
    return Error(error_class, message).during("stat").on(store.describe(recorded.key));
  };
  if (!found) return changed(ErrorClass::not_found, "the object is gone");
  const bool etags = !recorded.etag.empty() && !found->etag.empty();
  const bool same = found->size == recorded.size && (!etags || found->etag == recorded.etag) &&
                    (etags || recorded.modified == Time{} || found->modified == recorded.modified);
  if (!same) return changed(ErrorClass::source_changed, "the object has changed since");
  return std::nullopt;
}

}  // namespace haul::job

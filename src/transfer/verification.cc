#include "transfer/verification.h"

#include <fmt/format.h>

#include <algorithm>

#include "transfer/ordered_checksum.h"
#include "transfer/part_workers.h"
#include "transfer/transfer.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kHashBuffer = 256U << 10;
constexpr std::uint64_t kHashRange = 8U << 20;

// An etag that is the MD5 of the content as far as its shape can tell. Two such that are equal mean the same
// bytes; two that differ may still be the same bytes under other encryption.
bool looks_like_md5(std::string_view etag) {
  return etag.size() == 32 && etag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

struct Hashing {
  const HashJob& job;
  OrderedChecksum sum;

  Task<> range(Part part, bool whole, OpContext& context) {
    store::ReadOptions options;
    if (!whole) options.range = {part.offset, part.length};
    options.pin = job.pin;
    options.properties = false;
    const Buffer buffer = co_await job.buffers.take(std::min(kHashBuffer, job.buffers.largest()), context);
    const auto reader = co_await job.store.read(std::string(job.key), std::move(options), context);
    Hasher hasher(job.algorithm);
    const Meter meter{job.line, nullptr};  // bytes that are only looked at are not bytes moved
    while (const std::size_t count = co_await reader->read_some(buffer.all(), context)) {
      hasher.update(buffer.first(count));
      if (meter.limited()) co_await job.line->take(count, context);
    }
    const std::uint64_t length = hasher.length();
    sum.add(part.number, hasher.finish(), length);
  }
};

}  // namespace

std::optional<std::string> find_difference(TransferResult& result) {
  const std::uint64_t size = result.bytes;
  const store::Written& written = result.written;
  result.proof = Proof::none;
  if (written.size != 0 || size == 0) {
    if (written.size != size) return fmt::format("{} bytes arrived, {} were read", written.size, size);
    result.proof = Proof::size;
  }
  if (result.checksum) {
    switch (compare(Checksums(*result.checksum), written.checksums)) {
      case ChecksumMatch::same: result.proof = Proof::checksum; return std::nullopt;
      case ChecksumMatch::different: return "the checksum of what arrived is not that of what was read";
      case ChecksumMatch::unknown: break;
    }
  }
  if (written.server_verified)
    result.proof = Proof::checksum;
  else if (looks_like_md5(written.etag) && written.etag == result.source_etag)
    result.proof = Proof::etag;
  return std::nullopt;
}

void check_against_source(const store::Details& details, const Checksum& read, const store::Store& source) {
  const Checksum* said = details.checksums.find(read.algorithm());
  if (said == nullptr || std::ranges::equal(said->bytes(), read.bytes())) return;
  throw Error(ErrorClass::data_loss,
              "the bytes that were read do not have the checksum that the source keeps with them")
      .during("read")
      .on(source.describe(details.key));
}

Task<Checksum> hash_object(const HashJob& job, OpContext& context) {
  Hashing hashing{job, {}};
  store::Capabilities no_limits;
  PartPlan plan = plan_parts(job.size, no_limits,
                             is_crc(job.algorithm) ? kHashRange : std::max<std::uint64_t>(1, job.size));
  const bool whole = plan.count == 1;
  co_await for_each_part(
      plan, job.parallel, job.drain_allowance,
      [&hashing, whole, &context](Part part) { return hashing.range(part, whole, context); }, context);
  co_return *hashing.sum.whole();
}

Task<> remove_written(store::Store& destination, std::string_view key, const store::Written& written,
                      OpContext& context) {
  store::ReadOptions options;
  options.pin.version = written.version;
  options.properties = false;
  const auto found = co_await destination.stat(std::string(key), std::move(options), context);
  if (!found) co_return;
  if (!written.etag.empty() && found->etag != written.etag) co_return;  // somebody else's by now
  const store::RemoveItem item{key, written.version};
  const auto results = co_await destination.remove({&item, 1}, context);
  if (results.front().error) throw *results.front().error;
}

}  // namespace haul::transfer

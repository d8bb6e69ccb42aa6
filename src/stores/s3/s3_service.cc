#include "stores/s3/s3_service.h"

#include <algorithm>

#include "stores/s3/address.h"

namespace haul::s3 {

namespace {

Finding known_of_trailers(const ServiceOptions& options, bool amazon) {
  // A signature covers the bytes, and would have to be known before them.
  if (options.payload_signing || options.trailers == Trailers::never) return Finding::no;
  return amazon || options.trailers == Trailers::always ? Finding::yes : Finding::unknown;
}

}  // namespace

S3Service::S3Service(http::Client& client, ServiceOptions options,
                     std::shared_ptr<auth::CredentialsProvider> credentials, unsigned shard_count)
    : client_(client),
      options_(std::move(options)),
      credentials_(std::move(credentials)),
      amazon_(is_amazon(options_)),
      region_(options_.region.empty() ? "us-east-1" : options_.region),
      copy_conditions_(amazon_ ? Finding::yes : Finding::unknown),
      trailers_(known_of_trailers(options_, amazon_)),
      places_(options_.concurrency.value_or(LimiterOptions{}.maximum * shard_count)) {
  static_cast<void>(resolve_address(options_, {}, region_));  // refuses a malformed endpoint here and now
  for (unsigned i = 0; i < shard_count; ++i)
    shards_.push_back(std::make_unique<PerShard>(*this));
}

RequestCounts S3Service::requests() const noexcept {
  RequestCounts sum{};
  for (const auto& shard : shards_)
    for (std::size_t i = 0; i < kOperationCount; ++i)
      sum[i] += shard->counts[i].load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t S3Service::throttle_count() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& shard : shards_)
    sum += shard->throttles.load(std::memory_order_relaxed);
  return sum;
}

unsigned S3Service::concurrency() const noexcept {
  unsigned sum = 0;
  for (const auto& shard : shards_)
    sum += shard->limit.load(std::memory_order_relaxed);
  return std::min(sum, places_.count());
}

std::string S3Service::PerShard::take_scratch() {
  if (scratch.empty()) return {};
  std::string text = std::move(scratch.back());
  scratch.pop_back();
  text.clear();
  return text;
}

void S3Service::PerShard::give_scratch(std::string text) {
  constexpr std::size_t kKept = 1024;  // two for each request that may be in flight
  constexpr std::size_t kLargest = 4 << 10;
  if (scratch.size() < kKept && text.capacity() <= kLargest) scratch.push_back(std::move(text));
}

void S3Service::PerShard::count(Operation operation) noexcept {
  // One writer: a plain addition that others may read.
  auto& counter = counts[static_cast<std::size_t>(operation)];
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void S3Service::PerShard::note_limit() noexcept {
  limit.store(reads.limit() + writes.limit(), std::memory_order_relaxed);
  throttles.store(reads.throttle_count() + writes.throttle_count(), std::memory_order_relaxed);
}

}  // namespace haul::s3

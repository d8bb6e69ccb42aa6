// One endpoint with one identity, shared by all its buckets: limits, credentials, the server's clock, counts.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/clock_skew.h"
#include "auth/credentials.h"
#include "http/client.h"
#include "runtime/limiter.h"
#include "stores/s3/operation.h"
#include "stores/s3/options.h"
#include "stores/s3/probe.h"

namespace haul::s3 {

using RequestCounts = std::array<std::uint64_t, kOperationCount>;  // by Operation

// Thread safety: may be used from any shard. What a request needs belongs to its shard, so nothing is locked
// before a pace is kept (runtime/request_pace.h).
// The client must outlive it.
class S3Service {
 public:
  S3Service(http::Client& client, ServiceOptions options,
            std::shared_ptr<auth::CredentialsProvider> credentials, unsigned shard_count);

  const ServiceOptions& options() const noexcept { return options_; }
  // Whether this is Amazon's own service, which keeps all its promises.
  bool amazon() const noexcept { return amazon_; }
  const std::string& default_region() const noexcept { return region_; }

  // Whether x-amz-copy-source-if-match is heeded (found out in copy.cc).
  Probe& copy_conditions() noexcept { return copy_conditions_; }
  // Whether a checksum behind the last byte is taken, and answered (found out in trailer_probe.cc).
  Probe& trailers() noexcept { return trailers_; }

  // Requests sent so far, failed and repeated ones included.
  RequestCounts requests() const noexcept;
  // How often the service asked to go slower, and how many requests may be in flight now, over all shards.
  // Approximate while requests are under way.
  std::uint64_t throttle_count() const noexcept;
  unsigned concurrency() const noexcept;
  // Of this shard, for reads or for writes, whichever are more.
  unsigned places(const OpContext& context) const noexcept {
    return std::max(shard(context).reads.places(), shard(context).writes.places());
  }

 private:
  friend class S3Bucket;

  // Touched by its own shard only, but for the counters, which others read.
  struct alignas(64) PerShard {
    explicit PerShard(S3Service& all)
        : reads(all.places_, all.pace_of_reads_), writes(all.places_, all.pace_of_writes_) {}
    AdaptiveLimiter reads;
    AdaptiveLimiter writes;
    auth::Snapshot held;
    std::vector<std::string> scratch;  // strings with room, for heads of requests
    std::array<std::atomic<std::uint64_t>, kOperationCount> counts{};
    std::atomic<std::uint64_t> throttles{0};
    std::atomic<unsigned> limit{0};

    std::string take_scratch();
    void give_scratch(std::string text);
    void count(Operation operation) noexcept;
    void note_limit() noexcept;
  };

  PerShard& shard(const OpContext& context) const noexcept { return *shards_[context.shard().index()]; }

  http::Client& client_;
  const ServiceOptions options_;
  const std::shared_ptr<auth::CredentialsProvider> credentials_;
  const bool amazon_;
  const std::string region_;
  auth::ClockSkew skew_;
  Probe copy_conditions_, trailers_;
  SharedPlaces places_;
  RequestPace pace_of_reads_, pace_of_writes_;  // services limit them apart
  std::vector<std::unique_ptr<PerShard>> shards_;
};

}  // namespace haul::s3

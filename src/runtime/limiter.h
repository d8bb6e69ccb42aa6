// How many requests may be in flight to one endpoint, found by trying.
//
// Starts fast and doubles until the server objects or answers grow slow; halves on throttling, and on
// rising latency (then never below where it began); then grows by one or two percent a round. One limiter per
// endpoint and shard: shards find their share of the endpoint independently, as separate clients would, and
// take no lock.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "runtime/context.h"
#include "runtime/task.h"

namespace haul {

// Brought into order if they are not: 1 <= minimum <= initial <= maximum.
struct LimiterOptions {
  unsigned initial = 32;
  unsigned minimum = 1;
  unsigned maximum = 512;
};

class AdaptiveLimiter;

// A place among the requests in flight; gives it back when destroyed. Move-only; stays on its shard.
class Permit {
 public:
  Permit() = default;
  explicit Permit(AdaptiveLimiter* limiter) : limiter_(limiter) {}
  Permit(Permit&& other) noexcept : limiter_(std::exchange(other.limiter_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    if (this != &other) {
      release();
      limiter_ = std::exchange(other.limiter_, nullptr);
    }
    return *this;
  }
  ~Permit() { release(); }
  void release() noexcept;

 private:
  AdaptiveLimiter* limiter_ = nullptr;
};

// Not thread-safe: belongs to one shard.
class AdaptiveLimiter {
 public:
  explicit AdaptiveLimiter(const LimiterOptions& options = {});
  AdaptiveLimiter(const AdaptiveLimiter&) = delete;
  AdaptiveLimiter& operator=(const AdaptiveLimiter&) = delete;

  // Waits for a place.
  Task<Permit> acquire(OpContext& context);
  // A place without waiting; false if there is none.
  bool try_acquire(Permit& permit) noexcept;

  // What became of a request that held a place. `first_byte` is the time to the head of the answer.
  void succeeded(Duration first_byte, SteadyTime now) noexcept;
  void throttled(SteadyTime now) noexcept;

  unsigned limit() const noexcept { return static_cast<unsigned>(limit_); }
  unsigned in_flight() const noexcept { return in_flight_; }
  std::uint64_t throttle_count() const noexcept { return throttles_; }

 private:
  friend class Permit;
  void give_back() noexcept;
  void grow(bool latency_rising) noexcept;
  void shrink(double factor, unsigned least, SteadyTime now) noexcept;

  LimiterOptions options_;
  double limit_ = 0;
  unsigned in_flight_ = 0;
  bool slow_start_ = true;
  std::uint64_t throttles_ = 0;
  std::uint64_t answered_ = 0;  // since the limit last changed by a round
  bool was_full_ = false;       // whether the limit was reached in this round: an unused limit must not grow
  double smoothed_ns_ = 0;      // latency of late
  double floor_ns_ = 0;         // the lowest smoothed latency seen, ageing slowly
  SteadyTime last_cut_{};
  std::deque<std::move_only_function<void()>> waiters_;
};

}  // namespace haul

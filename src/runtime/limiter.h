// How many requests may be in flight to one endpoint, found by trying.
//
// Starts fast and doubles until answers only grow slower by it; halves on latency that has risen much (never
// below where it began), and grows by one or two percent a round. A server that refuses requests sets a pace
// (request_pace.h) and leaves the number in flight alone. Each shard has limiters of its own for an endpoint:
// they find their limits independently, as separate clients would, but lease their places from those of the
// endpoint (place_lease.h), so that together they have no more in flight than allowed, and keep one pace.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>

#include "runtime/context.h"
#include "runtime/place_lease.h"
#include "runtime/request_pace.h"
#include "runtime/task.h"

namespace haul {

// Brought into order if they are not: 1 <= initial <= maximum.
struct LimiterOptions {
  unsigned initial = 32;
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
  // With places and a pace of its own.
  explicit AdaptiveLimiter(const LimiterOptions& options = {});
  // With places of those that are shared, as many as there are, and at their pace. Both must outlive it; the
  // places are all given back once nothing is in flight here and nobody waits.
  AdaptiveLimiter(SharedPlaces& places, RequestPace& pace, unsigned initial = LimiterOptions{}.initial);
  AdaptiveLimiter(const AdaptiveLimiter&) = delete;
  AdaptiveLimiter& operator=(const AdaptiveLimiter&) = delete;

  // Waits for a place, and for its turn. Where one that holds a place waits for this one (context.h)
  // and all are taken, one place more may be.
  Task<Permit> acquire(OpContext& context);
  // A place without waiting; false if there is none, or it is not time yet.
  bool try_acquire(Permit& permit, const Env& env) noexcept;
  // A request is sent without a place, since it must not wait.
  void sent_beside(SteadyTime now) noexcept { pace_->overdraw(now); }

  // What became of a request. `first_byte` is the time to the head of the answer; leave it out where that
  // does not tell how busy the server is.
  void succeeded(Duration first_byte, SteadyTime now) noexcept;
  void succeeded(SteadyTime now) noexcept;
  void throttled(SteadyTime now) noexcept;

  unsigned limit() const noexcept { return static_cast<unsigned>(limit_); }
  // How many of them can be had as it stands, others having theirs.
  unsigned places() const noexcept {
    return lease_.is_short() ? std::max(1U, std::min(limit(), lease_.held())) : limit();
  }
  unsigned in_flight() const noexcept { return in_flight_; }
  std::uint64_t throttle_count() const noexcept { return throttles_; }
  const RequestPace& pace() const noexcept { return *pace_; }

 private:
  friend class Permit;
  // In the frame of acquire. The first of those who wait sleeps until its turn if there is a place already,
  // and looks now and then whether there is one if others have them.
  struct Waiter {
    bool waited_for = false;                 // by one that holds a place
    std::move_only_function<void()> resume;  // empty while awake
    bool admitted = false;
  };
  bool has_place() noexcept;
  PlaceLease::Need need() const noexcept;
  void keep_what_is_used() noexcept { lease_.keep_what_is_used(need()); }
  bool has_to_look() const noexcept {
    return in_flight_ < limit() && (in_flight_ < lease_.held() || lease_.wants());
  }
  Task<> look_again(Waiter& first, OpContext& context);
  void give_back() noexcept;
  void admit() noexcept;
  void forget_old(SteadyTime now) noexcept;
  void tell_pace(SteadyTime now) noexcept;
  void end_round(SteadyTime now) noexcept;

  const LimiterOptions options_;
  std::unique_ptr<RequestPace> own_pace_;  // empty where it is shared
  RequestPace* pace_;
  PlaceLease lease_;
  double limit_ = 0;
  unsigned in_flight_ = 0;
  bool first_looks_ = false;  // sleeps, and others may pass

  // Answers that the pace has not been told of: one by one they would all meet at it.
  std::uint64_t untold_ = 0;
  SteadyTime told_{};

  bool slow_start_ = true;
  std::uint64_t throttles_ = 0;
  std::uint64_t answered_ = 0;  // in this round
  SteadyTime round_began_{};
  double round_rate_ = 0;     // answers a second in the round before, at half the limit
  bool was_full_ = false;     // whether the limit was reached in this round: an unused limit must not grow
  double smoothed_ns_ = 0;    // latency of late
  double floor_ns_ = 0;       // the lowest smoothed latency seen, ageing slowly
  double lowest_ns_ = 0;      // of a single answer, ageing as well
  const Env* env_ = nullptr;  // of those who wait
  std::deque<Waiter*> waiters_;
};

}  // namespace haul

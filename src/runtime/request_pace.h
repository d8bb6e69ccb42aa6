// How many requests a second an endpoint takes from us, found from its refusals.
//
// A service that limits requests by their rate accepts just that rate while it refuses the rest. So what was
// accepted until the first refusal is a guess at the limit, however many places or milliseconds it took. From
// then on requests go at that pace; it is lowered by the share that is refused and a little more, and raised
// slowly, then faster, until it is refused again. Without refusals there is no pace, and nothing is waited
// for.
//
// One pace is that of all shards: what one of them has no use for is the others' at once. Turns are taken
// without a lock; what became of requests is told under one, which whoever has many answers and no pace yet
// does by the handful (limiter.cc). Looked at in spans of a quarter of a second: longer for few requests,
// shorter for many refusals.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "base/env.h"

namespace haul {

// Thread safety: all methods from any thread.
class RequestPace {
 public:
  // Whether requests have to take turns at all.
  bool active() const noexcept { return per_second() != 0; }
  double per_second() const noexcept { return rate_.load(std::memory_order_relaxed); }

  // Takes the turn of one request. False: it has to wait(), and then to ask again.
  bool take(SteadyTime now) noexcept;
  // The time to the next turn; never so short that timers are all that is done.
  Duration wait(SteadyTime now) const noexcept;
  // A request that cannot wait its turn; those that follow wait for it, of all shards, though for many such
  // no longer than for a quarter of a second, or for one turn, after the last of them.
  void overdraw(SteadyTime now) noexcept;

  // What became of requests. `pressed`: as much was asked for as places allowed, so that a refusal tells of
  // our own rate. `latency`: of a request, about; zero if it is not known.
  void accepted(std::uint64_t requests, SteadyTime now) noexcept;
  void refused(bool pressed, Duration latency, SteadyTime now) noexcept;

 private:
  void begin(double rate, Duration settle, SteadyTime now) noexcept;
  void begin_span(SteadyTime at) noexcept;
  void look(SteadyTime now) noexcept;
  double length_of_span(double rate) const noexcept;
  double judged(double seconds) noexcept;

  std::atomic<double> rate_{0};  // a second; 0: none. Written under the lock
  // When all turns were used up: one comes with each interval since then. In the future where some are owed.
  std::atomic<SteadyTime> used_up_{SteadyTime{}};
  std::atomic<bool> waited_{false};  // somebody had to wait for his turn in this span: the pace was in use

  std::mutex mutex_;  // guards all below
  // The present span, and what came before while there was no pace.
  SteadyTime since_{};
  SteadyTime answered_{};  // the last time
  Duration latency_{};
  std::uint64_t accepted_ = 0, refused_ = 0;
  std::uint64_t accepted_before_ = 0;
  double seconds_before_ = 0;
  unsigned clean_ = 0;     // spans in a row without refusals
  bool guessing_ = false;  // no refusal has confirmed this pace yet
};

}  // namespace haul

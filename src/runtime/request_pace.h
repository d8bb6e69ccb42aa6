// How many requests a second an endpoint takes from us, found from its refusals.
//
// A service that limits requests by their rate accepts just that rate while it refuses the rest. So what was
// accepted meanwhile is the limit, however many places or milliseconds it took: from the first refusal on,
// requests go at a little less than that, and the pace is raised slowly, then faster, until it is refused
// again. Without refusals there is no pace, and nothing is waited for.
//
// Looked at in spans of a quarter of a second (longer for few requests). Not thread-safe: belongs to one
// shard.
#pragma once

#include <cstdint>

#include "base/env.h"

namespace haul {

class RequestPace {
 public:
  // Whether requests have to take turns at all.
  bool active() const noexcept { return rate_ != 0; }
  double per_second() const noexcept { return rate_; }

  // Takes the turn of one request. False: it has to wait(), and then to ask again.
  bool take(SteadyTime now) noexcept;
  // The time to the next turn; never so short that timers are all that is done.
  Duration wait(SteadyTime now) const noexcept;
  // A request that cannot wait its turn; those that follow wait for it, though for many no longer than for a
  // quarter of a second's worth.
  void overdraw() noexcept;

  // What became of a request. `pressed`: as much was asked for as places allowed, so that a refusal tells of
  // our own rate. `latency`: of a request, about.
  void accepted(SteadyTime now) noexcept;
  void refused(bool pressed, Duration latency, SteadyTime now) noexcept;

 private:
  void bound_debt() noexcept;
  void begin(double rate, Duration settle, SteadyTime now) noexcept;
  void look(SteadyTime now) noexcept;
  void judge(double seconds) noexcept;

  double rate_ = 0;      // a second; 0: none
  double turns_ = 0;     // that may be taken at once; less than none: owed
  SteadyTime filled_{};  // when turns_ was right

  // The present span, and what came before while there was no pace.
  SteadyTime since_{};
  SteadyTime answered_{};  // the last time
  Duration latency_{};
  std::uint64_t accepted_ = 0, refused_ = 0;
  std::uint64_t accepted_before_ = 0;
  double seconds_before_ = 0;
  unsigned clean_ = 0;     // spans in a row without refusals
  bool waited_ = false;    // somebody had to wait for his turn: the pace was in use
  bool guessing_ = false;  // no refusal has confirmed this pace yet
};

}  // namespace haul

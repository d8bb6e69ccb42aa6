// How far a server's clock is from this machine's. AWS refuses signatures that are more than 15 minutes off,
// so a machine with a wrong clock learns the difference from the first refusal and signs with it from then
// on.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/env.h"

namespace haul::auth {

// One per endpoint. Thread safety: any thread.
class ClockSkew {
 public:
  // The server's time when this machine's clock shows `local`.
  Time correct(Time local) const noexcept { return local + offset(); }

  // Positive when the server is ahead.
  Duration offset() const noexcept { return Duration(offset_.load(std::memory_order_relaxed)); }

  // After RequestTimeTooSkewed: what the server said its time was (ServerTime or the Date header), received
  // at `local`. True if it changed the correction by more than a minute, so that sending again makes sense.
  bool learn(Time server, Time local) noexcept;

 private:
  std::atomic<std::int64_t> offset_{0};  // nanoseconds
};

}  // namespace haul::auth

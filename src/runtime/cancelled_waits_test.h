// Waits for places of a limiter that an abort ends.
#pragma once

#include "runtime/limiter.h"

namespace haul {

struct CancelledWaits {
  AdaptiveLimiter& limiter;
  int cancelled = 0;

  Task<> wait(OpContext context) {
    try {
      const Permit permit = co_await limiter.acquire(context);
    } catch (const Error& error) {
      if (error.error_class() == ErrorClass::cancelled) ++cancelled;
    }
  }
};

}  // namespace haul

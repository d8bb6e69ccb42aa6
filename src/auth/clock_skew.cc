#include "auth/clock_skew.h"

namespace haul::auth {

bool ClockSkew::learn(Time server, Time local) noexcept {
  const Duration now = server - local;
  const Duration before(offset_.exchange(now.count(), std::memory_order_relaxed));
  const Duration change = now > before ? now - before : before - now;
  return change > std::chrono::minutes(1);
}

}  // namespace haul::auth

#include "runtime/shared_places.h"

#include <algorithm>

namespace haul {
namespace {

constexpr unsigned kMostPlaces = 1U << 20;
constexpr unsigned kMostAtOnce = 16;
constexpr unsigned kBatches = 32;  // so many make the whole, or one who needs few would keep many

}  // namespace

SharedPlaces::SharedPlaces(unsigned count) noexcept
    : count_(std::clamp(count, 1U, kMostPlaces)),
      batch_(std::clamp(count_ / kBatches, 1U, kMostAtOnce)),
      free_(static_cast<int>(count_)) {}

unsigned SharedPlaces::share() const noexcept {
  return count_ / static_cast<unsigned>(std::max(1, sharers_.load(std::memory_order_relaxed)));
}

unsigned SharedPlaces::take(unsigned most, unsigned left) noexcept {
  int free = free_.load(std::memory_order_relaxed);
  for (;;) {
    const int taken = std::min(static_cast<int>(most), free - static_cast<int>(left));
    if (taken <= 0) return 0;
    if (free_.compare_exchange_weak(free, free - taken, std::memory_order_relaxed))
      return static_cast<unsigned>(taken);
  }
}

unsigned SharedPlaces::wanted() const noexcept {
  return static_cast<unsigned>(std::max(0, wanted_.load(std::memory_order_relaxed)));
}

}  // namespace haul

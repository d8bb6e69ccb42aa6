#include "runtime/limiter.h"

#include <algorithm>

#include "runtime/suspend.h"

namespace haul {
namespace {

constexpr double kSmoothing = 0.05;      // weight of one answer in the smoothed latency
constexpr double kFloorAgeing = 1.0002;  // the floor forgets, or one lucky answer would hold for ever
// Queueing of this much above the floor says that more in flight only waits longer. The absolute slack keeps
// the microseconds of a near server from looking like congestion.
constexpr double kRising = 3.0;
constexpr double kSlackNs = 5e6;

}  // namespace

void Permit::release() noexcept {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back();
}

AdaptiveLimiter::AdaptiveLimiter(const LimiterOptions& options) : options_(options) {
  options_.minimum = std::max(1U, options_.minimum);
  options_.maximum = std::max(options_.minimum, options_.maximum);
  options_.initial = std::clamp(options_.initial, options_.minimum, options_.maximum);
  limit_ = options_.initial;
}

bool AdaptiveLimiter::try_acquire(Permit& permit) noexcept {
  if (in_flight_ >= limit() || !waiters_.empty()) return false;
  ++in_flight_;
  was_full_ |= in_flight_ >= limit();
  permit = Permit(this);
  return true;
}

Task<Permit> AdaptiveLimiter::acquire(OpContext& context) {
  Permit permit;
  if (try_acquire(permit)) co_return permit;
  was_full_ = true;
  // Whoever gives a place back hands it on: it stays counted in in_flight_ while it changes hands.
  co_await suspend(context.executor(), [this](auto resume) { waiters_.push_back(std::move(resume)); });
  permit = Permit(this);
  context.check();
  co_return permit;
}

void AdaptiveLimiter::give_back() noexcept {
  --in_flight_;
  while (!waiters_.empty() && in_flight_ < limit()) {
    ++in_flight_;
    auto resume = std::move(waiters_.front());
    waiters_.pop_front();
    resume();
  }
  // Places that change hands count as well: work that waited from the start never comes through acquire
  // again.
  was_full_ |= in_flight_ >= limit();
}

void AdaptiveLimiter::succeeded(Duration first_byte, SteadyTime now) noexcept {
  const auto sample = static_cast<double>(first_byte.count());
  smoothed_ns_ = smoothed_ns_ == 0 ? sample : smoothed_ns_ + kSmoothing * (sample - smoothed_ns_);
  floor_ns_ = floor_ns_ == 0 ? smoothed_ns_ : std::min(floor_ns_ * kFloorAgeing, smoothed_ns_);
  if (++answered_ < limit()) return;
  // A round is over: as many answers as places.
  const bool rising = smoothed_ns_ > floor_ns_ * kRising + kSlackNs;
  grow(rising);
  // Latency rises for other reasons than our own load, too; it never takes away what we began with.
  if (rising && limit_ > options_.initial) shrink(0.5, options_.initial, now);
  answered_ = 0;
  was_full_ = false;
}

void AdaptiveLimiter::grow(bool latency_rising) noexcept {
  if (latency_rising) {
    slow_start_ = false;
    return;
  }
  if (!was_full_) return;
  limit_ =
      std::min<double>(options_.maximum, slow_start_ ? limit_ * 2 : limit_ + std::max(1.0, limit_ * 0.02));
}

void AdaptiveLimiter::throttled(SteadyTime now) noexcept {
  ++throttles_;
  slow_start_ = false;
  shrink(0.5, options_.minimum, now);
}

void AdaptiveLimiter::shrink(double factor, unsigned least, SteadyTime now) noexcept {
  // One cut a round trip: the refusals of one burst are one piece of news.
  const auto quiet =
      std::chrono::nanoseconds(std::max<std::int64_t>(static_cast<std::int64_t>(smoothed_ns_), 100'000'000));
  if (now - last_cut_ < quiet) return;
  last_cut_ = now;
  limit_ = std::max<double>(least, limit_ * factor);
  answered_ = 0;
}

}  // namespace haul

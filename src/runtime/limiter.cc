#include "runtime/limiter.h"

#include <algorithm>

#include "runtime/suspend.h"

namespace haul {
namespace {

constexpr double kSmoothing = 0.05;  // weight of one answer in the smoothed latency
// Seconds, in which the floor forgets, or one lucky answer would hold for ever.
constexpr double kFloorMemory = 30;
// Queueing of this much above the floor says that more in flight may only wait longer, and of this much that
// it does. The absolute slack keeps the microseconds of a near server from looking like congestion.
constexpr double kQueueing = 1.5;
constexpr double kQueueingSlackNs = 0.5e6;
// A shard that does so many a second has its hands full: answers that take a multiple of the lowest time
// wait for it, or for a server that does no more either, and fewer places serve as well.
constexpr double kBusyRate = 16'000;
constexpr double kBusyQueueing = 4.0;
constexpr double kBusyCut = 0.9;
constexpr double kRising = 3.0;
constexpr double kRisingSlackNs = 5e6;
constexpr double kWorthDoubling = 1.15;    // more answers a second, or a limit twice as high was for nothing
constexpr std::uint64_t kLeastRound = 16;  // answers, to tell a rate
constexpr double kGrowth = 0.02;
// The pace may change meanwhile, or a turn be given to who sleeps.
constexpr Duration kLongestNap = std::chrono::milliseconds(100);

}  // namespace

void Permit::release() noexcept {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back();
}

AdaptiveLimiter::AdaptiveLimiter(const LimiterOptions& options) : options_(options) {
  options_.maximum = std::max(1U, options_.maximum);
  options_.initial = std::clamp(options_.initial, 1U, options_.maximum);
  limit_ = options_.initial;
}

bool AdaptiveLimiter::try_acquire(Permit& permit, const Env& env) noexcept {
  if (in_flight_ >= limit() || !waiters_.empty()) return false;
  if (pace_.active() && !pace_.take(env.steady_now())) return false;
  ++in_flight_;
  was_full_ |= in_flight_ >= limit();
  permit = Permit(this);
  return true;
}

Task<Permit> AdaptiveLimiter::acquire(OpContext& context) {
  Permit permit;
  if (try_acquire(permit, context.env())) co_return permit;
  was_full_ |= in_flight_ >= limit();
  env_ = &context.env();
  Waiter self;
  waiters_.push_back(&self);
  while (!self.admitted) {
    if (waiters_.front() == &self && in_flight_ < limit())
      co_await keep_time(self, context);
    else
      co_await suspend(context.executor(), [&self](auto resume) { self.resume = std::move(resume); });
  }
  // Whoever gives a place back hands it on: it stays counted in in_flight_ while it changes hands.
  permit = Permit(this);
  context.check();
  co_return permit;
}

Task<> AdaptiveLimiter::keep_time(Waiter& first, OpContext& context) {
  try {
    const SteadyTime now = context.env().steady_now();
    if (const Duration wait = pace_.wait(now); wait > Duration{})
      co_await context.sleep(std::min(wait, kLongestNap));
  } catch (...) {
    if (first.admitted) {
      static_cast<void>(Permit(this));
    } else {
      std::erase(waiters_, &first);
      admit();
    }
    throw;
  }
  admit();
}

void AdaptiveLimiter::give_back() noexcept {
  --in_flight_;
  admit();
  // Places that change hands count as well: work that waited from the start never comes through acquire
  // again.
  was_full_ |= in_flight_ >= limit();
}

void AdaptiveLimiter::admit() noexcept {
  while (!waiters_.empty() && in_flight_ < limit() && (!pace_.active() || pace_.take(env_->steady_now()))) {
    ++in_flight_;
    Waiter& next = *waiters_.front();
    waiters_.pop_front();
    next.admitted = true;
    if (next.resume) std::exchange(next.resume, nullptr)();
  }
  // Only its turn is missing: the first one waits for it, and lets the others go in theirs.
  if (!waiters_.empty() && in_flight_ < limit() && waiters_.front()->resume)
    std::exchange(waiters_.front()->resume, nullptr)();
}

void AdaptiveLimiter::succeeded(Duration first_byte, SteadyTime now) noexcept {
  pace_.accepted(now);
  const auto sample = static_cast<double>(first_byte.count());
  smoothed_ns_ = smoothed_ns_ == 0 ? sample : smoothed_ns_ + kSmoothing * (sample - smoothed_ns_);
  floor_ns_ = floor_ns_ == 0 ? smoothed_ns_ : std::min(floor_ns_, smoothed_ns_);
  lowest_ns_ = lowest_ns_ == 0 ? sample : std::min(lowest_ns_, sample);
  if (answered_ == 0 && round_began_ == SteadyTime{}) round_began_ = now;
  if (++answered_ >= std::max<std::uint64_t>(limit(), kLeastRound)) end_round(now);
}

// A round is over: as many answers as places.
void AdaptiveLimiter::end_round(SteadyTime now) noexcept {
  const double seconds = std::max(1e-6, std::chrono::duration<double>(now - round_began_).count());
  const double rate = static_cast<double>(answered_) / seconds;
  const bool busy = rate > kBusyRate && smoothed_ns_ > lowest_ns_ * kBusyQueueing;
  const bool queueing = smoothed_ns_ > floor_ns_ * kQueueing + kQueueingSlackNs;
  const bool rising = smoothed_ns_ > floor_ns_ * kRising + kRisingSlackNs;
  const double ageing = 1 + std::min(1.0, seconds / kFloorMemory);
  floor_ns_ *= ageing;
  lowest_ns_ *= ageing;
  if (rising || (slow_start_ && queueing && rate < round_rate_ * kWorthDoubling)) {
    slow_start_ = false;
    // Latency rises for other reasons than our own load, too; it never takes away what we began with.
    limit_ = std::max(std::min<double>(limit_, options_.initial), limit_ / 2);
  } else if (busy) {
    limit_ = std::max(std::min<double>(limit_, options_.initial), limit_ * kBusyCut);
  } else if (was_full_ && slow_start_) {
    limit_ = std::min<double>(options_.maximum, limit_ * 2);
    round_rate_ = rate;
  } else if (was_full_ && !queueing) {
    limit_ = std::min<double>(options_.maximum, limit_ + std::max(1.0, limit_ * kGrowth));
  }
  answered_ = 0;
  was_full_ = false;
  round_began_ = now;
}

void AdaptiveLimiter::throttled(SteadyTime now) noexcept {
  ++throttles_;
  slow_start_ = false;
  pace_.refused(was_full_ || in_flight_ >= limit(),
                std::chrono::nanoseconds(static_cast<std::int64_t>(smoothed_ns_)), now);
}

}  // namespace haul

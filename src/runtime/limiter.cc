#include "runtime/limiter.h"

#include <algorithm>
#include <utility>

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
// Answers, or the time since the last, after which the pace is told of them while there is none yet.
constexpr std::uint64_t kHandful = 64;
constexpr Duration kTellWithin = std::chrono::milliseconds(10);
constexpr Duration kForgetAfter = std::chrono::milliseconds(100);
// Between looks for places that others have.
constexpr Duration kLook = std::chrono::milliseconds(1);

LimiterOptions in_order(const LimiterOptions& options) {
  const unsigned maximum = std::max(1U, options.maximum);
  return {.initial = std::clamp(options.initial, 1U, maximum), .maximum = maximum};
}

}  // namespace

void Permit::release() noexcept {
  if (limiter_ != nullptr) std::exchange(limiter_, nullptr)->give_back();
}

AdaptiveLimiter::AdaptiveLimiter(const LimiterOptions& options)
    : options_(in_order(options)),
      own_pace_(std::make_unique<RequestPace>()),
      pace_(own_pace_.get()),
      lease_(options_.maximum),
      limit_(options_.initial) {}

AdaptiveLimiter::AdaptiveLimiter(SharedPlaces& places, RequestPace& pace, unsigned initial)
    : options_(in_order({.initial = initial, .maximum = places.count()})),
      pace_(&pace),
      lease_(places),
      limit_(options_.initial) {}

PlaceLease::Need AdaptiveLimiter::need() const noexcept {
  return {.used = in_flight_, .limit = limit(), .waiting = static_cast<unsigned>(waiters_.size())};
}

bool AdaptiveLimiter::has_place() noexcept {
  if (in_flight_ >= limit()) return false;
  if (in_flight_ < lease_.held()) return true;
  return lease_.take_more(need(), in_flight_ == 0 && std::ranges::any_of(waiters_, &Waiter::waited_for));
}

bool AdaptiveLimiter::try_acquire(Permit& permit, const Env& env) noexcept {
  if (!waiters_.empty() || !has_place()) return false;
  if (pace_->active() && !pace_->take(env.steady_now())) {
    keep_what_is_used();
    return false;
  }
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
  // Whosever place it is: two services may each wait for the other's.
  Waiter self{.waited_for = lease_.shared() && context.holds_place()};
  waiters_.push_back(&self);
  if (in_flight_ >= lease_.held()) admit();  // says what is wanted
  while (!self.admitted) {
    if (waiters_.front() == &self && has_to_look())
      co_await look_again(self, context);
    else
      co_await suspend(context.executor(), [&self](auto resume) { self.resume = std::move(resume); });
  }
  // Whoever gives a place back hands it on: it stays counted in in_flight_ while it changes hands.
  permit = Permit(this);
  context.check();
  co_return permit;
}

Task<> AdaptiveLimiter::look_again(Waiter& first, OpContext& context) {
  bool looks = false;  // or it only naps, and may be admitted, and the next one looks meanwhile
  try {
    Duration wait = pace_->wait(context.env().steady_now());
    looks = in_flight_ >= lease_.held();
    if (looks) {
      first_looks_ = true;
      wait = std::max(wait, kLook);
    }
    if (wait > Duration{}) co_await context.sleep(std::min(wait, kLongestNap));
    // Simulated time passes without anybody else having his turn.
    if (looks) co_await suspend(context.executor(), [](auto resume) { resume(); });
    if (looks) first_looks_ = false;
  } catch (...) {
    if (looks) first_looks_ = false;
    if (first.admitted) {
      give_back();
    } else {
      std::erase(waiters_, &first);
      keep_what_is_used();
      admit();
    }
    throw;
  }
  lease_.may_take_again();
  admit();
}

void AdaptiveLimiter::give_back() noexcept {
  --in_flight_;
  keep_what_is_used();
  admit();
  // Places that change hands count as well: work that waited from the start never comes through acquire
  // again.
  was_full_ |= in_flight_ >= limit();
}

void AdaptiveLimiter::admit() noexcept {
  // Whoever looks for places is passed meanwhile, or one would wait for it.
  while (waiters_.size() > (first_looks_ ? 1U : 0U) && has_place() &&
         (!pace_->active() || pace_->take(env_->steady_now()))) {
    ++in_flight_;
    const auto at = waiters_.begin() + (first_looks_ ? 1 : 0);
    Waiter& next = **at;
    waiters_.erase(at);
    next.admitted = true;
    if (next.resume) std::exchange(next.resume, nullptr)();
  }
  if (waiters_.empty()) return lease_.want_none();
  // Its turn is missing, or a place that others have: the first one waits for it, and lets the others go in
  // theirs.
  if (has_to_look() && waiters_.front()->resume) std::exchange(waiters_.front()->resume, nullptr)();
}

void AdaptiveLimiter::succeeded(SteadyTime now) noexcept {
  forget_old(now);
  ++untold_;
  if (untold_ >= kHandful || pace_->active() || now - told_ >= kTellWithin) tell_pace(now);
}

// What was answered long ago tells nothing of the present rate.
void AdaptiveLimiter::forget_old(SteadyTime now) noexcept {
  if (now - told_ > kForgetAfter) untold_ = 0;
}

void AdaptiveLimiter::tell_pace(SteadyTime now) noexcept {
  if (untold_ == 0) return;
  told_ = now;
  pace_->accepted(std::exchange(untold_, 0), now);
}

void AdaptiveLimiter::succeeded(Duration first_byte, SteadyTime now) noexcept {
  succeeded(now);
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
  forget_old(now);
  tell_pace(now);
  pace_->refused(was_full_ || in_flight_ >= limit() || lease_.is_short(),
                 std::chrono::nanoseconds(static_cast<std::int64_t>(smoothed_ns_)), now);
}

}  // namespace haul

#include "auth/refreshing.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "runtime/retry.h"
#include "runtime/suspend.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;

constexpr Duration kAdvisory = 15min;
constexpr Duration kMandatory = 10min;
// However little time a set has left, its source is not asked more often.
constexpr Duration kShortest = 250ms;
constexpr Time kNever{Duration::max()};

Duration random_below(const Env& env, Duration bound) {
  if (bound.count() <= 0) return Duration::zero();
  return Duration(static_cast<std::int64_t>(env.random() % static_cast<std::uint64_t>(bound.count())));
}

// From `check` on somebody refreshes, from `mandatory` on everybody waits for it.
struct Windows {
  Time check = kNever;
  Time mandatory = kNever;
};

Windows windows_of(const Credentials& set, const Env& env) {
  if (!set.expiry) return {};
  const Time now = env.wall_now();
  const Duration left = std::max(*set.expiry - now, Duration::zero());
  const Duration advisory = std::min(kAdvisory, left / 2);
  const Duration mandatory = std::min(kMandatory, left / 3);
  const Time check = *set.expiry - advisory + random_below(env, (advisory - mandatory) / 2);
  const Time earliest = now + kShortest;
  return {std::max(check, earliest), std::max(*set.expiry - mandatory, earliest)};
}

class RefreshingProvider final : public CredentialsProvider {
 public:
  RefreshingProvider(std::unique_ptr<CredentialsSource> source, WhenUnavailable when_unavailable)
      : source_(std::move(source)), when_unavailable_(when_unavailable) {}

  bool is_current(const Credentials& held, Time now) const noexcept override {
    return &held == current_.load(std::memory_order_acquire) &&
           now.time_since_epoch().count() < check_at_.load(std::memory_order_relaxed);
  }

  Snapshot current(Time now) const noexcept override {
    const std::lock_guard lock(mutex_);
    return set_ && is_current(*set_, now) ? set_ : nullptr;
  }

  Task<Snapshot> get(OpContext& context) override {
    while (true) {
      std::uint64_t flight = 0;
      {
        const std::lock_guard lock(mutex_);
        const Time now = context.env().wall_now();
        if (set_ && is_current(*set_, now)) co_return set_;
        if (!refreshing_) {
          begin_locked(now);
          break;
        }
        if (set_ && !refused_ && now < windows_.mandatory) co_return set_;
        flight = flight_;
      }
      co_await landing(flight, context);
      const std::lock_guard lock(mutex_);
      if (failure_ && failed_flight_ == flight) throw Error(*failure_);
    }
    co_return co_await refresh(context);
  }

  bool rejected(const Credentials& refused) override {
    const std::lock_guard lock(mutex_);
    if (set_.get() == &refused) {
      refused_ = true;
      check_at_.store(std::numeric_limits<std::int64_t>::min(), std::memory_order_relaxed);
    }
    return true;
  }

 private:
  void begin_locked(Time now) {
    refreshing_ = true;
    if (refused_) quick_refusals_ = now - fetched_at_ < 1min ? quick_refusals_ + 1 : 0;
    // Until it lands the others need not come and ask.
    else if (set_)
      check_at_.store(windows_.mandatory.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // Waits until the refresh number `flight` has ended.
  Task<> landing(std::uint64_t flight, OpContext& context) {
    co_await suspend(context.executor(), [this, flight](auto resume) {
      const std::lock_guard lock(mutex_);
      if (flight_ != flight)
        resume();
      else
        waiters_.push_back(std::move(resume));
    });
  }

  Task<Snapshot> refresh(OpContext& context) {
    std::optional<Credentials> fetched;
    std::optional<Error> failure;
    try {
      fetched.emplace(co_await fetch(context));
    } catch (const std::exception&) {
      failure = current_error();  // decided upon below, for the waiters too
    }
    co_return land(std::move(fetched), std::move(failure), context);
  }

  Task<Credentials> fetch(OpContext& context) {
    // A source that hands out sets which the server refuses at once is not to be asked in a tight loop.
    if (quick_refusals_ > 1)
      co_await context.sleep(
          backoff({}, Error(ErrorClass::throttled, ""), quick_refusals_ - 1, context.env()));
    Credentials fetched = co_await source_->fetch(context);
    if (fetched.expiry && *fetched.expiry <= context.env().wall_now() &&
        when_unavailable_ == WhenUnavailable::fail)
      throw Error(ErrorClass::unauthenticated, "the credentials were already expired when they came")
          .on(fetched.origin)
          .with_hint("check the clock of this machine, and whatever issues the credentials");
    co_return fetched;
  }

  Snapshot land(std::optional<Credentials> fetched, std::optional<Error> failure, OpContext& context) {
    std::deque<std::move_only_function<void()>> waiters;
    Snapshot result;
    {
      const std::lock_guard lock(mutex_);
      const Time now = context.env().wall_now();
      if (fetched) {
        if (fetched->expiry && *fetched->expiry <= now) extend(*fetched, now, context);
        publish_locked(std::move(*fetched), now, context.env());
      } else {
        keep_locked(*failure, now, context);
      }
      refreshing_ = false;
      failed_flight_ = flight_++;
      const bool holds = set_ && !refused_ && (!set_->expiry || now < *set_->expiry);
      if (holds) result = set_;
      // Who is cancelled or out of time speaks for himself only: the next one tries again.
      const bool own = failure && (failure->error_class() == ErrorClass::cancelled ||
                                   failure->error_class() == ErrorClass::timed_out);
      failure_ = holds || own ? std::nullopt : failure;
      waiters.swap(waiters_);
    }
    for (auto& resume : waiters)
      resume();
    if (!result) throw Error(*failure);
    return result;
  }

  void publish_locked(Credentials fetched, Time now, const Env& env) {
    fetched_at_ = now;
    refused_ = false;
    windows_ = windows_of(fetched, env);
    set_ = std::make_shared<const Credentials>(std::move(fetched));
    current_.store(set_.get(), std::memory_order_release);
    check_at_.store(windows_.check.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // After a failure: what there is, as long as it holds, or longer if that was asked for.
  void keep_locked(const Error& failure, Time now, OpContext& context) {
    if (!set_ || refused_) {
      check_at_.store(std::numeric_limits<std::int64_t>::min(), std::memory_order_relaxed);
      return;
    }
    context.log().log(LogLevel::warning, "credentials could not be refreshed",
                      {{"run", context.label()},
                       {"origin", std::string_view(set_->origin)},
                       {"error", std::string_view(failure.what())}});
    if (now < *set_->expiry) {
      const Duration pause = std::clamp<Duration>((*set_->expiry - now) / 10, kShortest, 1min);
      const Time next = std::min(now + pause, *set_->expiry);
      windows_.mandatory = std::max(windows_.mandatory, next);
      check_at_.store(next.time_since_epoch().count(), std::memory_order_relaxed);
    } else if (when_unavailable_ == WhenUnavailable::keep_expired) {
      Credentials kept = *set_;
      extend(kept, now, context);
      publish_locked(std::move(kept), now, context.env());
    }
  }

  void extend(Credentials& set, Time now, OpContext& context) {
    context.log().log(LogLevel::warning, "going on with expired credentials: there are no newer ones yet",
                      {{"run", context.label()}, {"origin", std::string_view(set.origin)}});
    // Windows are scaled from here, so this asks again after half of the time: 10 to 15 minutes.
    set.expiry = now + 20min + random_below(context.env(), 10min);
  }

  const std::unique_ptr<CredentialsSource> source_;
  const WhenUnavailable when_unavailable_;

  // What is read for each request.
  std::atomic<const Credentials*> current_{nullptr};
  std::atomic<std::int64_t> check_at_{std::numeric_limits<std::int64_t>::min()};  // ns since 1970

  mutable std::mutex mutex_;  // guards all below; quick_refusals_ is read by the refreshing coroutine alone
  Snapshot set_;
  Windows windows_;
  Time fetched_at_{};
  bool refused_ = false;
  bool refreshing_ = false;
  int quick_refusals_ = 0;
  std::uint64_t flight_ = 0;
  std::uint64_t failed_flight_ = 0;
  std::optional<Error> failure_;  // of flight failed_flight_
  std::deque<std::move_only_function<void()>> waiters_;
};

}  // namespace

std::shared_ptr<CredentialsProvider> make_refreshing_provider(std::unique_ptr<CredentialsSource> source,
                                                              WhenUnavailable when_unavailable) {
  return std::make_shared<RefreshingProvider>(std::move(source), when_unavailable);
}

}  // namespace haul::auth

#include "runtime/context.h"

#include <algorithm>

#include <boost/asio/basic_waitable_timer.hpp>

#include "runtime/shard.h"

namespace haul {
namespace {

using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// A stop is noticed within this time. Looking now and then costs nothing while nothing sleeps, and needs no
// registration of every sleeper with the flag.
constexpr auto kStopGranularity = std::chrono::milliseconds(100);

}  // namespace

Executor OpContext::executor() const noexcept {
  return shard_->executor();
}
BlockingPool& OpContext::blocking_pool() const noexcept {
  return shard_->blocking_pool();
}

OpContext OpContext::with_deadline(SteadyTime deadline) const noexcept {
  OpContext child = *this;
  child.deadline_ = deadline_ ? std::min(*deadline_, deadline) : deadline;
  return child;
}

OpContext OpContext::holding_place() const noexcept {
  OpContext child = *this;
  child.holds_place_ = true;
  return child;
}

OpContext OpContext::with_label(std::string_view label) const noexcept {
  OpContext child = *this;
  child.label_ = label;
  return child;
}

OpContext OpContext::with_stop(const StopFlag& stop) const noexcept {
  OpContext child = *this;
  child.stop_ = &stop;
  return child;
}

OpContext OpContext::on(Shard& shard) const noexcept {
  OpContext child = *this;
  child.shard_ = &shard;
  return child;
}

void OpContext::check() const {
  if (stop_->aborting()) throw Error(ErrorClass::cancelled, "stopped");
  if (deadline_ && env_->steady_now() >= *deadline_)
    throw Error(ErrorClass::timed_out, "the deadline has passed").with_retryable(false);
}

Task<> OpContext::sleep(Duration duration) {
  check();
  if (env_->skip_sleep(duration)) {
    check();
    co_return;
  }
  const SteadyTime until = env_->steady_now() + std::chrono::duration_cast<SteadyTime::duration>(duration);
  Timer timer(executor());
  for (SteadyTime now = env_->steady_now(); now < until; now = env_->steady_now()) {
    SteadyTime next = std::min<SteadyTime>(until, now + kStopGranularity);
    if (deadline_) next = std::min(next, *deadline_);
    timer.expires_at(next);
    co_await timer.async_wait(use_task);
    check();
  }
}

}  // namespace haul

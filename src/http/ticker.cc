#include "http/ticker.h"

#include <algorithm>
#include <utility>

namespace haul::http {

void Watch::unlink() noexcept {
  if (self_ == nullptr) return;
  *self_ = next_;
  if (next_ != nullptr) next_->self_ = self_;
  self_ = nullptr;
  next_ = nullptr;
}

Ticks Ticker::ticks(std::chrono::milliseconds duration) const noexcept {
  const auto whole = (duration.count() + period_.count() - 1) / std::max<std::int64_t>(period_.count(), 1);
  return static_cast<Ticks>(std::clamp<std::int64_t>(whole, 1, kNoLimit - 1));
}

void Ticker::add(Watch& watch, const OpContext& context, Ticks limit) {
  watch.context_ = &context;
  watch.started_ = now_;
  watch.limit_ = limit;
  watch.next_ = first_;
  if (first_ != nullptr) first_->self_ = &watch.next_;
  first_ = &watch;
  watch.self_ = &first_;
  start();
}

void Ticker::start() {
  if (running_ || stopped_) return;
  running_ = true;
  timer_.expires_after(period_);
  wait(owner_.lock());
}

void Ticker::wait(std::shared_ptr<void> owner) {
  timer_.async_wait([this, held = std::move(owner)](const boost::system::error_code& error) mutable {
    if (error || stopped_) {
      running_ = false;
      return;
    }
    look_at_all();
    const bool more = more_();
    if (stopped_ || (first_ == nullptr && !more)) {
      running_ = false;
      return;
    }
    // From the last expiry, not from now: the clock must not run slow because a tick was late. But what was
    // missed while the thread was busy is not made up for: nobody could move bytes meanwhile.
    timer_.expires_at(std::max(timer_.expiry() + period_, std::chrono::steady_clock::now()));
    wait(std::move(held));
  });
}

void Ticker::stop() {
  stopped_ = true;
  timer_.cancel();
}

void Ticker::look_at_all() {
  ++now_;
  for (Watch* watch = first_; watch != nullptr;) {
    Watch* const next = watch->next_;
    const OpContext& context = *watch->context_;
    if (context.stop().aborting())
      watch->interrupt(Interrupt::stopped);
    else if (context.deadline() && context.env().steady_now() >= *context.deadline())
      watch->interrupt(Interrupt::deadline);
    else if (watch->limit_ != kNoLimit && now_ - watch->started_ > watch->limit_)
      watch->interrupt(Interrupt::expired);
    watch = next;
  }
}

}  // namespace haul::http

#include "runtime/memory_budget.h"

#include <fmt/format.h>

#include "base/error.h"
#include "runtime/suspend.h"

namespace haul {

void MemoryTicket::release() noexcept {
  if (budget_ != nullptr) std::exchange(budget_, nullptr)->give_back(std::exchange(bytes_, 0));
}

bool MemoryBudget::take(std::int64_t bytes) noexcept {
  std::int64_t available = available_.load();
  while (available >= bytes)
    if (available_.compare_exchange_weak(available, available - bytes)) return true;
  return false;
}

bool MemoryBudget::try_acquire(std::uint64_t bytes, MemoryTicket& ticket) noexcept {
  // Whoever waits goes first, or large requests would starve behind small ones.
  if (waiting_.load() != 0 || !take(static_cast<std::int64_t>(bytes))) return false;
  ticket = MemoryTicket(this, bytes);
  return true;
}

Task<MemoryTicket> MemoryBudget::acquire(std::uint64_t bytes, OpContext& context) {
  if (bytes > limit_)
    throw Error(ErrorClass::exhausted,
                fmt::format("{} bytes of buffers are needed, the limit is {}", bytes, limit_))
        .with_hint("raise --memory");
  MemoryTicket ticket;
  if (try_acquire(bytes, ticket)) co_return ticket;
  co_await suspend(context.executor(), [this, bytes](auto resume) {
    const std::lock_guard lock(mutex_);
    ++waiting_;
    waiters_.push_back({static_cast<std::int64_t>(bytes), std::move(resume)});
    serve_locked();  // something may have been given back since the look above
  });
  ticket = MemoryTicket(this, bytes);
  context.check();  // whoever waited through an abort passes the bytes on instead of starting work
  co_return ticket;
}

void MemoryBudget::give_back(std::uint64_t bytes) noexcept {
  available_.fetch_add(static_cast<std::int64_t>(bytes));
  if (waiting_.load() == 0) return;
  const std::lock_guard lock(mutex_);
  serve_locked();
}

void MemoryBudget::serve_locked() {
  while (!waiters_.empty() && take(waiters_.front().bytes)) {
    auto resume = std::move(waiters_.front().resume);
    waiters_.pop_front();
    --waiting_;
    resume();
  }
}

}  // namespace haul

#include "engine/memory/memory_engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/suspend.h"

namespace haul::engine {
namespace {

constexpr std::size_t kExtrasChunk = 1000;
// Who waits for a chunk that was put back looks for others as often as this.
constexpr Duration kLook = std::chrono::milliseconds(100);

}  // namespace

job::RunStatus MemoryRunEngine::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

job::Accounts MemoryRunEngine::accounts() const {
  const std::lock_guard lock(mutex_);
  return accounts_;
}

Task<> MemoryRunEngine::set_status(job::RunStatus status, OpContext&) {
  const std::lock_guard lock(mutex_);
  if (!job::may_follow(status_, status))
    throw Error(ErrorClass::internal, "a run that is " + std::string(job::to_string(status_)) +
                                          " cannot become " + std::string(job::to_string(status)));
  status_ = status;
  co_return;
}

job::DiscoveryState MemoryRunEngine::discovery() const {
  const std::lock_guard lock(mutex_);
  return {.place = std::nullopt, .ended = ended_};
}

Task<bool> MemoryRunEngine::discovered(job::DiscoveryStep step, OpContext& context) {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) co_return false;
    accounts_.add(step.accounts);
    ended_ = ended_ || step.last;
  }
  for (job::Chunk& chunk : step.chunks) {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (cancelled_) {
          give_up_locked(chunk);
          break;
        }
        if (chunk.extras) {
          for (const job::Item& item : chunk.items)
            extras_.add(item.key, item.etag, item.size, item.modified);
          break;
        }
        if (room_locked()) {
          chunk.id = ++last_id_;
          queue_.push_back(std::move(chunk));
          wake_one_locked(leasers_);
          break;
        }
      }
      co_await suspend(context.executor(), [this](auto resume) {
        const std::lock_guard lock(mutex_);
        if (cancelled_ || room_locked())
          resume();
        else
          pushers_.push_back(std::move(resume));
      });
    }
  }
  co_return true;
}

Task<std::optional<job::Chunk>> MemoryRunEngine::lease(OpContext& context) {
  while (true) {
    Duration wait{0};
    {
      const std::lock_guard lock(mutex_);
      if (auto chunk = take_locked(context)) co_return chunk;
      if (leases_ended_locked()) co_return std::nullopt;
      if (!later_.empty() && !held_)
        wait = std::clamp<Duration>(later_.begin()->first - context.env().steady_now(), Duration(1), kLook);
    }
    if (wait != Duration(0)) {
      co_await context.sleep(wait);
      continue;
    }
    co_await suspend(context.executor(), [this](auto resume) {
      const std::lock_guard lock(mutex_);
      const bool something = !queue_.empty() || !later_.empty() || (extras_released_ && extras_.left() != 0);
      if (something || leases_ended_locked())
        resume();
      else
        leasers_.push_back(std::move(resume));
    });
  }
}

std::optional<job::Chunk> MemoryRunEngine::take_locked(OpContext& context) {
  if (held_ || cancelled_) return std::nullopt;
  job::Chunk chunk;
  if (!later_.empty() && later_.begin()->first <= context.env().steady_now()) {
    chunk = std::move(later_.extract(later_.begin()).mapped());
  } else if (!queue_.empty()) {
    chunk = std::move(queue_.front());
    queue_.pop_front();
    wake_one_locked(pushers_);
  } else if (extras_released_ && extras_.next(kExtrasChunk, chunk)) {
    chunk.id = ++last_id_;
    chunk.extras = true;
  } else {
    return std::nullopt;
  }
  ++leased_;
  return chunk;
}

bool MemoryRunEngine::leases_ended_locked() const {
  return held_ || cancelled_ ||
         (closed_ && leased_ == 0 && queue_.empty() && later_.empty() &&
          (!extras_released_ || extras_.left() == 0));
}

Task<> MemoryRunEngine::record(job::ChunkReport report, OpContext& context) {
  const std::lock_guard lock(mutex_);
  accounts_.add(report.accounts);
  if (leased_ != 0) --leased_;
  for (job::Chunk& rest : report.rest) {
    rest.id = ++last_id_;
    if (cancelled_) {
      give_up_locked(rest);
    } else {
      const auto attempts = static_cast<int>(std::max(rest.attempt, 2U)) - 1;
      const Duration pause =
          backoff(options_.retry, Error(ErrorClass::unavailable, "put back"), attempts, context.env());
      later_.emplace(context.env().steady_now() + std::chrono::duration_cast<SteadyTime::duration>(pause),
                     std::move(rest));
      wake_all_locked();
    }
  }
  if (leased_ == 0) wake_all_locked();
  co_return;
}

Task<> MemoryRunEngine::release_extras(OpContext&) {
  const std::lock_guard lock(mutex_);
  extras_released_ = true;
  wake_all_locked();
  co_return;
}

Task<> MemoryRunEngine::keep_extras(OpContext&) {
  const std::lock_guard lock(mutex_);
  if (extras_released_) co_return;
  accounts_.extra_kept += extras_.left();
  extras_.forget();
}

void MemoryRunEngine::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  wake_all_locked();
}

void MemoryRunEngine::hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
  wake_all_locked();
}

void MemoryRunEngine::reopen() {
  const std::lock_guard lock(mutex_);
  closed_ = held_ = false;
}

Task<> MemoryRunEngine::cancel(OpContext&) {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (const job::Chunk& chunk : queue_)
    give_up_locked(chunk);
  for (const auto& [when, chunk] : later_)
    give_up_locked(chunk);
  accounts_.extra_kept += extras_.left();
  queue_.clear();
  later_.clear();
  extras_.forget();
  wake_all_locked();
  co_return;
}

void MemoryRunEngine::give_up_locked(const job::Chunk& chunk) {
  (chunk.extras ? accounts_.extra_kept : accounts_.not_attempted) += chunk.items.size();
}

void MemoryRunEngine::wake_all_locked() {
  for (Waiters* waiters : {&pushers_, &leasers_})
    while (!waiters->empty())
      wake_one_locked(*waiters);
}

void MemoryRunEngine::wake_one_locked(Waiters& waiters) {
  if (waiters.empty()) return;
  auto resume = std::move(waiters.front());
  waiters.pop_front();
  resume();
}

}  // namespace haul::engine

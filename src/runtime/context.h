// What travels with every operation: the world, the shard, the deadline, the wish to stop, the label.
#pragma once

#include <algorithm>
#include <atomic>
#include <optional>
#include <string_view>

#include "base/env.h"
#include "base/error.h"
#include "base/log.h"
#include "runtime/task.h"

namespace haul {

class Shard;
class BlockingPool;

// How urgently work is asked to end. Thread safety: any thread, signal handlers too.
enum class StopLevel : int {
  none = 0,
  drain = 1,  // take no new objects; let transfers in flight end
  abort = 2,  // break off requests in flight
};

// Raised, never lowered. A child is raised with its parent, and stops nobody else: one run of several.
class StopFlag {
 public:
  StopFlag() = default;
  // Not a copy, but a child; the parent must outlive it.
  explicit StopFlag(const StopFlag& parent) noexcept : parent_(&parent) {}
  StopFlag(StopFlag&&) = delete;

  void raise(StopLevel level) noexcept {
    int seen = level_.load();
    while (seen < static_cast<int>(level) && !level_.compare_exchange_weak(seen, static_cast<int>(level))) {
    }
  }
  StopLevel level() const noexcept {
    const auto own = static_cast<StopLevel>(level_.load(std::memory_order_relaxed));
    return parent_ == nullptr ? own : std::max(own, parent_->level());
  }
  bool draining() const noexcept { return level() != StopLevel::none; }
  bool aborting() const noexcept { return level() == StopLevel::abort; }

 private:
  std::atomic<int> level_{0};
  const StopFlag* const parent_ = nullptr;
};

// Belongs to one shard and is used only there. Cheap to copy. Refers to an Env, Shard, StopFlag and Logger
// that outlive it; the label must outlive it too.
class OpContext {
 public:
  OpContext(const Env& env, Shard& shard, const StopFlag& stop, Logger& log) noexcept
      : env_(&env), shard_(&shard), stop_(&stop), log_(&log) {}

  const Env& env() const noexcept { return *env_; }
  Shard& shard() const noexcept { return *shard_; }
  const StopFlag& stop() const noexcept { return *stop_; }
  Logger& log() const noexcept { return *log_; }
  std::string_view label() const noexcept { return label_; }  // run or chunk, for log records
  std::optional<SteadyTime> deadline() const noexcept { return deadline_; }
  bool holds_place() const noexcept { return holds_place_; }
  Executor executor() const noexcept;
  BlockingPool& blocking_pool() const noexcept;

  // A child only tightens: an earlier deadline wins.
  OpContext with_deadline(SteadyTime deadline) const noexcept;
  OpContext with_label(std::string_view label) const noexcept;
  OpContext with_stop(const StopFlag& stop) const noexcept;  // a child of this one's flag
  OpContext on(Shard& shard) const noexcept;                 // the same operation, continued on another shard
  // One that is waited for while a place among requests in flight is held (limiter.h).
  OpContext holding_place() const noexcept;

  // Throws cancelled or timed_out if the operation should not go on.
  void check() const;

  // Waits; ends early by throwing as check() does. Simulated if the Env says so.
  Task<> sleep(Duration duration);

  // Runs work() on the blocking pool and gives its result: co_await context.blocking([&] { ... }).
  template <class Work>
  auto blocking(Work work);

 private:
  const Env* env_;
  Shard* shard_;
  const StopFlag* stop_;
  Logger* log_;
  std::string_view label_;
  std::optional<SteadyTime> deadline_;
  bool holds_place_ = false;
};

}  // namespace haul

#include "runtime/blocking_pool.h"

namespace haul {

template <class Work>
auto OpContext::blocking(Work work) {
  return blocking_pool().run(executor(), std::move(work));
}

}  // namespace haul

// Structured concurrency on one shard: tasks that are started together and waited for together.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>

#include "runtime/task.h"

namespace haul {

// Not thread-safe; belongs to one shard. join() must have ended before the group is destroyed.
class TaskGroup {
 public:
  explicit TaskGroup(Executor executor) : executor_(std::move(executor)) {}
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup();

  // Starts task on this shard. The first exception of any task is kept for join().
  void spawn(Task<> task);

  // Waits until no task runs; then rethrows the first exception, if any. Tasks may be spawned meanwhile.
  Task<> join();

  bool failed() const noexcept { return static_cast<bool>(error_); }  // for siblings that want to end early
  std::size_t running() const noexcept { return running_; }

 private:
  void finished(std::exception_ptr error) noexcept;

  Executor executor_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
  std::move_only_function<void()> joiner_;
};

}  // namespace haul

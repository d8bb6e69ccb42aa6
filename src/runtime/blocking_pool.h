// Threads for calls that block: files, databases, name resolution, child processes.
// A shard's thread never blocks; it hands such work here and goes on with other objects meanwhile.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "runtime/suspend.h"
#include "runtime/task.h"

namespace haul {

// Thread safety: submit and run may be called from any thread.
class BlockingPool {
 public:
  explicit BlockingPool(unsigned threads);
  ~BlockingPool();  // runs what was submitted, then joins
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  void submit(std::move_only_function<void()> work);

  // Runs work() on a pool thread and gives its result, or its exception, to the calling coroutine, which
  // goes on on its own shard. What work refers to may live in the caller's frame.
  template <class Work>
  auto run(Executor executor, Work work) -> Task<std::invoke_result_t<Work&>> {
    using Result = std::invoke_result_t<Work&>;
    using Stored = std::conditional_t<std::is_void_v<Result>, char, Result>;
    std::optional<Stored> result;
    std::exception_ptr error;
    co_await suspend(std::move(executor), [this, &work, &result, &error](auto resume) {
      submit([&work, &result, &error, go = std::move(resume)]() mutable {
        try {
          if constexpr (std::is_void_v<Result>) {
            work();
            result.emplace();
          } else {
            result.emplace(work());
          }
        } catch (...) {
          error = std::current_exception();
        }
        go();
      });
    });
    if (error) std::rethrow_exception(error);
    if constexpr (!std::is_void_v<Result>) co_return std::move(*result);
  }

 private:
  void work_loop();
  bool needs_waking_locked() noexcept;

  std::mutex mutex_;  // guards the four below
  std::deque<std::move_only_function<void()>> queue_;
  unsigned idle_ = 0;
  bool waking_ = false;  // somebody has been woken and has not come yet
  bool stopping_ = false;
  std::condition_variable ready_;
  std::vector<std::jthread> threads_;
};

}  // namespace haul

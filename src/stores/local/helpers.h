// Work that other threads of the pool may help with, and that gets done without them too.
//
// Whoever needs the result works on what nobody has begun yet, and waits only for what is being worked on at
// that moment. So a full pool makes it slower, never stuck.
#pragma once

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "runtime/blocking_pool.h"

namespace haul::local {

// Calls each(0) ... each(count - 1), in any order, on this thread and up to `helpers` others. each must not
// throw. Returns when all calls have ended.
void for_each_with_help(BlockingPool& pool, unsigned helpers, std::size_t count,
                        const std::function<void(std::size_t)>& each);

// Something that is computed ahead of its use by the pool, or at its use if the pool has not come to it.
template <class Result>
class Ahead {
 public:
  // Everything that `compute` refers to must be owned by it: nobody waits for it if the result is not wanted.
  Ahead(BlockingPool& pool, std::move_only_function<Result()> compute)
      : work_(std::make_shared<Work>(std::move(compute))) {
    pool.submit([work = work_] { work->run(); });
  }
  Ahead(Ahead&&) noexcept = default;
  Ahead& operator=(Ahead&&) noexcept = default;
  ~Ahead() {
    if (work_) work_->begun = true;  // if nobody has begun it, nobody has to
  }

  // Once. Throws what compute threw.
  Result get() {
    work_->run();
    std::unique_lock lock(work_->mutex);
    work_->ready.wait(lock, [this] { return work_->done; });
    if (work_->error) std::rethrow_exception(work_->error);
    return std::move(*work_->result);
  }

 private:
  struct Work {
    explicit Work(std::move_only_function<Result()> function) : compute(std::move(function)) {}
    void run() {
      if (begun.exchange(true)) return;
      std::optional<Result> computed;
      std::exception_ptr thrown;
      try {
        computed.emplace(compute());
      } catch (...) {
        thrown = std::current_exception();
      }
      compute = nullptr;
      const std::lock_guard lock(mutex);
      result = std::move(computed);
      error = thrown;
      done = true;
      ready.notify_all();
    }
    std::atomic<bool> begun{false};
    std::move_only_function<Result()> compute;
    std::mutex mutex;  // guards the three below
    bool done = false;
    std::optional<Result> result;
    std::exception_ptr error;
    std::condition_variable ready;
  };
  std::shared_ptr<Work> work_;
};

}  // namespace haul::local

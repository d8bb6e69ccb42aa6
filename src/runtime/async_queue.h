// A bounded queue between coroutines, on one shard or across shards. For pages and chunks, not for objects:
// each passage takes a lock.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "runtime/context.h"
#include "runtime/suspend.h"
#include "runtime/task.h"

namespace haul {

// Thread safety: all methods may be called from any shard.
template <class T>
class AsyncQueue {
 public:
  explicit AsyncQueue(std::size_t capacity) : capacity_(capacity) {}
  AsyncQueue(const AsyncQueue&) = delete;
  AsyncQueue& operator=(const AsyncQueue&) = delete;

  // Waits while the queue is full. False if it was closed meanwhile: the item is dropped.
  Task<bool> push(T item, OpContext& context) {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (closed_) co_return false;
        if (items_.size() < capacity_) {
          items_.push_back(std::move(item));
          wake_one_locked(poppers_);
          co_return true;
        }
      }
      co_await wait(pushers_, context, [this] { return closed_ || items_.size() < capacity_; });
    }
  }

  // Waits while the queue is empty. Nothing once it is closed and drained; throws what fail() was given.
  Task<std::optional<T>> pop(OpContext& context) {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (!items_.empty()) {
          std::optional<T> item(std::move(items_.front()));
          items_.pop_front();
          wake_one_locked(pushers_);
          co_return item;
        }
        if (closed_) {
          if (error_) std::rethrow_exception(error_);
          co_return std::nullopt;
        }
      }
      co_await wait(poppers_, context, [this] { return closed_ || !items_.empty(); });
    }
  }

  // No more items. What is queued can still be popped.
  void close() { end(nullptr); }
  // As close(), and pop() throws `error` once drained.
  void fail(std::exception_ptr error) { end(std::move(error)); }

  // Closes at once and gives back what was still queued.
  std::deque<T> drain() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (Waiters* waiters : {&pushers_, &poppers_})
      while (!waiters->empty())
        wake_one_locked(*waiters);
    return std::exchange(items_, {});
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  using Waiters = std::deque<std::move_only_function<void()>>;

  template <class Ready>
  Task<> wait(Waiters& waiters, OpContext& context, Ready ready) {
    co_await suspend(context.executor(), [this, &waiters, &ready](auto resume) {
      const std::lock_guard lock(mutex_);
      if (ready())
        resume();
      else
        waiters.push_back(std::move(resume));
    });
  }

  static void wake_one_locked(Waiters& waiters) {
    if (waiters.empty()) return;
    auto resume = std::move(waiters.front());
    waiters.pop_front();
    resume();
  }

  void end(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!closed_) error_ = std::move(error);
    closed_ = true;
    for (Waiters* waiters : {&pushers_, &poppers_})
      while (!waiters->empty())
        wake_one_locked(*waiters);
  }

  const std::size_t capacity_;
  mutable std::mutex mutex_;  // guards all below
  std::deque<T> items_;
  Waiters pushers_, poppers_;
  bool closed_ = false;
  std::exception_ptr error_;
};

}  // namespace haul

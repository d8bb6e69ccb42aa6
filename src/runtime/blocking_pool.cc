#include "runtime/blocking_pool.h"

namespace haul {

BlockingPool::BlockingPool(unsigned threads) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i)
    threads_.emplace_back([this] { work_loop(); });
}

BlockingPool::~BlockingPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_all();
}

// A wake-up is a system call and a change of threads. One is under way at a time: who comes takes work, and
// wakes the next if there is more. Short calls are so done by few threads, long ones spread over all.
bool BlockingPool::needs_waking_locked() noexcept {
  if (idle_ == 0 || waking_ || queue_.empty()) return false;
  waking_ = true;
  return true;
}

void BlockingPool::submit(std::move_only_function<void()> work) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    wake = needs_waking_locked();
  }
  if (wake) ready_.notify_one();
}

void BlockingPool::work_loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (queue_.empty()) {
      if (stopping_) return;
      ++idle_;
      ready_.wait(lock);
      --idle_;
      waking_ = false;
    }
    auto work = std::move(queue_.front());
    queue_.pop_front();
    const bool wake = needs_waking_locked();
    lock.unlock();
    if (wake) ready_.notify_one();
    work();
    work = nullptr;
    lock.lock();
  }
}

}  // namespace haul

// What a service can is known of Amazon; of others it is found out by the first who needs it, once: those who
// need it meanwhile wait for what is found.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "runtime/context.h"
#include "runtime/suspend.h"
#include "runtime/task.h"

namespace haul::s3 {

enum class Finding : int { unknown, yes, no };

// Thread safety: all methods may be called from any thread.
class Probe {
 public:
  explicit Probe(Finding known) : known_(known) {}

  Finding known() const noexcept { return known_.load(std::memory_order_acquire); }

  // Makes the caller the one who finds out, if nothing is known and nobody is at it.
  class Turn {
   public:
    explicit Turn(Probe& probe) : probe_(probe.begin() ? &probe : nullptr) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    // Without an answer the next one tries.
    ~Turn() {
      if (probe_ != nullptr) probe_->end(Finding::unknown);
    }
    explicit operator bool() const noexcept { return probe_ != nullptr; }
    void found(Finding finding) { std::exchange(probe_, nullptr)->end(finding); }

   private:
    Probe* probe_;
  };

  // Waits until nobody is finding out.
  Task<> ended(OpContext& context) {
    co_await suspend(context.executor(), [this](auto resume) {
      const std::lock_guard lock(mutex_);
      if (busy_)
        waiters_.emplace_back(std::move(resume));
      else
        resume();
    });
    context.check();
  }

 private:
  bool begin() {
    const std::lock_guard lock(mutex_);
    if (busy_ || known() != Finding::unknown) return false;
    return busy_ = true;
  }

  void end(Finding finding) {
    std::deque<std::move_only_function<void()>> waiters;
    {
      const std::lock_guard lock(mutex_);
      known_.store(finding, std::memory_order_release);
      busy_ = false;
      waiters.swap(waiters_);
    }
    for (auto& resume : waiters)
      resume();
  }

  std::atomic<Finding> known_;
  std::mutex mutex_;  // guards what follows
  bool busy_ = false;
  std::deque<std::move_only_function<void()>> waiters_;
};

}  // namespace haul::s3

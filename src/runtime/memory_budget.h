// Memory is taken as a ticket before work is scheduled: no ticket, no work. The tickets are the
// back-pressure of the whole program, so peak memory is a setting and not a consequence.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>

#include "runtime/context.h"
#include "runtime/task.h"

namespace haul {

class MemoryBudget;

// Gives its bytes back when destroyed. Move-only; may be destroyed on any thread.
class MemoryTicket {
 public:
  MemoryTicket() = default;
  MemoryTicket(MemoryBudget* budget, std::uint64_t bytes) : budget_(budget), bytes_(bytes) {}
  MemoryTicket(MemoryTicket&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  MemoryTicket& operator=(MemoryTicket&& other) noexcept {
    if (this != &other) {
      release();
      budget_ = std::exchange(other.budget_, nullptr);
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~MemoryTicket() { release(); }

  std::uint64_t bytes() const noexcept { return bytes_; }
  void release() noexcept;

 private:
  MemoryBudget* budget_ = nullptr;
  std::uint64_t bytes_ = 0;
};

// Thread safety: all methods may be called from any thread. Waiters are served in order.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit) : limit_(limit), available_(static_cast<std::int64_t>(limit)) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  // Waits until `bytes` are free. Throws exhausted if that can never be: bytes > limit(); cancelled or
  // timed_out if the operation should not go on when its turn comes.
  Task<MemoryTicket> acquire(std::uint64_t bytes, OpContext& context);

  // At once or not at all.
  bool try_acquire(std::uint64_t bytes, MemoryTicket& ticket) noexcept;

  // Whether somebody waits: who keeps memory in reserve should give it up.
  bool contended() const noexcept { return waiting_.load(std::memory_order_relaxed) != 0; }

  std::uint64_t limit() const noexcept { return limit_; }
  std::uint64_t in_use() const noexcept {
    return limit_ - static_cast<std::uint64_t>(available_.load(std::memory_order_relaxed));
  }

 private:
  friend class MemoryTicket;
  struct Waiter {
    std::int64_t bytes;
    std::move_only_function<void()> resume;
  };
  bool take(std::int64_t bytes) noexcept;
  void give_back(std::uint64_t bytes) noexcept;
  void serve_locked();

  const std::uint64_t limit_;
  std::atomic<std::int64_t> available_;
  std::atomic<int> waiting_{0};
  std::mutex mutex_;  // guards waiters_; only taken when somebody waits
  std::deque<Waiter> waiters_;
};

}  // namespace haul

// Places among the requests in flight to one endpoint, which the limiters of all shards share without a lock.
//
// A limiter leases places, and keeps what it uses. One alone may have them all. Who has less than an equal
// share says how many it waits for, and those with more give theirs back as their requests end. Nobody is
// woken on another shard: each looks when its own requests end, or, having too few, once a millisecond.
#pragma once

#include <atomic>

namespace haul {

// Thread safety: all methods from any thread. What they tell is already past when it is read; only that no
// more places are taken than there are holds always.
class SharedPlaces {
 public:
  explicit SharedPlaces(unsigned count) noexcept;
  SharedPlaces(const SharedPlaces&) = delete;
  SharedPlaces& operator=(const SharedPlaces&) = delete;

  unsigned count() const noexcept { return count_; }
  // To be leased at once where one is needed: a lease that changes with every request would cost what a lock
  // costs.
  unsigned batch() const noexcept { return batch_; }

  // Those who have places or wait for some. `share` is an equal part, 0 where they are more than places.
  void join() noexcept { sharers_.fetch_add(1, std::memory_order_relaxed); }
  void leave() noexcept { sharers_.fetch_sub(1, std::memory_order_relaxed); }
  unsigned share() const noexcept;

  // Takes at most so many and leaves at least `left`. Gives how many.
  unsigned take(unsigned most, unsigned left) noexcept;
  // One more than there are, for a request without which another would never end.
  void take_beyond() noexcept { free_.fetch_sub(1, std::memory_order_relaxed); }
  void give_back(unsigned number) noexcept {
    free_.fetch_add(static_cast<int>(number), std::memory_order_relaxed);
  }

  // How many those wait for who have less than their share: each says by how many more or fewer than before.
  void want(int more) noexcept { wanted_.fetch_add(more, std::memory_order_relaxed); }
  unsigned wanted() const noexcept;
  // Whether fewer are free than that.
  bool lacking() const noexcept {
    return free_.load(std::memory_order_relaxed) < wanted_.load(std::memory_order_relaxed);
  }

  // Taken now, those beyond included.
  unsigned taken() const noexcept {
    return static_cast<unsigned>(static_cast<int>(count_) - free_.load(std::memory_order_relaxed));
  }

 private:
  const unsigned count_;
  const unsigned batch_;
  alignas(64) std::atomic<int> free_;
  std::atomic<int> wanted_{0};
  std::atomic<int> sharers_{0};
};

}  // namespace haul

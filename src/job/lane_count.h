// How many lanes are at work on each shard, and how many would be of use: coroutines that take one object
// after the other. Those that only wait for a place among the requests in flight cost memory and cache.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "runtime/context.h"
#include "runtime/shard.h"
#include "store/store.h"

namespace haul::job {

// Thread safety: each shard calls it for itself.
class LaneCount {
 public:
  // `shard_bound`: of a shard, where places do not bound them: disks, and bodies on their way from a service.
  LaneCount(std::size_t shards, std::size_t shard_bound) : of_shard_(shards), shard_bound_(shard_bound) {}

  // On the context's shard.
  std::size_t at_work(const OpContext& context) const noexcept { return of_shard_[context.shard().index()]; }
  // On the context's shard, for objects that are read from the one and written to the other store. Nothing
  // stands for a store whose requests are the other's.
  std::size_t of_use(const store::Store* reads, const store::Store* writes, const OpContext& context) const;

 private:
  friend class Lane;
  std::vector<std::size_t> of_shard_;
  std::atomic<std::size_t> all_{0};  // changes with of_shard_, which is seldom
  const std::size_t shard_bound_;
};

// One lane, counted from when it is spawned until it ends in whatever way. Stays on its shard.
class Lane {
 public:
  // of_chunk: is counted as well.
  Lane(LaneCount& count, std::size_t& of_chunk, const OpContext& context);
  Lane(Lane&& other) noexcept;
  Lane& operator=(Lane&&) = delete;
  ~Lane();

 private:
  LaneCount* count_;
  std::size_t* of_shard_;
  std::size_t* of_chunk_;
};

}  // namespace haul::job

// One event loop per core, each with its connections and its share of the work, and what they share.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/blocking_pool.h"
#include "runtime/context.h"
#include "runtime/memory_budget.h"

namespace haul {

// An event loop driven by exactly one thread. Whatever belongs to a shard is used on that thread only and
// needs no locks.
class Shard {
 public:
  Shard(unsigned index, BlockingPool& pool, MemoryBudget& memory)
      : index_(index), pool_(pool), memory_(memory), loop_(1), work_(loop_.get_executor()) {}

  unsigned index() const noexcept { return index_; }
  boost::asio::io_context& loop() noexcept { return loop_; }
  Executor executor() noexcept { return loop_.get_executor(); }
  BlockingPool& blocking_pool() noexcept { return pool_; }
  MemoryBudget& memory() noexcept { return memory_; }

 private:
  friend class Runtime;
  unsigned index_;
  BlockingPool& pool_;
  MemoryBudget& memory_;
  boost::asio::io_context loop_;
  boost::asio::executor_work_guard<Executor> work_;
};

struct RuntimeOptions {
  unsigned shards = 0;            // 0: one per core
  unsigned blocking_threads = 0;  // 0: four per core, 8 at least
  std::uint64_t memory = 256ULL << 20;
};

// Owns shards, pool and budget. The first shard runs on the thread that calls run().
class Runtime {
 public:
  Runtime(const Env& env, Logger& log, const RuntimeOptions& options);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  unsigned shard_count() const noexcept { return static_cast<unsigned>(shards_.size()); }
  Shard& shard(unsigned index) noexcept { return *shards_[index]; }
  MemoryBudget& memory() noexcept { return memory_; }
  BlockingPool& blocking_pool() noexcept { return *pool_; }
  StopFlag& stop() noexcept { return stop_; }
  OpContext context(unsigned shard_index = 0) noexcept { return {env_, shard(shard_index), stop_, log_}; }

  // Runs main on the first shard, on this thread, until it ends; rethrows what it throws. The other shards
  // run meanwhile. May be called again.
  void run(Task<> main);

  // run() for a task with a result.
  template <class T>
  T run_for(Task<T> main) {
    std::optional<T> result;
    run(store_result(std::move(main), result));
    return std::move(*result);
  }

 private:
  template <class T>
  static Task<> store_result(Task<T> main, std::optional<T>& result) {
    result.emplace(co_await std::move(main));
  }

  const Env& env_;
  Logger& log_;
  StopFlag stop_;
  MemoryBudget memory_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::unique_ptr<BlockingPool> pool_;  // after the shards: ends first, while they can still be posted to
  std::vector<std::jthread> threads_;
};

// Runs task on `target` and gives its result to the caller, who goes on on its own shard.
template <class T>
Task<T> on_shard(Shard& target, Task<T> task) {
  co_return co_await boost::asio::co_spawn(target.executor(), std::move(task), use_task);
}

}  // namespace haul

// A runtime in a simulated world, for tests: one shard on the test's own thread, time that passes only when
// somebody sleeps.
#pragma once

#include "base/env.h"
#include "base/log.h"
#include "runtime/shard.h"

namespace haul {

class ManualRuntime {
 public:
  explicit ManualRuntime(std::uint64_t memory = 64ULL << 20)
      : runtime_(env_, null_logger(), {.shards = 1, .blocking_threads = 2, .memory = memory}) {}

  ManualEnv& env() noexcept { return env_; }
  Runtime& runtime() noexcept { return runtime_; }
  OpContext context() noexcept { return runtime_.context(); }
  Shard& shard() noexcept { return runtime_.shard(0); }
  Executor executor() noexcept { return shard().executor(); }

  void run(Task<> main) { runtime_.run(std::move(main)); }
  template <class T>
  T run_for(Task<T> main) {
    return runtime_.run_for(std::move(main));
  }

 private:
  ManualEnv env_;
  Runtime runtime_;
};

// Lets everything that is ready on this shard go on once.
inline Task<> yield(Executor executor) {
  co_await boost::asio::post(executor, use_task);
}

}  // namespace haul

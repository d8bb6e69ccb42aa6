#include "runtime/blocking_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <set>
#include <thread>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

struct BlockingCalls {
  static Task<> one(OpContext context) {
    const auto here = std::this_thread::get_id();
    int local = 0;
    const auto there = co_await context.blocking([&local] {
      local = 5;
      return std::this_thread::get_id();
    });
    EXPECT_NE(there, here);
    EXPECT_EQ(std::this_thread::get_id(), here) << "the coroutine goes on on its own shard";
    EXPECT_EQ(local, 5);
    co_await context.blocking([&local] { local = 6; });
    EXPECT_EQ(local, 6);
    auto owned = co_await context.blocking([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*owned, 7);
  }

  static Task<> failing(OpContext context) {
    co_await context.blocking([] { throw Error(ErrorClass::exhausted, "disk full"); });
  }

  static Task<> meet(std::latch& all, OpContext context) {
    co_await context.blocking([&all] { all.arrive_and_wait(); });
  }

  static Task<> at_once(unsigned threads, OpContext context) {
    std::latch all(threads);
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < threads; ++i)
      group.spawn(meet(all, context));
    co_await group.join();
  }

  static Task<> count(std::atomic<int>& counter, int times, OpContext context) {
    for (int i = 0; i < times; ++i)
      co_await context.blocking([&counter] { ++counter; });
  }

  static Task<> count_on(Shard& shard, std::atomic<int>& counter, OpContext context) {
    co_await on_shard(shard, count(counter, 500, context.on(shard)));
  }

  static Task<> from_all_shards(Runtime& runtime, std::atomic<int>& counter, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < runtime.shard_count(); ++i)
      for (int k = 0; k < 4; ++k)
        group.spawn(count_on(runtime.shard(i), counter, context));
    co_await group.join();
  }
};

TEST(BlockingPool, RunsWorkElsewhereAndComesBackWithItsResult) {
  ManualRuntime world;
  world.run(BlockingCalls::one(world.context()));
}

TEST(BlockingPool, BringsExceptionsBack) {
  ManualRuntime world;
  EXPECT_THROW(world.run(BlockingCalls::failing(world.context())), Error);
}

TEST(BlockingPool, RunsAsManyCallsAtOnceAsItHasThreads) {
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 6});
  // Each round ends only if all six are there together; between rounds all fall asleep.
  for (int round = 0; round < 300; ++round)
    runtime.run(BlockingCalls::at_once(6, runtime.context()));
}

TEST(BlockingPool, ServesAllShards) {
  Runtime runtime(system_env(), null_logger(), {.shards = 3, .blocking_threads = 3});
  std::atomic<int> counter{0};
  runtime.run(BlockingCalls::from_all_shards(runtime, counter, runtime.context()));
  EXPECT_EQ(counter.load(), 3 * 4 * 500);
}

TEST(BlockingPool, FinishesWhatWasSubmittedBeforeItGoes) {
  std::atomic<int> counter{0};
  {
    BlockingPool pool(2);
    for (int i = 0; i < 1000; ++i)
      pool.submit([&counter] { ++counter; });
  }
  EXPECT_EQ(counter.load(), 1000);
}

}  // namespace
}  // namespace haul

#include "runtime/async_queue.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

struct QueueUsers {
  AsyncQueue<std::unique_ptr<int>>& queue;
  std::vector<int> received;
  std::size_t longest = 0;
  bool refused = false;
  std::string failure;

  Task<> produce(int count, OpContext context) {
    for (int i = 0; i < count; ++i) {
      if (!co_await queue.push(std::make_unique<int>(i), context)) {
        refused = true;
        co_return;
      }
      longest = std::max(longest, queue.size());
    }
    queue.close();
  }

  Task<> consume(OpContext context) {
    try {
      while (auto item = co_await queue.pop(context))
        received.push_back(**item);
    } catch (const Error& error) {
      failure = error.message();
    }
  }

  Task<> fail_later(OpContext context) {
    for (int i = 0; i < 5; ++i)
      co_await yield(context.executor());
    queue.fail(std::make_exception_ptr(Error(ErrorClass::unavailable, "listing broke")));
    queue.close();  // the first end counts
  }

  Task<> together(Task<> first, Task<> second, OpContext context) {
    TaskGroup group(context.executor());
    group.spawn(std::move(first));
    group.spawn(std::move(second));
    co_await group.join();
  }
};

TEST(AsyncQueue, KeepsTheOrderAndItsCapacity) {
  ManualRuntime world;
  AsyncQueue<std::unique_ptr<int>> queue(3);
  QueueUsers users{queue};
  world.run(
      users.together(users.produce(100, world.context()), users.consume(world.context()), world.context()));
  ASSERT_EQ(users.received.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(users.received));
  EXPECT_LE(users.longest, 3U);
}

TEST(AsyncQueue, WakesWhoWaitsForTheFirstItem) {
  ManualRuntime world;
  AsyncQueue<std::unique_ptr<int>> queue(3);
  QueueUsers users{queue};
  world.run(
      users.together(users.consume(world.context()), users.produce(1, world.context()), world.context()));
  EXPECT_EQ(users.received, std::vector<int>{0});
}

TEST(AsyncQueue, TellsTheFailureOnlyAfterWhatCameBeforeIt) {
  ManualRuntime world;
  AsyncQueue<std::unique_ptr<int>> queue(10);
  QueueUsers users{queue};
  struct Script {
    static Task<> run(QueueUsers& who, AsyncQueue<std::unique_ptr<int>>& line, OpContext context) {
      EXPECT_TRUE(co_await line.push(std::make_unique<int>(4), context));
      line.fail(std::make_exception_ptr(Error(ErrorClass::unavailable, "listing broke")));
      EXPECT_FALSE(co_await line.push(std::make_unique<int>(5), context));
      co_await who.consume(context);
    }
  };
  world.run(Script::run(users, queue, world.context()));
  EXPECT_EQ(users.received, std::vector<int>{4});
  EXPECT_EQ(users.failure, "listing broke");
}

TEST(AsyncQueue, AnEndWakesWhoWaitsOnEitherSide) {
  ManualRuntime world;
  AsyncQueue<std::unique_ptr<int>> full(1);
  QueueUsers pushing{full};
  world.run(pushing.together(pushing.produce(2, world.context()), pushing.fail_later(world.context()),
                             world.context()));
  EXPECT_TRUE(pushing.refused);
  AsyncQueue<std::unique_ptr<int>> empty(1);
  QueueUsers popping{empty};
  world.run(popping.together(popping.consume(world.context()), popping.fail_later(world.context()),
                             world.context()));
  EXPECT_EQ(popping.failure, "listing broke");
}

struct ShardedQueue {
  AsyncQueue<int> queue{4};
  std::atomic<std::int64_t> sum{0};
  std::atomic<int> producers{0};

  Task<> produce(int count, OpContext context) {
    for (int i = 1; i <= count; ++i)
      co_await queue.push(i, context);
    if (--producers == 0) queue.close();
  }
  Task<> consume(OpContext context) {
    while (const auto item = co_await queue.pop(context))
      sum += *item;
  }
  Task<> on(Shard& shard, Task<> task) { co_await on_shard(shard, std::move(task)); }
  Task<> run(Runtime& runtime, OpContext context) {
    TaskGroup group(context.executor());
    producers = static_cast<int>(runtime.shard_count());
    for (unsigned i = 0; i < runtime.shard_count(); ++i) {
      Shard& shard = runtime.shard(i);
      group.spawn(on(shard, produce(1000, context.on(shard))));
      group.spawn(on(shard, consume(context.on(shard))));
    }
    co_await group.join();
  }
};

TEST(AsyncQueue, LosesNothingBetweenShards) {
  Runtime runtime(system_env(), null_logger(), {.shards = 4, .blocking_threads = 1});
  ShardedQueue sharded;
  runtime.run(sharded.run(runtime, runtime.context()));
  EXPECT_EQ(sharded.sum.load(), 4LL * 1000 * 1001 / 2);
}

}  // namespace
}  // namespace haul

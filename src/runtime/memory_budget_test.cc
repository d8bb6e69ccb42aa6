#include "runtime/memory_budget.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

struct BudgetUsers {
  MemoryBudget& budget;
  std::vector<std::uint64_t> order;
  int cancelled = 0;

  Task<> use(std::uint64_t bytes, OpContext context) {
    try {
      const MemoryTicket ticket = co_await budget.acquire(bytes, context);
      order.push_back(bytes);
      co_await yield(context.executor());
    } catch (const Error& error) {
      if (error.error_class() == ErrorClass::cancelled) ++cancelled;
    }
  }

  Task<> queue_behind(std::uint64_t held_bytes, std::vector<std::uint64_t> requests, StopFlag* stop,
                      OpContext context) {
    TaskGroup group(context.executor());
    {
      const MemoryTicket held = co_await budget.acquire(held_bytes, context);
      for (const std::uint64_t bytes : requests)
        group.spawn(use(bytes, context));
      if (stop != nullptr) stop->raise(StopLevel::abort);
    }
    co_await group.join();
  }
};

TEST(MemoryBudget, ServesInTheOrderOfAskingSoThatLargeRequestsDoNotStarve) {
  ManualRuntime world;
  MemoryBudget budget(100);
  BudgetUsers users{budget};
  world.run(users.queue_behind(60, {100, 1, 2, 3}, nullptr, world.context()));
  EXPECT_EQ(users.order, (std::vector<std::uint64_t>{100, 1, 2, 3}));
  EXPECT_EQ(budget.in_use(), 0U);
}

TEST(MemoryBudget, GivesNothingPastTheQueueEvenIfItWouldFit) {
  ManualRuntime world;
  MemoryBudget budget(100);
  BudgetUsers users{budget};
  struct Late {
    static Task<> run(BudgetUsers& waiting, MemoryBudget& memory, OpContext context) {
      TaskGroup group(context.executor());
      {
        const MemoryTicket held = co_await memory.acquire(60, context);
        group.spawn(waiting.use(90, context));
        MemoryTicket late;
        EXPECT_FALSE(memory.try_acquire(1, late));
      }
      co_await group.join();
    }
  };
  world.run(Late::run(users, budget, world.context()));
}

TEST(MemoryBudget, RefusesWhatCanNeverBeHad) {
  ManualRuntime world;
  MemoryBudget budget(100);
  struct Greedy {
    static Task<> run(MemoryBudget& memory, OpContext context) {
      const MemoryTicket ticket = co_await memory.acquire(101, context);
    }
  };
  try {
    world.run(Greedy::run(budget, world.context()));
    FAIL() << "101 of 100 bytes were given";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::exhausted);
  }
  EXPECT_EQ(budget.in_use(), 0U);
}

TEST(MemoryBudget, TheLimitItselfAndNothingAtAllCanBeHad) {
  MemoryBudget budget(100);
  MemoryTicket all, none;
  EXPECT_TRUE(budget.try_acquire(100, all));
  EXPECT_TRUE(budget.try_acquire(0, none));
  EXPECT_EQ(budget.in_use(), 100U);
  MemoryTicket moved(std::move(all));
  EXPECT_EQ(budget.in_use(), 100U);
  moved = MemoryTicket();
  EXPECT_EQ(budget.in_use(), 0U);
}

TEST(MemoryBudget, AnAbortPassesThroughTheQueue) {
  ManualRuntime world;
  MemoryBudget budget(10);
  BudgetUsers users{budget};
  world.run(users.queue_behind(10, {10, 10, 10, 5, 5}, &world.runtime().stop(), world.context()));
  EXPECT_EQ(users.cancelled, 5);
  EXPECT_EQ(budget.in_use(), 0U);
}

// Counts by itself what is held at a time on all shards.
struct CrossShardUsers {
  MemoryBudget& budget;
  std::atomic<std::int64_t> held{0};
  std::atomic<std::int64_t> peak{0};
  std::atomic<int> uses{0};

  Task<> use_often(int times, std::uint64_t seed, OpContext context) {
    for (int i = 0; i < times; ++i) {
      const std::uint64_t bytes = 1 + (seed * 7919 + static_cast<std::uint64_t>(i) * 31) % 60;
      const MemoryTicket ticket = co_await budget.acquire(bytes, context);
      const std::int64_t now =
          held.fetch_add(static_cast<std::int64_t>(bytes)) + static_cast<std::int64_t>(bytes);
      std::int64_t seen = peak.load();
      while (seen < now && !peak.compare_exchange_weak(seen, now)) {
      }
      co_await yield(context.executor());
      held.fetch_sub(static_cast<std::int64_t>(bytes));
      ++uses;
    }
  }

  Task<> on_one_shard(OpContext context) {
    TaskGroup group(context.executor());
    for (std::uint64_t i = 0; i < 8; ++i)
      group.spawn(use_often(200, i + 10 * context.shard().index(), context));
    co_await group.join();
  }

  Task<> start_on(Shard& shard, OpContext context) {
    co_await on_shard(shard, on_one_shard(context.on(shard)));
  }

  Task<> on_all_shards(Runtime& runtime, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < runtime.shard_count(); ++i)
      group.spawn(start_on(runtime.shard(i), context));
    co_await group.join();
  }
};

TEST(MemoryBudget, HoldsItsLimitAcrossShards) {
  Runtime runtime(system_env(), null_logger(), {.shards = 4, .blocking_threads = 1, .memory = 100});
  CrossShardUsers users{runtime.memory()};
  runtime.run(users.on_all_shards(runtime, runtime.context()));
  EXPECT_EQ(users.uses.load(), 4 * 8 * 200);
  EXPECT_LE(users.peak.load(), 100);
  EXPECT_EQ(runtime.memory().in_use(), 0U);
}

}  // namespace
}  // namespace haul

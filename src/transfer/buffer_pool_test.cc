#include "transfer/buffer_pool.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

TEST(BufferPool, RoundsUpToAFewSizes) {
  EXPECT_EQ(BufferPool::capacity_for(0), 0U);
  EXPECT_EQ(BufferPool::capacity_for(1), 4096U);
  EXPECT_EQ(BufferPool::capacity_for(4096), 4096U);
  EXPECT_EQ(BufferPool::capacity_for(4097), 8192U);
  EXPECT_EQ(BufferPool::capacity_for(kMebibyte), kMebibyte);
  EXPECT_EQ(BufferPool::capacity_for(kMebibyte + 1), 2 * kMebibyte);
  EXPECT_EQ(BufferPool::capacity_for(5 * kMebibyte + 1), 6 * kMebibyte);
}

TEST(BufferPool, GivesTheSameMemoryToTheNextObject) {
  MemoryBudget budget(16 * kMebibyte);
  BufferPool pool(budget, 4 * kMebibyte);
  for (const std::uint64_t size : {std::uint64_t{100}, 3 * kMebibyte}) {
    Buffer first, second;
    ASSERT_TRUE(pool.try_take(size, first));
    const std::byte* memory = first.all().data();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % 64, 0U);
    first = Buffer();
    ASSERT_TRUE(pool.try_take(size - 1, second));
    EXPECT_EQ(second.all().data(), memory);
  }
}

TEST(BufferPool, LargeBuffersBeginWhereCopiesOfThemAreFast) {
  MemoryBudget budget(16 * kMebibyte);
  BufferPool pool(budget, 4 * kMebibyte);
  Buffer buffer;
  ASSERT_TRUE(pool.try_take(kMebibyte, buffer));
  EXPECT_GE(reinterpret_cast<std::uintptr_t>(buffer.all().data()) % 4096, 64U);
  std::ranges::fill(buffer.all(), std::byte{1});  // all of it is there
}

TEST(BufferPool, WhatLiesIdleIsAccountedForAndBounded) {
  MemoryBudget budget(16 * kMebibyte);
  BufferPool pool(budget, 2 * kMebibyte);
  {
    Buffer a, b, c;
    ASSERT_TRUE(pool.try_take(kMebibyte, a));
    ASSERT_TRUE(pool.try_take(kMebibyte, b));
    ASSERT_TRUE(pool.try_take(kMebibyte, c));
    EXPECT_EQ(budget.in_use(), 3 * kMebibyte);
  }
  EXPECT_EQ(pool.idle_bytes(), 2 * kMebibyte);
  EXPECT_EQ(budget.in_use(), 2 * kMebibyte);
  pool.clear();
  EXPECT_EQ(budget.in_use(), 0U);
}

TEST(BufferPool, ALargeBufferIsNotWastedOnASmallNeed) {
  MemoryBudget budget(64 * kMebibyte);
  BufferPool pool(budget, 16 * kMebibyte);
  {
    Buffer large;
    ASSERT_TRUE(pool.try_take(10 * kMebibyte, large));
  }
  Buffer small;
  ASSERT_TRUE(pool.try_take(2 * kMebibyte, small));
  EXPECT_EQ(small.capacity(), 2 * kMebibyte);
  Buffer fitting;
  ASSERT_TRUE(pool.try_take(6 * kMebibyte, fitting));
  EXPECT_EQ(fitting.capacity(), 10 * kMebibyte);
}

struct PoolUsers {
  // Takes the whole budget in another size than what lies idle.
  static Task<> take_all(BufferPool& pool, OpContext context) {
    {
      const Buffer idle = co_await pool.take(2 * kMebibyte, context);
    }
    EXPECT_EQ(pool.idle_bytes(), 2 * kMebibyte);
    const Buffer all = co_await pool.take(8 * kMebibyte, context);
    EXPECT_EQ(all.capacity(), 8 * kMebibyte);
    EXPECT_EQ(pool.idle_bytes(), 0U);
  }

  static Task<> hold(BufferPool& pool, bool& waits, OpContext context) {
    const Buffer mine = co_await pool.take(8 * kMebibyte, context);
    waits = false;
  }

  static Task<> give_to_waiters(BufferPool& pool, OpContext context) {
    TaskGroup group(context.executor());
    bool waits = true;
    {
      const Buffer kept = co_await pool.take(2 * kMebibyte, context);
      group.spawn(hold(pool, waits, context));
    }
    co_await group.join();
    EXPECT_FALSE(waits);
  }
};

TEST(BufferPool, GivesUpWhatLiesIdleBeforeItWaits) {
  ManualRuntime world;
  MemoryBudget budget(8 * kMebibyte);
  BufferPool pool(budget, 4 * kMebibyte);
  world.run(PoolUsers::take_all(pool, world.context()));
}

TEST(BufferPool, KeepsNothingWhileSomebodyWaits) {
  ManualRuntime world;
  MemoryBudget budget(8 * kMebibyte);
  BufferPool pool(budget, 4 * kMebibyte);
  world.run(PoolUsers::give_to_waiters(pool, world.context()));
}

TEST(BufferPool, NothingIsNeededForNothing) {
  MemoryBudget budget(4096);
  BufferPool pool(budget, 0);
  Buffer page, none, more;
  ASSERT_TRUE(pool.try_take(1, page));
  EXPECT_TRUE(pool.try_take(0, none));
  EXPECT_TRUE(none.all().empty());
  EXPECT_FALSE(pool.try_take(1, more));
}

}  // namespace
}  // namespace haul::transfer

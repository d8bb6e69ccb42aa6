#include "runtime/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "runtime/cancelled_waits_test.h"
#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

using namespace std::chrono_literals;

// A server that answers each request after `latency`, one after the other in simulated time.
struct LimitedClient {
  AdaptiveLimiter& limiter;
  unsigned peak = 0;
  unsigned done = 0;
  std::vector<int> order;

  Task<> request(int number, Duration latency, OpContext context) {
    Permit permit = co_await limiter.acquire(context);
    peak = std::max(peak, limiter.in_flight());
    co_await yield(context.executor());
    order.push_back(number);
    limiter.succeeded(latency, context.env().steady_now());
    ++done;
  }

  Task<> many(int count, Duration latency, OpContext context) {
    TaskGroup group(context.executor());
    for (int i = 0; i < count; ++i)
      group.spawn(request(i, latency, context));
    co_await group.join();
  }
};

void answer(AdaptiveLimiter& limiter, unsigned times, Duration latency, const Env& env) {
  std::vector<Permit> permits;
  Permit permit;
  while (limiter.try_acquire(permit, env))
    permits.push_back(std::move(permit));
  for (unsigned i = 0; i < times; ++i)
    limiter.succeeded(latency, env.steady_now());
}

void refuse_all_but_one_a_second(AdaptiveLimiter& limiter, ManualEnv& env) {
  std::vector<Permit> all;
  Permit permit;
  while (limiter.try_acquire(permit, env))
    all.push_back(std::move(permit));
  limiter.succeeded(env.steady_now());
  env.advance(1s);
  limiter.throttled(env.steady_now());
}

TEST(Limiter, GrowsFastWhileTheServerKeepsUp) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 4, .maximum = 64});
  LimitedClient client{limiter};
  world.run(client.many(300, 1ms, world.context()));
  EXPECT_EQ(client.done, 300U);
  EXPECT_EQ(limiter.limit(), 64U);
  EXPECT_EQ(client.peak, 64U);
  EXPECT_EQ(limiter.in_flight(), 0U);
}

TEST(Limiter, DoesNotGrowWhileItIsNotReached) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 8});
  LimitedClient client{limiter};
  for (int i = 0; i < 100; ++i)
    world.run(client.many(1, 1ms, world.context()));
  EXPECT_EQ(limiter.limit(), 8U);
}

TEST(Limiter, ServesInTheOrderOfAsking) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .maximum = 1});
  LimitedClient client{limiter};
  world.run(client.many(20, 1ms, world.context()));
  EXPECT_TRUE(std::ranges::is_sorted(client.order));
  EXPECT_EQ(client.peak, 1U);
}

TEST(Limiter, StopsDoublingWhereTwiceAsManyInFlightOnlyWaitTwiceAsLong) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 8, .maximum = 1024});
  for (int round = 0; round < 30; ++round) {
    // A server that needs 20 ms for each, and can do 64 at a time.
    const std::chrono::milliseconds took{20 * std::max(1U, limiter.limit() / 64)};
    env.advance(took);
    answer(limiter, limiter.limit(), took, env);
  }
  EXPECT_GE(limiter.limit(), 64U);
  EXPECT_LE(limiter.limit(), 128U);
}

TEST(Limiter, SetsAPaceAndKeepsItsPlacesWhenRefused) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 64});
  answer(limiter, 30, 1ms, env);
  for (int i = 0; i < 30; ++i)
    limiter.throttled(env.steady_now());
  EXPECT_EQ(limiter.limit(), 64U);
  EXPECT_EQ(limiter.throttle_count(), 30U);
  EXPECT_TRUE(limiter.pace().active());
  EXPECT_LE(limiter.pace().per_second(), 300.0);
}

TEST(Limiter, WhatWasAnsweredLongAgoSetsNoPace) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 64});
  answer(limiter, 40, 1ms, env);  // fewer than the pace is told of at once
  env.advance(2s);
  limiter.throttled(env.steady_now());
  EXPECT_FALSE(limiter.pace().active());
}

TEST(Limiter, GrowsGentlyAfterARefusal) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 32});
  std::vector<Permit> permits(32);
  for (Permit& permit : permits)
    ASSERT_TRUE(limiter.try_acquire(permit, env));
  limiter.throttled(env.steady_now());
  for (int i = 0; i < 32; ++i)
    limiter.succeeded(1ms, env.steady_now());
  EXPECT_EQ(limiter.limit(), 33U);
}

TEST(Limiter, LetsRequestsGoInTheirTurnOnceItWasRefused) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 4, .maximum = 4});
  {
    std::vector<Permit> permits(4);
    for (Permit& permit : permits)
      ASSERT_TRUE(limiter.try_acquire(permit, world.env()));
    for (int i = 0; i < 10; ++i)
      limiter.succeeded(1ms, world.env().steady_now());
    limiter.throttled(world.env().steady_now());
  }
  ASSERT_DOUBLE_EQ(limiter.pace().per_second(), 100.0);
  const SteadyTime start = world.env().steady_now();
  LimitedClient client{limiter};
  world.run(client.many(20, 1ms, world.context()));
  EXPECT_EQ(client.done, 20U);
  EXPECT_TRUE(std::ranges::is_sorted(client.order));
  EXPECT_LE(client.peak, 4U);
  EXPECT_GE(world.env().steady_now() - start, 150ms);
  EXPECT_LE(world.env().steady_now() - start, 400ms);
}

TEST(Limiter, SomeWhoCannotWaitDoNotHoldUpTheOthersForLong) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 2, .maximum = 2});
  refuse_all_but_one_a_second(limiter, world.env());
  ASSERT_DOUBLE_EQ(limiter.pace().per_second(), 1.0);
  for (int i = 0; i < 800; ++i)
    limiter.sent_beside(world.env().steady_now());
  const SteadyTime start = world.env().steady_now();
  LimitedClient client{limiter};
  world.run(client.many(1, 1ms, world.context()));
  EXPECT_EQ(client.done, 1U);
  EXPECT_LE(world.env().steady_now() - start, 2500ms);
}

TEST(Limiter, GivesWayWhenAnswersGrowSlowButKeepsWhatItBeganWith) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 16, .maximum = 512});
  for (int round = 0; round < 4; ++round)
    answer(limiter, limiter.limit(), 2ms, env);
  const unsigned grown = limiter.limit();
  ASSERT_GE(grown, 128U);
  for (int round = 0; round < 3; ++round) {
    env.advance(1s);
    answer(limiter, limiter.limit(), 200ms, env);
  }
  EXPECT_LT(limiter.limit(), grown);
  for (int round = 0; round < 200; ++round) {
    env.advance(1s);
    answer(limiter, limiter.limit(), 2s, env);
  }
  EXPECT_GE(limiter.limit(), 16U);
}

TEST(Limiter, BringsItsBoundsIntoOrder) {
  EXPECT_EQ(AdaptiveLimiter({.initial = 32, .maximum = 4}).limit(), 4U);
  EXPECT_EQ(AdaptiveLimiter({.initial = 0, .maximum = 0}).limit(), 1U);
}

TEST(Limiter, APermitGoesToWhoWaitsAndOnlyThenBack) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .maximum = 1});
  Permit first;
  ASSERT_TRUE(limiter.try_acquire(first, world.env()));
  Permit second;
  EXPECT_FALSE(limiter.try_acquire(second, world.env()));
  first = Permit();
  EXPECT_EQ(limiter.in_flight(), 0U);
  EXPECT_TRUE(limiter.try_acquire(second, world.env()));
  Permit third(std::move(second));
  EXPECT_EQ(limiter.in_flight(), 1U);
}

struct AbortCascade : CancelledWaits {
  Task<> run(OpContext context, StopFlag& stop) {
    TaskGroup group(context.executor());
    {
      const Permit held = co_await limiter.acquire(context);
      for (int i = 0; i < 50; ++i)
        group.spawn(wait(context));
      stop.raise(StopLevel::abort);
    }
    co_await group.join();
  }
};

TEST(Limiter, AnAbortWakesAllWhoWaitForTheirTurn) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .maximum = 1});
  refuse_all_but_one_a_second(limiter, world.env());
  ASSERT_DOUBLE_EQ(limiter.pace().per_second(), 1.0);
  const SteadyTime start = world.env().steady_now();
  AbortCascade cascade{{limiter}};
  world.run(cascade.run(world.context(), world.runtime().stop()));
  EXPECT_EQ(cascade.cancelled, 50);
  EXPECT_EQ(limiter.in_flight(), 0U);
  EXPECT_LE(world.env().steady_now() - start, 2s);
}

TEST(Limiter, AnAbortWakesAllWhoWaitOneAfterTheOther) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .maximum = 1});
  AbortCascade cascade{{limiter}};
  world.run(cascade.run(world.context(), world.runtime().stop()));
  EXPECT_EQ(cascade.cancelled, 50);
  EXPECT_EQ(limiter.in_flight(), 0U);
}

}  // namespace
}  // namespace haul

#include "runtime/limiter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

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

void answer(AdaptiveLimiter& limiter, unsigned times, Duration latency, SteadyTime now) {
  std::vector<Permit> permits;
  Permit permit;
  while (limiter.try_acquire(permit))
    permits.push_back(std::move(permit));
  for (unsigned i = 0; i < times; ++i)
    limiter.succeeded(latency, now);
}

TEST(Limiter, GrowsFastWhileTheServerKeepsUp) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 4, .minimum = 1, .maximum = 64});
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
  AdaptiveLimiter limiter({.initial = 1, .minimum = 1, .maximum = 1});
  LimitedClient client{limiter};
  world.run(client.many(20, 1ms, world.context()));
  EXPECT_TRUE(std::ranges::is_sorted(client.order));
  EXPECT_EQ(client.peak, 1U);
}

TEST(Limiter, HalvesOnceForABurstOfRefusals) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 64});
  for (int i = 0; i < 30; ++i)
    limiter.throttled(env.steady_now());
  EXPECT_EQ(limiter.limit(), 32U);
  EXPECT_EQ(limiter.throttle_count(), 30U);
  env.advance(1s);
  limiter.throttled(env.steady_now());
  EXPECT_EQ(limiter.limit(), 16U);
}

TEST(Limiter, NeverGoesBelowItsMinimumHoweverOftenItIsRefused) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 8, .minimum = 2});
  for (int i = 0; i < 30; ++i) {
    env.advance(1s);
    limiter.throttled(env.steady_now());
  }
  EXPECT_EQ(limiter.limit(), 2U);
}

TEST(Limiter, GrowsGentlyAgainAfterARefusal) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 32});
  limiter.throttled(env.steady_now());
  ASSERT_EQ(limiter.limit(), 16U);
  answer(limiter, 16, 1ms, env.steady_now());
  EXPECT_EQ(limiter.limit(), 17U);
}

TEST(Limiter, GivesWayWhenAnswersGrowSlowButKeepsWhatItBeganWith) {
  const ManualEnv env;
  AdaptiveLimiter limiter({.initial = 16, .minimum = 1, .maximum = 512});
  for (int round = 0; round < 4; ++round)
    answer(limiter, limiter.limit(), 2ms, env.steady_now());
  const unsigned grown = limiter.limit();
  ASSERT_GE(grown, 128U);
  for (int round = 0; round < 3; ++round) {
    env.advance(1s);
    answer(limiter, limiter.limit(), 200ms, env.steady_now());
  }
  EXPECT_LT(limiter.limit(), grown);
  for (int round = 0; round < 200; ++round) {
    env.advance(1s);
    answer(limiter, limiter.limit(), 2s, env.steady_now());
  }
  EXPECT_GE(limiter.limit(), 16U);
}

TEST(Limiter, BringsItsBoundsIntoOrder) {
  EXPECT_EQ(AdaptiveLimiter({.initial = 32, .minimum = 1, .maximum = 4}).limit(), 4U);
  EXPECT_EQ(AdaptiveLimiter({.initial = 0, .minimum = 0, .maximum = 0}).limit(), 1U);
}

TEST(Limiter, APermitGoesToWhoWaitsAndOnlyThenBack) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .minimum = 1, .maximum = 1});
  Permit first;
  ASSERT_TRUE(limiter.try_acquire(first));
  Permit second;
  EXPECT_FALSE(limiter.try_acquire(second));
  first = Permit();
  EXPECT_EQ(limiter.in_flight(), 0U);
  EXPECT_TRUE(limiter.try_acquire(second));
  Permit third(std::move(second));
  EXPECT_EQ(limiter.in_flight(), 1U);
}

struct AbortCascade {
  AdaptiveLimiter& limiter;
  int cancelled = 0;

  Task<> wait(OpContext context) {
    try {
      const Permit permit = co_await limiter.acquire(context);
    } catch (const Error& error) {
      if (error.error_class() == ErrorClass::cancelled) ++cancelled;
    }
  }

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

TEST(Limiter, AnAbortWakesAllWhoWaitOneAfterTheOther) {
  ManualRuntime world;
  AdaptiveLimiter limiter({.initial = 1, .minimum = 1, .maximum = 1});
  AbortCascade cascade{limiter};
  world.run(cascade.run(world.context(), world.runtime().stop()));
  EXPECT_EQ(cascade.cancelled, 50);
  EXPECT_EQ(limiter.in_flight(), 0U);
}

}  // namespace
}  // namespace haul

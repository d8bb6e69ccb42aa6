// Limiters of several shards on the places of one endpoint.
#include "runtime/shared_places.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/cancelled_waits_test.h"
#include "runtime/limiter.h"
#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

using namespace std::chrono_literals;

std::vector<Permit> take_all(AdaptiveLimiter& limiter, const Env& env) {
  std::vector<Permit> permits;
  Permit permit;
  while (limiter.try_acquire(permit, env))
    permits.push_back(std::move(permit));
  return permits;
}

// Requests to one endpoint that take a while each, through one of its limiters.
struct Sharer {
  AdaptiveLimiter& limiter;
  SharedPlaces& places;
  Duration takes = 5ms;
  unsigned done = 0;
  unsigned peak = 0;  // here
  unsigned peak_of_all = 0;

  Task<> request(OpContext context) {
    const Permit permit = co_await limiter.acquire(context);
    peak = std::max(peak, limiter.in_flight());
    peak_of_all = std::max(peak_of_all, places.taken());
    co_await context.sleep(takes);
    ++done;
  }

  Task<> many(unsigned count, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < count; ++i)
      group.spawn(request(context));
    co_await group.join();
  }
};

struct SharedPlacesTest : testing::Test {
  Runtime runtime{system_env(), null_logger(), {.shards = 2, .blocking_threads = 1}};

  void run_both(Sharer& one, unsigned count, Sharer& other, unsigned other_count) {
    runtime.run(both(one, count, other, other_count));
  }
  Task<> both(Sharer& one, unsigned count, Sharer& other, unsigned other_count) {
    TaskGroup group(runtime.context().executor());
    group.spawn(on_shard(runtime.shard(0), one.many(count, runtime.context(0))));
    group.spawn(on_shard(runtime.shard(1), other.many(other_count, runtime.context(1))));
    co_await group.join();
  }
};

// A turn that one waits for may be taken on the other shard: then it waits for the next.
TEST_F(SharedPlacesTest, TwoShardsTakeTheirTurnsAtOnePace) {
  SharedPlaces places(512);
  RequestPace pace;
  const SteadyTime begin = runtime.context().env().steady_now();
  pace.accepted(200, begin);
  pace.refused(true, 1ms, begin);
  ASSERT_DOUBLE_EQ(pace.per_second(), 2'000.0);
  AdaptiveLimiter one(places, pace), other(places, pace);
  Sharer here{one, places, 1ms}, there{other, places, 1ms};
  run_both(here, 300, there, 300);
  EXPECT_EQ(here.done + there.done, 600U);
  EXPECT_GE(runtime.context().env().steady_now() - begin, 200ms);  // the two of them together kept it
  EXPECT_EQ(places.taken(), 0U);
}

TEST(SharedPlaces, OneAloneMayHaveThemAll) {
  const ManualEnv env;
  SharedPlaces places(64);
  RequestPace pace;
  AdaptiveLimiter busy(places, pace, 64);
  const AdaptiveLimiter idle(places, pace, 64);
  EXPECT_EQ(take_all(busy, env).size(), 64U);
  EXPECT_EQ(busy.in_flight(), 0U);
}

TEST(SharedPlaces, AreNeverMoreThanThereAre) {
  const ManualEnv env;
  SharedPlaces places(10);
  RequestPace pace;
  AdaptiveLimiter one(places, pace, 10);
  AdaptiveLimiter other(places, pace, 10);
  const auto held = take_all(one, env);
  EXPECT_EQ(held.size(), 10U);
  EXPECT_TRUE(take_all(other, env).empty());
  EXPECT_EQ(places.taken(), 10U);
}

TEST(SharedPlaces, WhoIsIdleKeepsNone) {
  const ManualEnv env;
  SharedPlaces places(1000);
  RequestPace pace;
  AdaptiveLimiter one(places, pace, 100);
  {
    const auto held = take_all(one, env);
    EXPECT_EQ(held.size(), 100U);
  }
  EXPECT_EQ(places.taken(), 0U);
  EXPECT_EQ(places.share(), 1000U) << "and shares no more";
}

TEST(SharedPlaces, WhoNeedsFewKeepsFew) {
  const ManualEnv env;
  SharedPlaces places(1000);
  RequestPace pace;
  AdaptiveLimiter one(places, pace, 500);
  auto held = take_all(one, env);
  held.resize(3);
  EXPECT_LE(places.taken(), 3 + 2 * places.batch());
}

TEST(SharedPlaces, AnIdleOneLendsUntilItHasWorkItself) {
  ManualRuntime world;
  SharedPlaces places(8);
  RequestPace pace;
  AdaptiveLimiter one(places, pace, 8);
  AdaptiveLimiter other(places, pace, 8);
  auto held = take_all(one, world.env());
  ASSERT_EQ(held.size(), 8U);
  EXPECT_EQ(other.places(), 8U);
  Permit permit;
  EXPECT_FALSE(other.try_acquire(permit, world.env()));
  EXPECT_EQ(other.places(), 1U) << "others have them now";
  held.resize(5);
  EXPECT_TRUE(other.try_acquire(permit, world.env()));
  EXPECT_EQ(other.places(), 8U);
}

TEST_F(SharedPlacesTest, GoToWhoHasWorkOnceTheOtherHasNone) {
  SharedPlaces places(32);
  RequestPace pace;
  AdaptiveLimiter one(places, pace);
  AdaptiveLimiter other(places, pace);
  Sharer longer{one, places};
  Sharer shorter{other, places};
  run_both(longer, 1000, shorter, 40);
  EXPECT_EQ(longer.done, 1000U);
  EXPECT_EQ(shorter.done, 40U);
  EXPECT_EQ(longer.peak, 32U);
  EXPECT_LE(std::max(longer.peak_of_all, shorter.peak_of_all), 32U);
  EXPECT_EQ(places.taken(), 0U);
  EXPECT_EQ(places.wanted(), 0U);
}

TEST_F(SharedPlacesTest, AHungryOneGetsItsShareFromWhoHasThemAll) {
  SharedPlaces places(32);
  RequestPace pace;
  AdaptiveLimiter one(places, pace);
  AdaptiveLimiter other(places, pace);
  Sharer first{one, places};
  Sharer second{other, places};
  std::vector<Permit> all = take_all(one, runtime.context().env());
  ASSERT_EQ(all.size(), 32U);
  all.clear();
  run_both(first, 600, second, 600);
  EXPECT_EQ(first.done + second.done, 1200U);
  EXPECT_GE(first.peak, 16U);
  EXPECT_GE(second.peak, 16U);
  EXPECT_LE(std::max(first.peak_of_all, second.peak_of_all), 32U);
}

TEST_F(SharedPlacesTest, OneIsHandedToAndFro) {
  SharedPlaces places(1);
  RequestPace pace;
  AdaptiveLimiter one(places, pace);
  AdaptiveLimiter other(places, pace);
  Sharer first{one, places, 1ms};
  Sharer second{other, places, 1ms};
  run_both(first, 30, second, 30);
  EXPECT_EQ(first.done + second.done, 60U);
  EXPECT_EQ(first.peak, 1U);
  EXPECT_EQ(std::max(first.peak_of_all, second.peak_of_all), 1U);
  EXPECT_EQ(places.taken(), 0U);
}

// A write whose body is read from the same service.
struct Nested {
  AdaptiveLimiter& writes;
  AdaptiveLimiter& reads;
  unsigned done = 0;

  Task<> write(OpContext context) {
    const Permit permit = co_await writes.acquire(context);
    OpContext inside = context.holding_place();
    {
      const Permit nested = co_await reads.acquire(inside);
      co_await yield(context.executor());
    }
    ++done;
  }

  Task<> many(unsigned count, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < count; ++i)
      group.spawn(write(context));
    co_await group.join();
  }
};

TEST(SharedPlaces, AWriteThatReadsFromTheSameServiceDoesNotWaitForItself) {
  for (const unsigned count : {1U, 2U, 3U, 16U}) {
    SCOPED_TRACE(count);
    ManualRuntime world;
    SharedPlaces places(count);
    RequestPace pace;
    AdaptiveLimiter writes(places, pace);
    AdaptiveLimiter reads(places, pace);
    Nested nested{writes, reads};
    world.run(nested.many(100, world.context()));
    EXPECT_EQ(nested.done, 100U);
    EXPECT_EQ(places.taken(), 0U);
  }
}

// Each service's places are held by writes that read from the other one.
TEST(SharedPlaces, TwoServicesDoNotWaitForEachOther) {
  ManualRuntime world;
  SharedPlaces here(2), there(2);
  RequestPace pace;
  AdaptiveLimiter writes_here(here, pace), reads_here(here, pace), writes_there(there, pace),
      reads_there(there, pace);
  Nested from_there{writes_here, reads_there};
  Nested from_here{writes_there, reads_here};
  world.run([](Nested& one, Nested& other, OpContext context) -> Task<> {
    TaskGroup group(context.executor());
    group.spawn(one.many(50, context));
    group.spawn(other.many(50, context));
    co_await group.join();
  }(from_there, from_here, world.context()));
  EXPECT_EQ(from_there.done + from_here.done, 100U);
  EXPECT_EQ(here.taken() + there.taken(), 0U);
}

TEST(SharedPlaces, WhoMayNotGoYetKeepsNone) {
  const ManualEnv env;
  SharedPlaces places(64);
  RequestPace pace;
  AdaptiveLimiter limiter(places, pace, 64);
  {
    const std::vector<Permit> permits = take_all(limiter, env);
    limiter.succeeded(1ms, env.steady_now());
    env.advance(1s);
    for (int i = 0; i < 20; ++i)
      limiter.succeeded(1ms, env.steady_now());
    limiter.throttled(env.steady_now());
  }
  ASSERT_TRUE(limiter.pace().active());
  Permit permit;
  std::vector<Permit> turns;
  while (limiter.try_acquire(permit, env))
    turns.push_back(std::move(permit));
  turns.clear();
  EXPECT_FALSE(limiter.try_acquire(permit, env));
  EXPECT_EQ(places.taken(), 0U);
  RequestPace unhurried;
  AdaptiveLimiter other(places, unhurried, 64);
  EXPECT_EQ(take_all(other, env).size(), 64U) << "nobody is left to share with";
}

struct WaitsInVain : CancelledWaits {
  Task<> run(OpContext context, StopFlag& stop) {
    TaskGroup group(context.executor());
    for (int i = 0; i < 50; ++i)
      group.spawn(wait(context));
    co_await yield(context.executor());
    stop.raise(StopLevel::abort);
    co_await group.join();
  }
};

TEST(SharedPlaces, AnAbortWakesThoseWhoWaitForPlacesThatOthersHave) {
  ManualRuntime world;
  SharedPlaces places(4);
  RequestPace pace;
  AdaptiveLimiter one(places, pace);
  AdaptiveLimiter other(places, pace);
  const auto held = take_all(one, world.env());
  WaitsInVain waits{{other}};
  world.run(waits.run(world.context(), world.runtime().stop()));
  EXPECT_EQ(waits.cancelled, 50);
  EXPECT_EQ(places.taken(), 4U);
  EXPECT_EQ(places.wanted(), 0U);
}

TEST(SharedPlaces, AreNeverMoreThanThereAreThoughManyThreadsTakeThem) {
  SharedPlaces places(7);
  std::atomic<int> held{0};
  std::atomic<int> peak{0};
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < 4; ++i)
      threads.emplace_back([&, i] {
        for (int turn = 0; turn < 20'000; ++turn) {
          const unsigned taken = places.take(1 + i, 0);
          const int now = held.fetch_add(static_cast<int>(taken)) + static_cast<int>(taken);
          for (int seen = peak.load(); seen < now && !peak.compare_exchange_weak(seen, now);) {
          }
          held.fetch_sub(static_cast<int>(taken));
          places.give_back(taken);
        }
      });
  }
  EXPECT_LE(peak.load(), 7);
  EXPECT_GE(peak.load(), 1);
  EXPECT_EQ(places.taken(), 0U);
}

}  // namespace
}  // namespace haul

#include "runtime/context.h"

#include <gtest/gtest.h>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

using namespace std::chrono_literals;

Task<> sleep_for(OpContext context, Duration duration) {
  co_await context.sleep(duration);
}

ErrorClass class_of(Runtime& runtime, Task<> task) {
  try {
    runtime.run(std::move(task));
  } catch (const Error& error) {
    return error.error_class();
  }
  return ErrorClass::internal;
}

TEST(Context, AChildOnlyTightensTheDeadline) {
  ManualRuntime world;
  const SteadyTime now = world.env().steady_now();
  const OpContext parent = world.context().with_deadline(now + 10s);
  EXPECT_EQ(parent.with_deadline(now + 20s).deadline(), now + 10s);
  EXPECT_EQ(parent.with_deadline(now + 5s).deadline(), now + 5s);
  EXPECT_EQ(parent.with_label("run-1").deadline(), now + 10s);
  EXPECT_EQ(parent.with_label("run-1").label(), "run-1");
}

TEST(Context, APassedDeadlineIsFinal) {
  ManualRuntime world;
  const OpContext context = world.context().with_deadline(world.env().steady_now() + 1s);
  EXPECT_NO_THROW(context.check());
  world.env().advance(1s);
  try {
    context.check();
    FAIL() << "the deadline has passed unnoticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::timed_out);
    EXPECT_FALSE(error.retryable());
  }
}

TEST(Context, OnlyAnAbortBreaksOff) {
  ManualRuntime world;
  const OpContext context = world.context();
  world.runtime().stop().raise(StopLevel::drain);
  EXPECT_NO_THROW(context.check());
  world.runtime().stop().raise(StopLevel::abort);
  EXPECT_THROW(context.check(), Error);
}

TEST(Context, AStopIsNeverLowered) {
  StopFlag stop;
  EXPECT_FALSE(stop.draining());
  stop.raise(StopLevel::abort);
  stop.raise(StopLevel::drain);
  EXPECT_TRUE(stop.aborting());
  EXPECT_TRUE(stop.draining());
}

TEST(Context, SimulatedSleepPassesAtOnce) {
  ManualRuntime world;
  world.run(sleep_for(world.context(), 3h));
  EXPECT_EQ(world.env().slept(), 3h);
}

TEST(Context, RealSleepEndsAtTheDeadline) {
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 1});
  const OpContext context = runtime.context().with_deadline(system_env().steady_now() + 10ms);
  EXPECT_EQ(class_of(runtime, sleep_for(context, 1h)), ErrorClass::timed_out);
}

TEST(Context, AStopOfOneRunLeavesTheOthersAlone) {
  ManualRuntime world;
  StopFlag one(world.runtime().stop()), other(world.runtime().stop());
  const OpContext context = world.context().with_stop(one);
  one.raise(StopLevel::drain);
  EXPECT_TRUE(context.stop().draining());
  EXPECT_FALSE(other.draining());
  EXPECT_FALSE(world.context().stop().draining());
  world.runtime().stop().raise(StopLevel::abort);
  EXPECT_TRUE(other.aborting());
  EXPECT_EQ(one.level(), StopLevel::abort);
}

struct StopInSleep {
  static Task<> raise(StopFlag& stop, OpContext context) {
    co_await yield(context.executor());
    stop.raise(StopLevel::abort);
  }
  static Task<> run(StopFlag& stop, OpContext context) {
    TaskGroup group(context.executor());
    group.spawn(sleep_for(context, 1h));
    group.spawn(raise(stop, context));
    co_await group.join();
  }
};

TEST(Context, RealSleepNoticesAnAbort) {
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 1});
  EXPECT_EQ(class_of(runtime, StopInSleep::run(runtime.stop(), runtime.context())), ErrorClass::cancelled);
}

TEST(Context, RealSleepOfNothingReturns) {
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 1});
  EXPECT_NO_THROW(runtime.run(sleep_for(runtime.context(), 0ms)));
  EXPECT_NO_THROW(runtime.run(sleep_for(runtime.context(), -5ms)));
}

}  // namespace
}  // namespace haul

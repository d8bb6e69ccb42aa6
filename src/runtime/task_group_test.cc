#include "runtime/task_group.h"

#include <gtest/gtest.h>

#include "runtime/manual_runtime.h"

namespace haul {
namespace {

struct GroupWork {
  int finished = 0;

  Task<> work(int steps, OpContext context) {
    for (int i = 0; i < steps; ++i)
      co_await yield(context.executor());
    ++finished;
  }
  Task<> fail(int steps, std::string message, OpContext context) {
    for (int i = 0; i < steps; ++i)
      co_await yield(context.executor());
    throw Error(ErrorClass::internal, std::move(message));
  }
  Task<> spawn_more(TaskGroup& group, int generations, OpContext context) {
    co_await yield(context.executor());
    if (generations > 0) group.spawn(spawn_more(group, generations - 1, context));
    ++finished;
  }

  Task<> all_end(OpContext context) {
    TaskGroup group(context.executor());
    for (int i = 0; i < 100; ++i)
      group.spawn(work(i % 7, context));
    co_await group.join();
    EXPECT_EQ(group.running(), 0U);
    EXPECT_EQ(finished, 100);
    co_await group.join();  // of nothing
  }

  Task<> one_fails(OpContext context) {
    TaskGroup group(context.executor());
    group.spawn(work(9, context));
    group.spawn(fail(3, "first", context));
    group.spawn(fail(5, "second", context));
    EXPECT_FALSE(group.failed());
    try {
      co_await group.join();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.message(), "first");
    }
    EXPECT_EQ(finished, 1) << "join waits for the others although one has failed";
    group.spawn(work(1, context));
    co_await group.join();  // the failure was told once
  }

  Task<> generations(OpContext context) {
    TaskGroup group(context.executor());
    group.spawn(spawn_more(group, 30, context));
    co_await group.join();
    EXPECT_EQ(finished, 31);
  }
};

TEST(TaskGroup, JoinWaitsForAll) {
  ManualRuntime world;
  GroupWork work;
  world.run(work.all_end(world.context()));
}

TEST(TaskGroup, JoinTellsTheFirstFailureAfterAllHaveEnded) {
  ManualRuntime world;
  GroupWork work;
  world.run(work.one_fails(world.context()));
}

TEST(TaskGroup, TasksMaySpawnTasksWhileJoinWaits) {
  ManualRuntime world;
  GroupWork work;
  world.run(work.generations(world.context()));
}

}  // namespace
}  // namespace haul

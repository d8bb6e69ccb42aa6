#include "runtime/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "runtime/manual_runtime.h"

namespace haul {
namespace {

using namespace std::chrono_literals;

// Fails as scripted, then succeeds.
struct ScriptedAttempts {
  std::vector<Error> failures;
  std::size_t calls = 0;

  Task<int> attempt() {
    if (calls < failures.size()) throw failures[calls++];
    ++calls;
    co_return 7;
  }
};

Task<int> retried(OpContext context, RetryPolicy policy, Replay replay, ScriptedAttempts& script) {
  co_return co_await with_retry(context, policy, replay, [&script] { return script.attempt(); });
}

Error passing() {
  return Error(ErrorClass::unavailable, "reset").during("GetObject").on("s3://b/k");
}

Error failure_of(ManualRuntime& world, OpContext context, RetryPolicy policy, Replay replay,
                 ScriptedAttempts& script) {
  try {
    world.run_for(retried(context, policy, replay, script));
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorClass::internal, "nothing was thrown");
}

TEST(Retry, ReturnsTheResultOfTheFirstAttemptThatSucceeds) {
  ManualRuntime world;
  ScriptedAttempts script{{passing(), passing()}};
  EXPECT_EQ(world.run_for(retried(world.context(), {}, Replay::safe, script)), 7);
  EXPECT_EQ(script.calls, 3U);
}

TEST(Retry, WaitsBetweenAttemptsWithinTheGrowingSpan) {
  ManualRuntime world;
  ScriptedAttempts script{{passing(), passing(), passing()}};
  world.run_for(retried(world.context(), {}, Replay::safe, script));
  EXPECT_GE(world.env().slept(), 25ms + 50ms + 100ms);
  EXPECT_LE(world.env().slept(), 50ms + 100ms + 200ms);
}

TEST(Retry, GivesUpAfterTheLastAttemptAndSaysHowOftenAndHowLong) {
  ManualRuntime world;
  ScriptedAttempts script{std::vector<Error>(20, passing())};
  const Error error = failure_of(world, world.context(), {.max_attempts = 4}, Replay::safe, script);
  EXPECT_EQ(script.calls, 4U);
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error.attempts(), 4);
  EXPECT_EQ(error.elapsed(), world.env().slept());
  EXPECT_EQ(error.subject(), "s3://b/k");
}

TEST(Retry, NeverRepeatsWhatIsUnsafeOrFinal) {
  ManualRuntime world;
  ScriptedAttempts unsafe{{passing()}};
  EXPECT_EQ(failure_of(world, world.context(), {}, Replay::unsafe, unsafe).attempts(), 1);
  ScriptedAttempts final{{Error(ErrorClass::permission_denied, "no")}};
  EXPECT_EQ(failure_of(world, world.context(), {}, Replay::safe, final).error_class(),
            ErrorClass::permission_denied);
  EXPECT_EQ(unsafe.calls + final.calls, 2U);
}

TEST(Retry, LetsOtherExceptionsPass) {
  ManualRuntime world;
  struct Thrower {
    static Task<int> attempt() {
      throw std::logic_error("bug");
      co_return 0;
    }
    static Task<int> run(OpContext context) {
      co_return co_await with_retry(context, {}, Replay::safe, [] { return attempt(); });
    }
  };
  EXPECT_THROW(world.run_for(Thrower::run(world.context())), std::logic_error);
}

TEST(Retry, ADeadlineInThePauseEndsItAndNamesTheFailureBeforeIt) {
  ManualRuntime world;
  ScriptedAttempts script{std::vector<Error>(20, passing())};
  OpContext context = world.context().with_deadline(world.env().steady_now() + 200ms);
  const Error error = failure_of(world, context, {}, Replay::safe, script);
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out);
  ASSERT_NE(error.cause(), nullptr);
  EXPECT_EQ(error.cause()->message(), "reset");
  EXPECT_EQ(error.subject(), "s3://b/k");
  EXPECT_LT(script.calls, 6U);
}

TEST(Retry, AnAbortEndsItAtOnce) {
  ManualRuntime world;
  world.runtime().stop().raise(StopLevel::abort);
  ScriptedAttempts script{std::vector<Error>(20, passing())};
  EXPECT_EQ(failure_of(world, world.context(), {}, Replay::safe, script).error_class(),
            ErrorClass::unavailable);
  EXPECT_EQ(script.calls, 1U);
}

TEST(Retry, ADrainLetsItGoOn) {
  ManualRuntime world;
  world.runtime().stop().raise(StopLevel::drain);
  ScriptedAttempts script{{passing()}};
  EXPECT_EQ(world.run_for(retried(world.context(), {}, Replay::safe, script)), 7);
}

TEST(Backoff, NeverComesBackBeforeTheServerAsked) {
  const ManualEnv env;
  EXPECT_EQ(backoff({}, passing().with_retry_after(90s), 1, env), 90s);
  EXPECT_GE(backoff({}, passing().with_retry_after(1ms), 1, env), 25ms);
}

TEST(Backoff, StaysUnderTheCapHoweverOftenItIsTried) {
  const ManualEnv env;
  for (const int attempt : {1, 5, 20, 63, 64, 1000}) {
    const auto pause = backoff({}, passing(), attempt, env);
    EXPECT_LE(pause, 20s) << attempt;
    EXPECT_GE(pause, 25ms) << attempt;
  }
}

TEST(Backoff, IsLongerWhenAskedToSlowDown) {
  const ManualEnv env;
  EXPECT_GE(backoff({}, Error(ErrorClass::throttled, "SlowDown"), 1, env), 125ms);
}

TEST(Backoff, IsShortTheFirstTimeWhereAPaceIsKept) {
  const ManualEnv env;
  const Error refusal(ErrorClass::throttled, "SlowDown");
  EXPECT_LE(backoff({.first_throttled = 50ms}, refusal, 1, env), 50ms);
  EXPECT_GE(backoff({.first_throttled = 50ms}, refusal, 2, env), 250ms);
}

}  // namespace
}  // namespace haul

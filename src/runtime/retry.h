// The only retry loop of the tree.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

#include "base/error.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul {

// May this be sent twice?
enum class Replay : bool { unsafe = false, safe = true };

struct RetryPolicy {
  int max_attempts = 10;
  std::chrono::milliseconds base{50};             // first back-off after a passing fault
  std::chrono::milliseconds throttled_base{250};  // first back-off after being asked to slow down
  std::chrono::milliseconds cap{20'000};
  // In place of the first of them, if that is asked right away: where what follows keeps a pace
  // (request_pace.h), to sleep long would only leave places empty.
  std::optional<std::chrono::milliseconds> first_throttled{};
};

// The pause before attempt number `attempt` + 1 (attempt counts from 1): chosen by chance from the upper half
// of an exponentially growing span, and never less than what the server asked for.
std::chrono::milliseconds backoff(const RetryPolicy& policy, const Error& error, int attempt, const Env& env);

// Whether to go on after `error` at attempt `attempt`; logs the retry at debug level.
bool should_retry(OpContext& context, const RetryPolicy& policy, Replay replay, const Error& error,
                  int attempt);

// Calls attempt() until it succeeds, fails for good, or the policy, the deadline or a stop ends it.
// attempt is a plain callable that returns a fresh Task each time. What is thrown at the end carries the
// number of attempts and the time they took; if a stop or the deadline ended a pause, the failure before it
// is the cause.
template <class Attempt>
auto with_retry(OpContext& context, const RetryPolicy& policy, Replay replay, Attempt attempt)
    -> std::invoke_result_t<Attempt&> {
  const SteadyTime start = context.env().steady_now();
  for (int number = 1;; ++number) {
    std::optional<Error> failure;
    try {
      co_return co_await attempt();
    } catch (const Error& error) {
      if (!should_retry(context, policy, replay, error, number))
        throw error.with_attempts(std::max(number, error.attempts()), context.env().steady_now() - start);
      failure = error;
    }
    // Not in the handler: a coroutine cannot suspend there.
    try {
      co_await context.sleep(backoff(policy, *failure, number, context.env()));
    } catch (const Error& interrupted) {
      throw interrupted.during(failure->operation())
          .on(failure->subject())
          .with_attempts(number, context.env().steady_now() - start)
          .caused_by(*failure);
    }
  }
}

}  // namespace haul

#include "runtime/retry.h"

namespace haul {

std::chrono::milliseconds backoff(const RetryPolicy& policy, const Error& error, int attempt,
                                  const Env& env) {
  const bool throttled = error.error_class() == ErrorClass::throttled;
  const auto later = throttled ? policy.throttled_base : policy.base;
  const auto base = throttled && attempt == 1 ? policy.first_throttled.value_or(later) : later;
  const auto span = std::min<std::int64_t>(policy.cap.count(), base.count() << std::min(attempt - 1, 20));
  // At least half of the span: a burst of failures is spread out, and nobody returns at once.
  const auto jittered =
      span / 2 + static_cast<std::int64_t>(env.random() % static_cast<std::uint64_t>(span / 2 + 1));
  const std::chrono::milliseconds pause{jittered};
  return error.retry_after() ? std::max(pause, *error.retry_after()) : pause;
}

bool should_retry(OpContext& context, const RetryPolicy& policy, Replay replay, const Error& error,
                  int attempt) {
  if (replay == Replay::unsafe || !error.retryable() || attempt >= policy.max_attempts) return false;
  if (context.stop().aborting()) return false;
  if (context.deadline() && context.env().steady_now() >= *context.deadline()) return false;
  context.log().log(LogLevel::debug, "retry",
                    {{"run", context.label()},
                     {"operation", std::string_view(error.operation())},
                     {"key", std::string_view(error.subject())},
                     {"attempt", std::int64_t{attempt}},
                     {"error", std::string_view(error.message())},
                     {"class", to_string(error.error_class())},
                     {"request_id", std::string_view(error.request_id())}});
  return true;
}

}  // namespace haul

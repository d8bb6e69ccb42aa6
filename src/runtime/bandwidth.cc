#include "runtime/bandwidth.h"

#include <algorithm>

namespace haul {
namespace {

constexpr std::int64_t kBurst = 50'000'000;  // ns of credit that an idle line may save up

}  // namespace

Task<> Bandwidth::take(std::uint64_t bytes, OpContext& context) {
  if (rate_ == 0) co_return;
  const std::int64_t now = std::chrono::nanoseconds(context.env().steady_now().time_since_epoch()).count();
  const auto cost = static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate_));
  std::int64_t seen = next_free_.load();
  std::int64_t start = 0;
  do {
    start = std::max(seen, now - kBurst);
  } while (!next_free_.compare_exchange_weak(seen, start + cost));
  if (start > now) co_await context.sleep(std::chrono::nanoseconds(start - now));
}

}  // namespace haul

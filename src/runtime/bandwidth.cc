#include "runtime/bandwidth.h"

#include <algorithm>

namespace haul {
namespace {

constexpr std::int64_t kBurst = 50'000'000;  // ns of credit that an idle line may save up
// A wait shorter than this is left to whoever comes next: a timer for each small object would cost more than
// it regulates.
constexpr std::int64_t kShortest = 1'000'000;

}  // namespace

Task<> Bandwidth::take(std::uint64_t bytes, OpContext& context) {
  if (rate_ == 0) co_return;
  const std::int64_t now = std::chrono::nanoseconds(context.env().steady_now().time_since_epoch()).count();
  const auto cost = static_cast<std::int64_t>(static_cast<double>(bytes) * 1e9 / static_cast<double>(rate_));
  std::int64_t seen = next_free_.load();
  std::int64_t done = 0;
  do {
    done = (seen == 0 ? now : std::max(seen, now - kBurst)) + cost;
  } while (!next_free_.compare_exchange_weak(seen, done));
  if (done - now >= kShortest) co_await context.sleep(std::chrono::nanoseconds(done - now));
}

}  // namespace haul

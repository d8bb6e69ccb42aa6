#include "job/run_status.h"

#include <algorithm>
#include <array>

namespace haul::job {
namespace {

constexpr std::array<std::string_view, 10> kNames = {
    "INITIALIZING", "DISCOVERING", "AWAITING_APPROVAL",       "PROCESSING", "PAUSED",
    "FINALIZING",   "COMPLETED",   "COMPLETED_WITH_FAILURES", "FAILED",     "CANCELLED"};

using enum RunStatus;
constexpr RunTransition kTransitions[] = {
    {initializing, discovering},
    {initializing, failed},
    {initializing, cancelled},
    {discovering, awaiting_approval},
    {discovering, processing},
    {discovering, finalizing},
    {discovering, paused},
    {discovering, failed},
    {discovering, cancelled},
    {awaiting_approval, processing},
    {awaiting_approval, paused},
    {awaiting_approval, failed},
    {awaiting_approval, cancelled},
    {processing, finalizing},
    {processing, paused},
    {processing, failed},
    {processing, cancelled},
    {paused, discovering},
    {paused, awaiting_approval},
    {paused, processing},
    {paused, finalizing},
    {paused, failed},
    {paused, cancelled},
    {finalizing, paused},
    {finalizing, completed},
    {finalizing, completed_with_failures},
    {finalizing, failed},
    {finalizing, cancelled},
};

}  // namespace

std::string_view to_string(RunStatus status) noexcept {
  return kNames.at(static_cast<std::size_t>(status));
}

std::optional<RunStatus> parse_run_status(std::string_view text) noexcept {
  const auto found = std::ranges::find(kNames, text);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<RunStatus>(found - kNames.begin());
}

std::span<const RunTransition> run_transitions() noexcept {
  return kTransitions;
}

bool may_follow(RunStatus from, RunStatus to) noexcept {
  return std::ranges::any_of(kTransitions,
                             [&](const RunTransition& each) { return each.from == from && each.to == to; });
}

bool is_final(RunStatus status) noexcept {
  return status >= completed;
}

}  // namespace haul::job

// The statuses of a run and their only transitions. docs/guide.md shows the same table; a test compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace haul::job {

enum class RunStatus : std::uint8_t {
  initializing,
  discovering,        // listing; what is found is worked on meanwhile
  awaiting_approval,  // everything is found, nothing is changed yet, somebody has to say yes
  processing,         // everything is found, the rest is worked on
  paused,             // by `haul pause`, or by an interrupted process: to be resumed
  finalizing,         // deletions of a sync, report, equation
  completed,
  completed_with_failures,
  failed,
  cancelled,
};

std::string_view to_string(RunStatus status) noexcept;  // as users see it: "COMPLETED_WITH_FAILURES"
std::optional<RunStatus> parse_run_status(std::string_view text) noexcept;

struct RunTransition {
  RunStatus from, to;
};
// Every transition that there is.
std::span<const RunTransition> run_transitions() noexcept;
bool may_follow(RunStatus from, RunStatus to) noexcept;
// Nothing follows.
bool is_final(RunStatus status) noexcept;

}  // namespace haul::job

// What to do about failures, by their class, and about runs, by how they stand.
#pragma once

#include <string>
#include <string_view>

#include "engine/embedded/runs.h"

namespace haul::app {

// For objects of `run` that failed so: one line.
std::string remedy_for(ErrorClass error_class, std::string_view run);

// What can be done with the run as it stands, one line; empty if nothing needs to be done.
std::string advice_for(const engine::RunInfo& run);

// Throws precondition_failed: what was asked cannot be, as the run stands, and why; with advice.
[[noreturn]] void refuse(const engine::RunInfo& run, std::string_view why);
void refuse_ended(const engine::RunInfo& run);

// "PROCESSING", and for a run that nobody works on although it should be: "PROCESSING (no process)".
std::string status_text(const engine::RunInfo& run);

// The beginning of a run's id that tells it from others of the same moment: what people type.
std::string_view short_id(std::string_view id) noexcept;

}  // namespace haul::app

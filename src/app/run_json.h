// Runs of a state as JSON (docs/json.md). Pure functions; what they give has no line end.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "app/run_text.h"

namespace haul::app {

std::string run_json(const engine::RunInfo& run);
// With rates, chunks, failures and followers.
std::string run_json(const RunPicture& picture, const Estimate& estimate);
void append_error_record_json(std::string& out, const engine::ErrorRecord& record, std::string_view run);
void append_failure_kinds_json(std::string& out, std::span<const FailureKind> kinds, std::string_view run);

// The exit code of the process that ended so, or would have: as haul run has it.
int exit_code_of(const engine::RunInfo& run);

}  // namespace haul::app

// Runs of a state for people. Pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/estimate.h"
#include "catalog/catalog.h"
#include "engine/embedded/runs.h"

namespace haul::app {

// Objects of a run that failed alike.
struct FailureKind {
  ErrorClass error_class = ErrorClass::internal;
  std::string code;
  std::uint64_t count = 0;
  engine::ErrorRecord example;  // the first of them
};

// A run with what belongs to it.
struct RunPicture {
  engine::RunInfo info;
  std::vector<FailureKind> failures;      // the most frequent first
  std::vector<engine::RunInfo> children;  // that retry it, undo it or end it
  std::vector<engine::ChunkInfo> in_work;
  std::optional<catalog::CatalogEffort> catalogue;  // of a run that has ended
};

// One line for each, headed, cut to `width` columns.
std::string runs_table(std::span<const engine::RunInfo> runs, Time now, std::size_t width);

// "1,234", from six digits on "123K", "1.23M".
std::string short_count(std::uint64_t count);

// What was asked of a run that has not ended: "pause", "cancel"; or nothing.
std::string_view wish_word(const engine::RunInfo& run);

// What the state tells of the progress, for an Estimate. The live figures of the run's process where they are
// ahead of the accounts, which only know whole chunks.
Figures figures_of(const engine::RunInfo& run);

// Several lines for `haul status`. Rates and the time left only with an estimate that has seen two moments.
std::string run_text(const RunPicture& picture, const Estimate& estimate, Time now);

// The lines of `haul watch` on a terminal; no more than `rows`.
std::string watch_text(const RunPicture& picture, const Estimate& estimate, Time now, std::size_t rows);
// And elsewhere: one line.
std::string watch_line(const RunPicture& picture, const Estimate& estimate);

// What a run that waits for approval would do: objects, bytes, deletions.
std::string approval_text(const engine::RunInfo& info);

std::string failure_kinds_text(std::span<const FailureKind> kinds, std::string_view run);
std::string error_line(const engine::ErrorRecord& record);

}  // namespace haul::app

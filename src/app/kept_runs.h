// The state directory as the commands of durable runs use it. Blocks.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "app/run_text.h"
#include "app/settings.h"
#include "engine/embedded/runs.h"
#include "engine/embedded/state_directory.h"

namespace haul::app {

// Not thread-safe.
class KeptRuns {
 public:
  // Throws not_found if there is no state: commands that look at runs do not make one.
  KeptRuns(const Settings& settings, const Env& env);

  engine::StateDirectory& state() noexcept { return state_; }
  engine::Runs& runs() noexcept { return runs_; }
  const Env& env() const noexcept { return state_.env(); }

  // The run that the command names.
  engine::RunInfo named() { return runs_.find(settings_.locations.at(0)); }

  std::vector<FailureKind> failures(const engine::RunInfo& run, const ErrorSelection& selection);
  std::vector<engine::RunInfo> children(const engine::RunInfo& run);
  RunPicture picture(const engine::RunInfo& run);

 private:
  const Settings& settings_;
  engine::StateDirectory state_;
  engine::Runs runs_;
};

// The job of the run that the command names.
job::JobSpec kept_job(const Settings& settings, const Env& env);

// The same filter as the engine has it.
engine::ErrorFilter error_filter(const ErrorSelection& selection);

}  // namespace haul::app

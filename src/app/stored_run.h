// Runs that are kept in a state: created, worked on here, gone on with.
#pragma once

#include <string>
#include <vector>

#include "app/run_selection.h"
#include "app/session.h"
#include "engine/embedded/runs.h"
#include "engine/embedded/state_directory.h"
#include "runtime/task.h"

namespace haul::app {

struct RunRequest {
  std::string spec;    // JobSpec::resolved
  std::string parent;  // the run that this one retries, undoes or ends; or empty
  RunSelection selection;
};

// --state, $HAUL_STATE, or where the environment has such things.
std::string state_path(const Settings& settings, const Env& env);

// Creates a run that waits to be worked on. Gives its id. Blocks.
std::string create_run(engine::StateDirectory& state, const RunRequest& request);

// Whether the run has ended, and its report is not yet where its job wants it.
bool awaits_publishing(const engine::RunInfo& run);

// Works on runs, all at once, each from where it stands, until each has ended or is paused; shows them, and
// gives their accounts. Gives the exit code: the gravest of them. Of a run that awaits publishing only that
// is done. The state must be locked by this process. `dry_run`, `json`, `quiet` and `verbose` are the
// session's.
Task<int> run_stored(Session& session, engine::StateDirectory& state, std::vector<std::string> runs);

// Ends a run that nobody works on, so that its accounts and its report are. Gives the exit code. The state
// must be locked by this process.
Task<int> end_stored(Session& session, engine::StateDirectory& state, std::string run);

}  // namespace haul::app

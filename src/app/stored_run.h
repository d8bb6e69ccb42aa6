// Runs that are kept in a state: created, worked on here, gone on with.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/session.h"
#include "engine/embedded/runs.h"
#include "engine/embedded/state_directory.h"
#include "runtime/task.h"

namespace haul::app {

// Which objects a run is of. Kept with the run, so that whoever goes on with it finds the same ones.
struct RunSelection {
  enum class Kind : std::uint8_t {
    job,     // as the job says
    errors,  // the objects of run `of` that failed, of those error records that the filter chooses
    kept,    // remove the sources that run `of` has kept, if they were moved before `moved_before`
    revert,  // take the moves of run `of` back, as far as their sources are kept
    plan,    // what the plan lists, if it is still as it was then
  };
  Kind kind = Kind::job;
  std::string of;
  engine::ErrorFilter errors;  // `after` and `limit` are not looked at
  std::optional<Time> moved_before;
  std::string plan;  // path
};

struct RunRequest {
  std::string spec;    // JobSpec::resolved
  std::string parent;  // the run that this one retries, undoes or ends; or empty
  RunSelection selection;
};

// --state, $HAUL_STATE, or the default place.
std::string state_path(const Settings& settings, const Env& env);

// Creates a run that waits to be worked on. Gives its id. Blocks.
std::string create_run(engine::StateDirectory& state, const RunRequest& request);

// Works on runs, all at once, each from where it stands, until each has ended or is paused; shows them, and
// gives their accounts. Gives the exit code: the gravest of them. The state must be locked by this process.
// `dry_run`, `json`, `quiet` and `verbose` are the session's.
Task<int> run_stored(Session& session, engine::StateDirectory& state, std::vector<std::string> runs);

}  // namespace haul::app

// run: jobs of files, kept in a state until they have ended.

#include <fmt/format.h>

#include "app/commands.h"
#include "app/job_setup.h"
#include "app/remedy.h"
#include "app/stored_run.h"
#include "app/usage_error.h"

namespace haul::app {
namespace {

// What would be done, from what is there now: nothing is kept.
Task<int> dry_run(Session& session, const std::vector<job::JobSpec>& specs) {
  OpContext context = session.context();
  int code = kDone;
  for (const job::JobSpec& spec : specs) {
    JobSetup setup(session, spec);
    co_await setup.make("", context);
    RunReport report = co_await run_here(session, setup.settings(), setup.job());
    report.job = spec.name;
    code = std::max(code, give_report(session, setup.settings(), report));
  }
  co_return code;
}

// Runs of this job whose kept sources have waited long enough.
std::vector<std::string> ended_keeps(engine::StateDirectory& state, const job::JobSpec& spec, Time now) {
  std::vector<std::string> due;
  if (!spec.keep_source) return due;
  engine::Runs runs(state);
  const std::vector<engine::RunInfo> known = runs.list({.job = spec.name, .statuses = {}, .limit = 10'000});
  for (const engine::RunInfo& run : known) {
    if (run.accounts.sources_kept == 0 || !run.ended || *run.ended + *spec.keep_source > now) continue;
    const bool done = std::ranges::any_of(known, [&](const engine::RunInfo& other) {
      return other.parent == run.id && (other.operation == "remove-kept" || other.operation == "undo");
    });
    if (!done) due.push_back(run.id);
  }
  return due;
}

// The runs to work on for one job: the sources that were kept long enough first, then the job itself.
std::vector<std::string> runs_of(engine::StateDirectory& state, const job::JobSpec& spec, bool go_on,
                                 Time now) {
  std::vector<std::string> runs;
  if (go_on) {
    if (const auto unfinished = engine::Runs(state).unfinished(spec.name)) return {unfinished->id};
  }
  for (const std::string& before : ended_keeps(state, spec, now))
    runs.push_back(create_run(
        state,
        {.spec = spec.resolved,
         .parent = before,
         .selection = {
             .kind = RunSelection::Kind::kept, .of = before, .errors = {}, .moved_before = {}, .plan = {}}}));
  runs.push_back(create_run(state, {.spec = spec.resolved, .parent = {}, .selection = {}}));
  return runs;
}

}  // namespace

Task<int> job_command(Session& session, std::vector<job::JobSpec> specs) {
  const Settings& settings = session.settings();
  if (settings.dry_run) co_return co_await dry_run(session, specs);
  engine::StateDirectory state(state_path(settings, session.env()), session.env());
  state.lock();
  std::vector<std::string> runs;
  for (const job::JobSpec& spec : specs)
    for (std::string& run : runs_of(state, spec, settings.go_on, session.env().wall_now())) {
      if (!settings.quiet) session.screen().say(fmt::format("{}: run {}", spec.name, short_id(run)));
      runs.push_back(std::move(run));
    }
  co_return co_await run_stored(session, state, std::move(runs));
}

}  // namespace haul::app

// resume, retry, undo, cancel: runs of a state, worked on here.

#include <fmt/format.h>

#include <algorithm>

#include "app/commands.h"
#include "app/kept_runs.h"
#include "app/remedy.h"
#include "app/state_commands.h"
#include "app/stored_run.h"
#include "app/usage_error.h"
#include "job/report_summary.h"

namespace haul::app {
namespace {

// A new run beside the one that it follows.
Task<int> run_after(Session& session, KeptRuns& kept, const engine::RunInfo& before, RunSelection selection) {
  kept.state().lock();
  selection.of = before.id;
  const std::string run =
      create_run(kept.state(), {.spec = before.spec, .parent = before.id, .selection = std::move(selection)});
  if (!session.settings().quiet)
    session.screen().say(fmt::format(
        "run {}, of {} of run {}", short_id(run),
        session.settings().command == Command::undo ? "the moves" : "the failures", short_id(before.id)));
  std::vector<std::string> runs{run};
  co_return co_await run_stored(session, kept.state(), std::move(runs));
}

void refuse_unended(const engine::RunInfo& run) {
  if (!job::is_final(run.status)) refuse(run, "it has not ended");
}

// Kept sources are either removed or moved back: once one of both has begun, the other must not go on.
void refuse_beside(KeptRuns& kept, const engine::RunInfo& run, const engine::RunInfo& moved,
                   job::Operation other, bool ended_too) {
  for (const engine::RunInfo& child : kept.children(moved))
    if (child.operation == to_string(other) && (ended_too || !job::is_final(child.status)))
      refuse(run, fmt::format("run {} of the same sources is {}: {}", short_id(child.id),
                              job::to_string(child.status),
                              other == job::Operation::revert ? "they were moved back"
                                                              : "it removes them; cancel it first"));
}

}  // namespace

Task<int> resume_command(Session& session) {
  KeptRuns kept(session.settings(), session.env());
  const engine::RunInfo run = kept.named();
  const bool publishes = awaits_publishing(run);
  if (!publishes) refuse_ended(run);
  if (!publishes && run.operation == to_string(job::Operation::remove_kept))
    refuse_beside(kept, run, kept.runs().get(run.parent), job::Operation::revert, true);
  if (run.alive && run.status == job::RunStatus::paused)
    co_return let_go_on(session.settings(), session.env(), session.screen(), session.output());
  if (run.alive)
    refuse(run, fmt::format("process {} on {} works on it; haul watch {} shows it", run.pid, run.host,
                            short_id(run.id)));
  kept.state().lock();
  std::vector<std::string> runs{run.id};
  co_return co_await run_stored(session, kept.state(), std::move(runs));
}

// Of a run that nobody works on.
Task<int> end_command(Session& session) {
  KeptRuns kept(session.settings(), session.env());
  const engine::RunInfo run = kept.named();
  refuse_ended(run);
  kept.state().lock();
  const int published = co_await end_stored(session, kept.state(), run.id);
  const int told = tell_cancelled(session.settings(), session.env(), session.screen(), session.output());
  co_return std::max(published, told);
}

Task<int> retry_command(Session& session) {
  const Settings& settings = session.settings();
  KeptRuns kept(settings, session.env());
  const engine::RunInfo run = kept.named();
  refuse_unended(run);
  // Its job is the move: what failed in the removal of kept sources, or in an undo, is not to be moved again.
  if (run.operation == to_string(job::Operation::remove_kept))
    refuse(run, "the next haul run of its job tries those sources again");
  if (run.operation == to_string(job::Operation::revert))
    refuse(run, fmt::format("its failures are tried again by 'haul undo {}'", short_id(run.parent)));
  if (kept.failures(run, settings.error_selection).empty())
    refuse(run, run.accounts.failures() == 0 ? "nothing of it failed" : "nothing of it failed in this way");
  RunSelection selection;
  selection.kind = RunSelection::Kind::errors;
  selection.errors = error_filter(settings.error_selection);
  co_return co_await run_after(session, kept, run, std::move(selection));
}

Task<int> undo_command(Session& session) {
  KeptRuns kept(session.settings(), session.env());
  const engine::RunInfo run = kept.named();
  refuse_unended(run);
  if (run.operation != "move") refuse(run, "only a move can be undone, and it was a " + run.operation);
  if (run.accounts.sources_kept == 0)
    refuse(run, "its sources were not kept (keep-source in the job keeps them)");
  refuse_beside(kept, run, run, job::Operation::remove_kept, false);
  RunSelection selection;
  selection.kind = RunSelection::Kind::revert;
  co_return co_await run_after(session, kept, run, std::move(selection));
}

}  // namespace haul::app

// run: jobs of files, kept in a state until they have ended.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/job_settings.h"
#include "app/job_setup.h"
#include "app/outcome_printer.h"
#include "app/plan_file.h"
#include "app/remedy.h"
#include "app/stored_run.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "engine/memory/memory_engine.h"
#include "job/coordinator.h"
#include "job/report_summary.h"

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

constexpr std::size_t kRunsKnown = 10'000;  // of a job, the newest

struct EndOfKeeping {
  engine::RunInfo moved;
  std::optional<std::string> begun;  // a run that removes the sources, and has not ended
  std::string again;                 // the last one that has ended, if some of its failures may be mended
};

// A copy or a source that was changed since stays changed: such a source is left to whoever changed it.
bool may_be_mended(ErrorClass error_class) {
  return error_class != ErrorClass::precondition_failed && error_class != ErrorClass::source_changed;
}

bool has_mendable_failures(engine::Runs& runs, const engine::RunInfo& run) {
  return std::ranges::any_of(runs.error_counts(run.id), [](const engine::ErrorCount& count) {
    return may_be_mended(count.error_class);
  });
}

// Runs of this job whose kept sources have waited long enough.
std::vector<EndOfKeeping> ends_of_keeping(engine::StateDirectory& state, const job::JobSpec& spec, Time now) {
  std::vector<EndOfKeeping> due;
  if (!spec.keep_source) return due;
  engine::Runs runs(state);
  const std::vector<engine::RunInfo> known =  // the latest first
      runs.list({.job = spec.name, .statuses = {}, .limit = kRunsKnown});
  for (const engine::RunInfo& run : known) {
    if (run.accounts.sources_kept == 0 || !run.ended || *run.ended + *spec.keep_source > now) continue;
    EndOfKeeping end{.moved = run, .begun = {}, .again = {}};
    const engine::RunInfo* removed = nullptr;
    bool reverted = false;
    for (const engine::RunInfo& other : known) {
      if (other.parent != run.id) continue;
      const bool removes = other.operation == to_string(job::Operation::remove_kept);
      reverted |= other.operation == to_string(job::Operation::revert);
      if (removes && !removed && engine::has_done_its_work(other.status)) removed = &other;
      if (removes && !job::is_final(other.status)) end.begun = other.id;
    }
    if (reverted) continue;
    if (removed && !end.begun) {
      if (!has_mendable_failures(runs, *removed)) continue;
      end.again = removed->id;
    }
    due.push_back(std::move(end));
  }
  return due;
}

// The last run of the job itself that has not ended, or the last of all if its process did not come to
// publish its report. A place that cannot be written to does not keep the job from its next run.
std::optional<std::string> unfinished_run(engine::StateDirectory& state, const job::JobSpec& spec) {
  bool latest = true;
  for (const engine::RunInfo& run :
       engine::Runs(state).list({.job = spec.name, .statuses = {}, .limit = kRunsKnown})) {
    if (!run.parent.empty() || run.operation != to_string(spec.operation)) continue;
    if (!job::is_final(run.status) || (latest && awaits_publishing(run) && !run.publishing_failed))
      return run.id;
    latest = false;
  }
  return std::nullopt;
}

// Removes what earlier runs have kept, before anything is listed again.
Task<int> end_keeps(Session& session, engine::StateDirectory& state, const std::vector<job::JobSpec>& specs) {
  std::vector<std::string> runs;
  for (const job::JobSpec& spec : specs)
    for (const EndOfKeeping& end : ends_of_keeping(state, spec, session.env().wall_now())) {
      RunRequest request{.spec = spec.resolved, .parent = end.moved.id, .selection = {}};
      request.selection.kind = RunSelection::Kind::kept;
      request.selection.of = end.moved.id;
      request.selection.again = end.again;
      runs.push_back(end.begun ? *end.begun : create_run(state, request));
      if (!session.settings().quiet)
        session.screen().say(fmt::format("{}: run {}, of the sources that run {} has kept{}", spec.name,
                                         short_id(runs.back()), short_id(end.moved.id),
                                         end.again.empty() ? "" : " and that could not be removed before"));
    }
  if (runs.empty()) co_return kDone;
  co_return co_await run_stored(session, state, std::move(runs));
}

// A new run for each job, or its last one that has not ended.
std::vector<std::string> runs_of(Session& session, engine::StateDirectory& state,
                                 const std::vector<job::JobSpec>& specs) {
  std::vector<std::string> runs;
  for (const job::JobSpec& spec : specs) {
    std::optional<std::string> unfinished;
    if (session.settings().go_on) unfinished = unfinished_run(state, spec);
    runs.push_back(unfinished ? *unfinished
                              : create_run(state, {.spec = spec.resolved, .parent = {}, .selection = {}}));
    if (!session.settings().quiet)
      session.screen().say(
          fmt::format("{}: run {}{}", spec.name, short_id(runs.back()), unfinished ? ", gone on with" : ""));
  }
  return runs;
}

// What the plan lists first, then what it removes from the destination, if all of that went well.
Task<int> run_plan(Session& session) {
  const Settings& settings = session.settings();
  if (!settings.locations.empty())
    throw UsageError("--plan is instead of job files", "the plan has its job in it");
  if (settings.dry_run)
    throw UsageError("a plan has been run dry already", "read it, or leave --dry-run out");
  std::error_code error;
  std::string path = std::filesystem::absolute(settings.plan, error).string();
  OpContext context = session.context();
  const PlanFacts plan = co_await context.blocking([&path] { return check_plan(path); });
  engine::StateDirectory state(state_path(settings, session.env()), session.env());
  state.lock();
  RunRequest request{.spec = plan.job, .parent = {}, .selection = {}};
  request.selection.kind = RunSelection::Kind::plan;
  request.selection.plan = std::move(path);
  request.selection.plan_sha256 = plan.sha256;
  std::vector<std::string> first{create_run(state, request)};
  request.parent = first.front();
  int code = co_await run_stored(session, state, std::move(first));
  if (code != kDone || !plan.deletes_extras) co_return code;
  request.selection.part = PlanPart::extras;
  std::vector<std::string> second{create_run(state, request)};
  co_return co_await run_stored(session, state, std::move(second));
}

// Hears everything that one or the other wants to hear.
class BothSinks final : public job::OutcomeSink {
 public:
  BothSinks(job::OutcomeSink& first, job::OutcomeSink& second) : first_(first), second_(second) {}
  bool wants_all() const noexcept override { return true; }
  void accept(const job::Outcome& outcome) override {
    first_.accept(outcome);
    second_.accept(outcome);
  }

 private:
  job::OutcomeSink& first_;
  job::OutcomeSink& second_;
};

Task<int> write_plan(Session& session, JobSetup& setup, const std::string& path) {
  OpContext context = session.context();
  PlanWriter plan(path, setup.spec().resolved, session.env().wall_now());
  engine::MemoryRunEngine engine;
  job::Progress progress;
  OutcomePrinter printer(setup.settings(), setup.job(), session.screen(), session.output());
  BothSinks sinks(printer, plan);
  const SteadyTime start = session.env().steady_now();
  RunReport report;
  report.job = setup.spec().name;
  report.result = co_await job::run_job(setup.job(), {engine, progress, sinks}, session.runtime());
  report.duration = session.env().steady_now() - start;
  report.requests = session.services().requests();
  report.planned = printer.planned();
  const int code = give_report(session, setup.settings(), report);
  if (report.result.status != job::RunStatus::completed) {
    session.screen().say("haul: no plan was written, since not everything could be looked at");
    co_return code == kDone ? kCouldNotRun : code;
  }
  co_await context.blocking([&plan] { plan.finish(); });
  if (!session.settings().quiet)
    session.screen().say(fmt::format("planned: {} objects, {}, in {}; haul run --plan carries it out",
                                     with_commas(plan.steps()), format_size(plan.bytes()), visible(path)));
  co_return code;
}

}  // namespace

Task<int> plan_command(Session& session, std::vector<job::JobSpec> specs) {
  const Settings& settings = session.settings();
  if (specs.empty()) specs.push_back(job::parse_resolved_spec(sync_as_job(settings)));
  const job::JobSpec& spec = specs.front();
  if (spec.operation == job::Operation::check)
    throw UsageError("a verification changes nothing, so it needs no plan", "run it");
  if (spec.options.links == LinkMode::preserve)
    throw UsageError("a plan does not list symbolic links", "use links: skip or follow");
  OpContext context = session.context();
  JobSetup setup(session, spec);
  co_await setup.make("", context);
  if (!settings.output.empty()) co_return co_await write_plan(session, setup, settings.output);
  RunReport report = co_await run_here(session, setup.settings(), setup.job());
  report.job = spec.name;
  co_return give_report(session, setup.settings(), report);
}

Task<int> job_command(Session& session, std::vector<job::JobSpec> specs) {
  const Settings& settings = session.settings();
  if (!settings.plan.empty()) co_return co_await run_plan(session);
  if (specs.empty()) throw UsageError("no job was given", "haul run JOB.yaml");
  if (settings.only_read) {
    for (std::size_t i = 0; i < specs.size() && !settings.quiet; ++i)
      session.output().write(fmt::format("{}: {} ({}) is well-formed\n", visible(settings.locations.at(i)),
                                         specs[i].name, to_string(specs[i].operation)));
    co_return kDone;
  }
  if (settings.dry_run) co_return co_await dry_run(session, specs);
  engine::StateDirectory state(state_path(settings, session.env()), session.env());
  state.lock();
  const int kept = co_await end_keeps(session, state, specs);
  if (session.runtime().stop().draining()) co_return kept;
  co_return std::max(kept, co_await run_stored(session, state, runs_of(session, state, specs)));
}

}  // namespace haul::app

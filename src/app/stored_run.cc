#include "app/stored_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <ranges>

#include "app/commands.h"
#include "app/job_settings.h"
#include "app/job_setup.h"
#include "app/remedy.h"
#include "app/report_place.h"
#include "app/usage_error.h"
#include "base/utf8.h"
#include "engine/embedded/embedded_run_engine.h"
#include "job/report_summary.h"
#include "runtime/task_group.h"

namespace haul::app {
namespace {

constexpr unsigned kLanesToShare = 256;  // of a chunk: with more, places would be all that bounds them

// One of the runs that are worked on here.
struct RunHere {
  engine::RunInfo info;
  std::unique_ptr<JobSetup> setup;
  job::Progress progress;
  RunReport report;
  int code = kDone;
};

engine::RunInfo info_of(engine::StateDirectory& state, const std::string& run) {
  return engine::Runs(state).get(run);
}

void remember_error(engine::StateDirectory& state, const std::string& run, const Error& error) {
  engine::Runs(state).set_error(run, error.what());
}

// Those with a higher priority have more objects in flight.
void share_lanes(std::vector<std::unique_ptr<RunHere>>& runs) {
  const auto priority = [](const auto& run) { return run->setup->spec().priority; };
  const auto [lowest, highest] = std::ranges::minmax(std::views::transform(runs, priority));
  if (lowest == highest) return;
  for (const auto& each : runs) {
    unsigned& lanes = each->setup->job().options.lanes;
    lanes = std::max(1U, std::min(lanes, kLanesToShare) * priority(each) / highest);
  }
}

engine::EmbeddedRunOptions engine_options(JobSetup& setup) {
  engine::EmbeddedRunOptions options;
  options.report = report_options(setup.spec());
  options.retry_delay = setup.job().options.retry_delay;
  options.longest_retry_delay = setup.job().options.longest_retry_delay;
  options.complete_summary = [&setup](job::RunSummary& summary) {
    const job::Job& job = setup.job();
    summary.operation = job.operation;
    for (const job::Source& source : job.sources)
      summary.sources.push_back(source.text);
    if (job.destination) summary.destination = job.destination->text;
    if (job.catalogue) summary.catalogue = job.catalogue->catalog->effort();
  };
  return options;
}

Task<> work(Session& session, engine::StateDirectory& state, RunHere& here, bool display) {
  OpContext context = session.context();
  JobSetup& setup = *here.setup;
  if (setup.job().catalogue)
    here.progress.catalogue = [&setup] { return setup.job().catalogue->catalog->effort(); };
  {
    const std::unique_ptr<engine::EmbeddedRunEngine> engine = co_await context.blocking([&] {
      return std::make_unique<engine::EmbeddedRunEngine>(state, here.info.id, engine_options(setup),
                                                         here.progress);
    });
    here.report = co_await run_with(session, setup.settings(), setup.job(), *engine, here.progress, display);
    if (here.report.result.error) co_await engine->set_error(*here.report.result.error, context);
  }
  here.report.run = here.info.id;
  here.report.job = here.info.job;
  here.report.operation = here.info.operation;
  here.report.report = here.info.report;
}

// A run of which only the report is left to be published has nothing that would have to be found.
bool only_publishes(const RunHere& here) {
  return job::is_final(here.info.status);
}

Task<std::unique_ptr<RunHere>> take_up(Session& session, engine::StateDirectory& state, std::string run) {
  auto here = std::make_unique<RunHere>();
  OpContext context = session.context();
  here->info = co_await context.blocking([&] { return info_of(state, run); });
  here->setup = std::make_unique<JobSetup>(session, job::parse_resolved_spec(here->info.spec),
                                           decode_selection(here->info.arguments), &state);
  co_return here;
}

// What is left to do for whoever reads the accounts.
std::string next_step(const RunHere& here) {
  const std::string_view id = short_id(here.info.id);
  switch (here.report.result.status) {
    case job::RunStatus::paused: return fmt::format("paused; go on with: haul resume {}", id);
    case job::RunStatus::awaiting_approval:
      return fmt::format("waits for approval: haul status {0}, then haul approve {0} and haul resume {0}",
                         id);
    case job::RunStatus::completed_with_failures:
      return fmt::format("what failed: haul errors {0}; once mended: haul retry {0}", id);
    default: return {};
  }
}

// A process may end before it has come to this: then whoever goes on with the run does it.
Task<> publish(Session& session, engine::StateDirectory& state, RunHere& here) {
  if (here.setup->spec().report.location.empty() || !job::is_final(here.report.result.status)) co_return;
  OpContext context = session.context();
  std::optional<Error> failure;
  try {
    here.report.report = co_await publish_report(session, here.setup->settings(), here.info.report,
                                                 here.setup->spec().report.location, here.info.id);
  } catch (const Error& error) {
    failure = error;
  }
  co_await context.blocking([&] { engine::Runs(state).set_published(here.info.id, !failure); });
  if (!failure) co_return;
  // The work is done, and its report is safe in the state.
  session.screen().say(
      fmt::format("haul: the report could not be published: {}; it is in {}, and haul resume {} tries again",
                  failure->what(), visible(here.info.report), short_id(here.info.id)));
  here.code = std::max<int>(here.code, kSomeFailed);
}

RunReport report_of(const engine::RunInfo& info) {
  RunReport report;
  report.run = info.id;
  report.job = info.job;
  report.operation = info.operation;
  report.report = info.report;
  report.result = {.status = info.status, .accounts = info.accounts, .error = {}};
  if (info.started && info.ended) report.duration = *info.ended - *info.started;
  return report;
}

void give(Session& session, RunHere& here, bool several) {
  const Settings& settings = here.setup->settings();
  if (several && !settings.json && !settings.quiet)
    session.output().write(fmt::format("{} ({}): ", here.info.job, short_id(here.info.id)));
  here.code = std::max(here.code, give_report(session, settings, here.report));
  if (const std::string step = next_step(here); !step.empty() && !settings.quiet) session.screen().say(step);
}

}  // namespace

std::string state_path(const Settings& settings, const Env& env) {
  if (!settings.state_directory.empty()) return settings.state_directory;
  if (auto path = env.variable("HAUL_STATE"); path && !path->empty()) return *path;
  return engine::StateDirectory::default_path(env);
}

bool awaits_publishing(const engine::RunInfo& run) {
  return job::is_final(run.status) && !run.published &&
         !job::parse_resolved_spec(run.spec).report.location.empty();
}

std::string create_run(engine::StateDirectory& state, const RunRequest& request) {
  using Kind = RunSelection::Kind;
  const job::JobSpec spec = job::parse_resolved_spec(request.spec);
  job::Operation operation = spec.operation;
  if (request.selection.kind == Kind::kept) operation = job::Operation::remove_kept;
  if (request.selection.kind == Kind::revert) operation = job::Operation::revert;
  return engine::Runs(state).create({.job = spec.name,
                                     .operation = std::string(to_string(operation)),
                                     .spec = request.spec,
                                     .parent = request.parent,
                                     .report = {},
                                     .arguments = encode_selection(request.selection)});
}

Task<int> run_stored(Session& session, engine::StateDirectory& state, std::vector<std::string> runs) {
  OpContext context = session.context();
  std::vector<std::unique_ptr<RunHere>> here;
  here.reserve(runs.size());
  for (const std::string& run : runs)
    here.push_back(co_await take_up(session, state, run));
  for (const auto& each : here) {
    if (only_publishes(*each)) continue;
    std::optional<Error> refused;
    try {
      co_await each->setup->make(each->info.id, context);
    } catch (const Error& error) {
      refused = error;
    }
    if (!refused) continue;
    co_await context.blocking([&] { remember_error(state, each->info.id, *refused); });
    throw *refused;
  }
  share_lanes(here);

  const bool several = here.size() > 1;
  TaskGroup group(context.executor());
  for (const auto& each : here) {
    if (only_publishes(*each))
      each->report = report_of(each->info);
    else
      group.spawn(work(session, state, *each, !several && !session.settings().quiet));
  }
  co_await group.join();

  int code = kDone;
  for (const auto& each : here) {
    co_await publish(session, state, *each);
    give(session, *each, several);
    code = std::max(code, each->code);
  }
  co_return code;
}

Task<int> end_stored(Session& session, engine::StateDirectory& state, std::string run) {
  OpContext context = session.context();
  const std::unique_ptr<RunHere> here = co_await take_up(session, state, run);
  {
    engine::EmbeddedRunOptions options;
    options.report = report_options(here->setup->spec());
    options.heartbeat = Duration::zero();
    const auto engine = co_await context.blocking(
        [&] { return std::make_unique<engine::EmbeddedRunEngine>(state, run, options, here->progress); });
    co_await engine->cancel(context);
    co_await engine->set_status(job::RunStatus::cancelled, context);
  }
  here->report.result.status = job::RunStatus::cancelled;
  co_await publish(session, state, *here);
  co_return here->code;
}

}  // namespace haul::app

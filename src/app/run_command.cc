// cp, mv, rm, sync, check, plan: resolve the places, run the job, give the accounts.

#include <ftw.h>
#include <unistd.h>

#include "app/commands.h"
#include "app/job_builder.h"
#include "app/outcome_printer.h"
#include "app/progress_display.h"
#include "app/run_report.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "base/utf8.h"
#include "engine/memory/memory_engine.h"
#include "job/coordinator.h"

namespace haul::app {
namespace {

constexpr std::size_t kChunksWaitingPerShard = 4;

// Called by nftw(3) for what is below first. A directory that still holds something stays.
int remove_if_empty(const char* path, const struct stat*, int kind, struct FTW*) {
  if (kind == FTW_DP) ::rmdir(path);
  return 0;
}

// rm -r of a directory takes the directory itself as well, and the empty ones below, which are no objects. mv
// leaves them: the directory may be the tray that things are put into for the next run. Where only some
// objects were meant, the store has taken the directories that this emptied, and others are none of its
// business.
void remove_emptied_directories(const Settings& settings) {
  constexpr int kOpenDirectories = 32;
  if (settings.command != Command::rm || !settings.recursive || settings.dry_run ||
      !settings.takes_everything())
    return;
  for (const std::string& text : settings.locations) {
    const store::Location location = parse_place(text);
    if (location.scheme == store::Scheme::local && !is_pattern(location))
      // NOLINTNEXTLINE(concurrency-mt-unsafe): only with FTW_CHDIR
      ::nftw(location.path.c_str(), remove_if_empty, kOpenDirectories, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
  }
}

}  // namespace

Task<RunReport> run_here(Session& session, const job::Job& job) {
  return run_here(session, session.settings(), job);
}

Task<RunReport> run_here(Session& session, const Settings& settings, const job::Job& job) {
  engine::MemoryRunEngine engine(
      {.chunks_waiting = kChunksWaitingPerShard * session.runtime().shard_count()});
  job::Progress progress;
  co_return co_await run_with(session, settings, job, engine, progress, !settings.quiet);
}

Task<RunReport> run_with(Session& session, const Settings& settings, const job::Job& job,
                         job::RunEngine& engine, job::Progress& progress, bool show) {
  OutcomePrinter printer(settings, job, session.screen(), session.output());
  const SteadyTime start = session.env().steady_now();

  RunReport report;
  {
    std::optional<ProgressDisplay> display;
    if (show) display.emplace(progress, session.screen(), session.env());
    report.result = co_await job::run_job(job, {engine, progress, printer}, session.runtime());
  }
  report.duration = session.env().steady_now() - start;
  report.requests = session.services().requests();
  report.throttled = session.services().throttle_count();
  report.planned = printer.planned();
  report.failures_json = printer.failures_json();
  if (job.destination && !job.sources.empty())
    report.losses = fidelity_losses(job.options.transfer.preserve, job.sources[0].store->capabilities(),
                                    job.destination->store->capabilities());
  co_return report;
}

int give_report(Session& session, const RunReport& report) {
  return give_report(session, session.settings(), report);
}

int give_report(Session& session, const Settings& settings, const RunReport& report) {
  if (report.result.error) session.screen().say(std::string("haul: ") + report.result.error->what());
  if (settings.json)
    session.output().write(report_json(settings, report));
  else if (!settings.quiet)
    session.output().write(report_text(settings, report));
  session.output().flush();
  return exit_code_of(settings, report.result);
}

Task<int> run_and_report(Session& session, const job::Job& job) {
  co_return give_report(session, co_await run_here(session, job));
}

Task<int> run_command(Session& session) {
  const Settings& settings = session.settings();
  if (uses_standard_stream(settings)) co_return co_await stream_command(session);
  announce_needs(settings, session.services());
  RealStores stores(settings, session.services());
  Bandwidth bandwidth(settings.bandwidth);
  OpContext context = session.context();
  const job::Job job = co_await build_job(settings, stores, session.runtime().shard_count(),
                                          settings.bandwidth != 0 ? &bandwidth : nullptr, context);
  const int code = co_await run_and_report(session, job);
  if (code == kDone) remove_emptied_directories(settings);
  co_return code;
}

}  // namespace haul::app

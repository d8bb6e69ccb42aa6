#include "app/report_place.h"

#include <fmt/format.h>

#include "app/job_builder.h"
#include "app/outcome_printer.h"
#include "app/store_factory.h"
#include "engine/memory/memory_engine.h"
#include "job/coordinator.h"

namespace haul::app {

Task<std::string> publish_report(Session& session, Settings settings, std::string directory,
                                 std::string location, std::string run) {
  // A report is moved as anything else is.
  Settings copy;
  copy.command = Command::cp;
  copy.recursive = true;
  copy.destination = settings.destination_side();
  copy.scope_down = settings.scope_down;
  copy.quiet = true;
  std::string place = as_directory(location) + run + "/";
  copy.locations = {as_directory(directory), place};

  RealStores stores(copy, session.services());
  OpContext context = session.context();
  const job::Job job = co_await build_job(copy, stores, session.runtime().shard_count(), nullptr, context);
  engine::MemoryRunEngine engine;
  job::Progress progress;
  OutcomePrinter printer(copy, job, session.screen(), session.output());
  const job::RunResult result = co_await job::run_job(job, {engine, progress, printer}, session.runtime());
  if (result.error) throw *result.error;
  if (result.status != job::RunStatus::completed)
    throw Error(ErrorClass::unavailable, fmt::format("{} of its files failed", result.accounts.failures()))
        .on(place);
  co_return place;
}

}  // namespace haul::app

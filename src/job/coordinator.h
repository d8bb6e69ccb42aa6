// One run of a job, from its first listing to its closed accounts.
#pragma once

#include <optional>
#include <string>

#include "job/job.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "job/run_engine.h"
#include "runtime/shard.h"

namespace haul::job {

struct RunResult {
  RunStatus status = RunStatus::failed;
  Accounts accounts;
  std::optional<Error> error;  // why the run FAILED, or why its deletions were refused
};

// What a run needs beside its job. All of it outlives the run.
struct RunPorts {
  RunEngine& engine;
  Progress& progress;
  OutcomeSink& sink;
};

// Runs on the first shard and works on all of them. Discovery and work overlap; the deletions of a sync come
// last, and only after both listings ended complete. Ends early, with what is in flight finished, when the
// runtime's stop flag asks to drain: the run is CANCELLED and its accounts say what was not attempted.
//
// Throws invalid_argument for impossible jobs (source and destination overlap) before anything is changed.
// Everything later is in the result.
Task<RunResult> run_job(const Job& job, RunPorts ports, Runtime& runtime);

}  // namespace haul::job

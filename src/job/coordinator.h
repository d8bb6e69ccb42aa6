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
  std::optional<Error> error;  // why the run FAILED or its deletions were refused, or its engine gave up
};

// What a run needs beside its job. All of it outlives the run.
struct RunPorts {
  RunEngine& engine;
  Progress& progress;
  OutcomeSink& sink;
};

// Runs on the first shard and works on all of them; several runs may go on at once in one runtime. Discovery
// and work overlap; the deletions of a sync come last, and only after both listings ended complete.
//
// The run is taken up where its engine says that it stands: a new one, one that is PAUSED, or one whose
// process is gone. While it goes on, it follows the engine's wishes: cancel ends it CANCELLED, pause drains
// what is in flight and waits until the wish is gone. When the runtime's stop flag asks to drain, what is in
// flight is finished; the run is then PAUSED in a durable engine, to be taken up by another process, and else
// CANCELLED, and its accounts say what was not attempted. Where the engine itself fails, the result has the
// error, and a durable run can be taken up again.
//
// Throws invalid_argument for impossible jobs (a catalogue's statement with a parameter that nothing gives)
// before anything is changed. Everything later is in the result.
Task<RunResult> run_job(const Job& job, RunPorts ports, Runtime& runtime);

}  // namespace haul::job

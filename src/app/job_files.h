// The job files of a command line.
#pragma once

#include <vector>

#include "app/settings.h"
#include "base/env.h"
#include "job/spec.h"

namespace haul::app {

// run, but for --plan; plan, with a job in place of two locations.
bool reads_job_files(const Settings& settings);

// Reads all of them, before anything is done. Throws UsageError that shows every mistake of every file, one a
// line, with its place. Two jobs of one name are a mistake.
std::vector<job::JobSpec> load_job_files(const Settings& settings, const Env& env);

}  // namespace haul::app

// A job file in the words of the command line: the two are notations of one thing.
#pragma once

#include <span>

#include "app/settings.h"
#include "job/job.h"
#include "job/report.h"
#include "job/spec.h"

namespace haul::app {

// What the same job would be as arguments. What the job does not say (network, identity of both sides, what
// is shown) is as on the command line.
Settings job_settings(const job::JobSpec& spec, const Settings& command_line);

// The other way round, for `plan SRC DST`: a sync as the text of a job file. Throws UsageError for what a job
// file has no words for.
std::string sync_as_job(const Settings& settings);

// What arguments have no words for: chunks, attempts, approval, shares of failures, tags, kept sources.
void extend_options(job::Options& options, const job::JobSpec& spec);

job::ReportOptions report_options(const job::JobSpec& spec);

// What a whole process has once: the most memory that one of its jobs asks for, and the most talkative log,
// unless the command line says which.
void take_process_options(std::span<const job::JobSpec> specs, Settings& command_line);

}  // namespace haul::app

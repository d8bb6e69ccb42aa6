// The end of a run in words and as JSON (docs/json.md).
#pragma once

#include <string>

#include "app/outcome_printer.h"
#include "app/settings.h"
#include "base/env.h"
#include "job/coordinator.h"
#include "stores/s3/s3_service.h"

namespace haul::app {

struct RunReport {
  // Of a job: its run and name, and where the run's report lies. Empty for arguments.
  std::string run, job, operation, report;
  job::RunResult result;
  Duration duration{};
  s3::RequestCounts requests{};
  std::uint64_t throttled = 0;
  PlannedRequests planned;
  std::vector<std::string> losses;         // what the destination cannot keep
  std::vector<std::string> failures_json;  // the first failed or different objects
};

// The exit code that a run's end stands for.
int exit_code_of(const Settings& settings, const job::RunResult& result);

// The accounts as an equation, several lines.
std::string report_text(const Settings& settings, const RunReport& report);
std::string report_json(const Settings& settings, const RunReport& report);

}  // namespace haul::app

// The commands. Each does its work on the first shard and gives the exit code; what goes wrong as a whole is
// thrown (UsageError, Error, OutputClosed).
#pragma once

#include "app/run_report.h"
#include "app/session.h"
#include "job/progress.h"
#include "job/run_engine.h"
#include "job/spec.h"
#include "runtime/task.h"

namespace haul::app {

Task<int> run_command(Session& session);  // cp mv rm sync check plan
Task<int> list_command(Session& session);
Task<int> usage_command(Session& session);  // du
Task<int> stat_command(Session& session);
Task<int> cat_command(Session& session);
Task<int> manifest_command(Session& session);
Task<int> make_bucket_command(Session& session);
Task<int> remove_bucket_command(Session& session);
Task<int> presign_command(Session& session);
Task<int> doctor_command(Session& session);
Task<int> job_command(Session& session, std::vector<job::JobSpec> specs);  // run
Task<int> plan_command(Session& session, std::vector<job::JobSpec> specs);
Task<int> resume_command(Session& session);
Task<int> end_command(Session& session);
Task<int> retry_command(Session& session);
Task<int> undo_command(Session& session);
Task<int> verify_report_command(Session& session);

// Without a session.
int version_command(const Settings& settings, Output& output);
int help_command(const Settings& settings, Output& output);
int completion_command(const Settings& settings, Output& output);

// Used by cp for `-`, and by cat.
Task<> write_object(Session& session, store::Store& store, std::string key, std::string version);
bool uses_standard_stream(const Settings& settings);
Task<int> stream_command(Session& session);

// Runs a job with a display; then its accounts are to be given, which gives the exit code.
Task<RunReport> run_here(Session& session, const job::Job& job);
int give_report(Session& session, const RunReport& report);
// The same under the settings of one job of several, and with an engine of its own.
Task<RunReport> run_here(Session& session, const Settings& settings, const job::Job& job);
Task<RunReport> run_with(Session& session, const Settings& settings, const job::Job& job,
                         job::RunEngine& engine, job::Progress& progress, bool display);
int give_report(Session& session, const Settings& settings, const RunReport& report);
// Both: the common end of commands that change objects.
Task<int> run_and_report(Session& session, const job::Job& job);

}  // namespace haul::app

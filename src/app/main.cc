// haul, from its arguments to its exit code.

#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "app/commands.h"
#include "app/job_files.h"
#include "app/job_settings.h"
#include "app/kept_runs.h"
#include "app/signals.h"
#include "app/state_commands.h"
#include "app/usage_error.h"

namespace haul::app {
namespace {

// Many connections and files at once is what haul is for; the soft limit is for programs that still select().
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Task<int> choose_command(Session& session, std::vector<job::JobSpec> jobs) {
  switch (session.settings().command) {
    case Command::ls: return list_command(session);
    case Command::du: return usage_command(session);
    case Command::stat: return stat_command(session);
    case Command::cat: return cat_command(session);
    case Command::manifest: return manifest_command(session);
    case Command::mb: return make_bucket_command(session);
    case Command::rb: return remove_bucket_command(session);
    case Command::presign: return presign_command(session);
    case Command::doctor: return doctor_command(session);
    case Command::run: return job_command(session, std::move(jobs));
    case Command::plan:
      return jobs.empty() && session.settings().output.empty() ? run_command(session)
                                                               : plan_command(session, std::move(jobs));
    case Command::resume: return resume_command(session);
    case Command::cancel: return end_command(session);
    case Command::retry: return retry_command(session);
    case Command::undo: return undo_command(session);
    case Command::verify_report: return verify_report_command(session);
    default: return run_command(session);
  }
}

// Whether the command is there for what it writes to standard output, and for nothing else.
bool only_writes_out(const Settings& settings) {
  switch (settings.command) {
    case Command::ls:
    case Command::du:
    case Command::cat:
    case Command::runs:
    case Command::status:
    case Command::watch:
    case Command::errors: return true;
    case Command::manifest: return settings.output.empty() || settings.output == "-";
    case Command::cp: return settings.locations.back() == "-";
    default: return false;
  }
}

bool works_on_kept_run(Command command) {
  return command == Command::resume || command == Command::retry || command == Command::undo;
}

int run(Settings settings, Screen& screen, Output& output) {
  output.when_closed(only_writes_out(settings) ? WhenClosed::stop : WhenClosed::go_on);
  switch (settings.command) {
    case Command::help: return help_command(settings, output);
    case Command::version: return version_command(settings, output);
    case Command::completion: return completion_command(settings, output);
    case Command::runs: return runs_command(settings, system_env(), screen, output);
    case Command::status: return status_command(settings, system_env(), output);
    case Command::errors: return errors_command(settings, system_env(), output);
    case Command::watch: return watch_command(settings, system_env(), screen, output);
    case Command::pause: return pause_command(settings, system_env(), screen, output);
    case Command::cancel:
      if (const auto code = cancel_command(settings, system_env(), screen, output)) return *code;
      break;
    case Command::approve: return approve_command(settings, system_env(), screen, output);
    default: break;
  }
  std::vector<job::JobSpec> jobs;
  if (reads_job_files(settings)) {
    jobs = load_job_files(settings, system_env());
    take_process_options(jobs, settings);
  }
  if (works_on_kept_run(settings.command)) {
    const job::JobSpec kept[] = {kept_job(settings, system_env())};
    take_process_options(kept, settings);
  }
  raise_file_limit();
  const SignalMask mask;
  Session session(settings, system_env(), screen, output);
  const SignalWatch watch(session.runtime().stop(), screen);
  const int code = session.runtime().run_for(choose_command(session, std::move(jobs)));
  output.flush();
  return session.runtime().stop().draining() && code == kDone ? kInterrupted : code;
}

}  // namespace
}  // namespace haul::app

int main(int argc, char** argv) {
  using namespace haul::app;
  Screen screen(STDERR_FILENO);
  Output output(STDOUT_FILENO);
  try {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    const Settings settings = parse_command_line(arguments, haul::system_env());
    const int code = run(settings, screen, output);
    output.flush();
    return code;
  } catch (const OutputClosed&) {
    return kDone;  // haul ls | head
  } catch (const UsageError& error) {
    screen.say(std::string("haul: ") + error.what());
    return kUsage;
  } catch (...) {
    const haul::Error error = haul::current_error();
    screen.say(std::string("haul: ") + error.what());
    return error.error_class() == haul::ErrorClass::cancelled ? kInterrupted : kCouldNotRun;
  }
}

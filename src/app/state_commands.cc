// runs, status, errors: what the state tells, from any process, beside the one that works.

#include "app/state_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "app/kept_runs.h"
#include "app/remedy.h"
#include "app/run_json.h"
#include "app/usage_error.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

constexpr std::size_t kRunsShown = 50;
constexpr std::chrono::milliseconds kRateSample{1500};  // figures in the state are renewed every second

// Rates need two moments. Of a run that nobody works on there are none to see.
Estimate rates_of(KeptRuns& kept, engine::RunInfo& run) {
  Estimate estimate;
  estimate.add(figures_of(run), kept.env().steady_now());
  if (!run.alive || job::is_final(run.status)) return estimate;
  std::this_thread::sleep_for(kRateSample);
  run = kept.runs().get(run.id);
  const SteadyTime now = kept.env().steady_now();
  estimate.add(figures_of(run), now);
  if (estimate.objects_per_second() > 0 || estimate.bytes_per_second() > 0 || !run.started) return estimate;
  // Objects of a move are done by the chunk: what it was since the beginning says more then.
  Estimate average;
  average.add({}, now - std::chrono::ceil<SteadyTime::duration>(kept.env().wall_now() - *run.started));
  average.add(figures_of(run), now);
  return average;
}

}  // namespace

int runs_command(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  KeptRuns kept(settings, env);
  engine::RunFilter filter;
  filter.job = settings.run_filter.job;
  if (settings.run_filter.status) filter.statuses.push_back(*settings.run_filter.status);
  filter.limit = static_cast<std::size_t>(settings.limit.value_or(kRunsShown));
  const std::vector<engine::RunInfo> runs = kept.runs().list(filter);
  if (settings.json) {
    for (const engine::RunInfo& run : runs)
      output.write(run_json(run) + "\n");
  } else if (runs.empty()) {
    output.write("no runs\n");
  } else {
    output.write(runs_table(runs, env.wall_now(), screen.width()));
  }
  return kDone;
}

int status_command(const Settings& settings, const Env& env, Output& output) {
  KeptRuns kept(settings, env);
  engine::RunInfo run = kept.named();
  const Estimate estimate = rates_of(kept, run);
  const RunPicture picture = kept.picture(run);
  output.write(settings.json ? run_json(picture, estimate) + "\n"
                             : run_text(picture, estimate, env.wall_now()));
  return kDone;
}

int errors_command(const Settings& settings, const Env& env, Output& output) {
  KeptRuns kept(settings, env);
  const engine::RunInfo run = kept.named();
  if (settings.summary) {
    const std::vector<FailureKind> kinds = kept.failures(run, settings.error_selection);
    if (settings.json) {
      std::string& out = output.buffer();
      out += fmt::format("{{\"run\":\"{}\",\"failed\":{},\"failures\":", run.id, run.accounts.failures());
      append_failure_kinds_json(out, kinds, run.id);
      out += "}\n";
    } else {
      output.write(kinds.empty() ? "no errors\n" : failure_kinds_text(kinds, run.id));
    }
    return kDone;
  }
  engine::ErrorFilter filter = error_filter(settings.error_selection);
  filter.limit = settings.limit;
  kept.runs().errors(run.id, filter, [&](const engine::ErrorRecord& record) {
    if (settings.json)
      append_error_record_json(output.buffer(), record, run.id);
    else
      output.buffer().append(to_string(record.error_class)).append(" ").append(error_line(record));
    output.buffer() += '\n';
    output.pump();
    return true;
  });
  return kDone;
}

}  // namespace haul::app

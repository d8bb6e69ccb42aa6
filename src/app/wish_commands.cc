// pause, cancel, approve: asks something of a run, and stays until it is so.

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <optional>
#include <thread>

#include "app/accounts_text.h"
#include "app/kept_runs.h"
#include "app/remedy.h"
#include "app/run_json.h"
#include "app/state_commands.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "job/spec.h"

namespace haul::app {
namespace {

constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::seconds kSaidAfter{2};
constexpr std::chrono::milliseconds kLookEvery{200};

class Asking {
 public:
  Asking(const Settings& settings, const Env& env, Screen& screen, Output& output)
      : settings_(settings),
        env_(env),
        screen_(screen),
        output_(output),
        kept_(settings, env),
        run_(kept_.named()) {}

  KeptRuns& kept() noexcept { return kept_; }
  engine::RunInfo& run() noexcept { return run_; }

  // Looks until it is so, or patience ends.
  bool wait_until(const std::function<bool(const engine::RunInfo&)>& is_so, Duration patience) {
    const SteadyTime start = env_.steady_now();
    bool said = settings_.quiet;
    while (true) {
      run_ = kept_.runs().get(run_.id);
      if (is_so(run_)) return true;
      const Duration waited = env_.steady_now() - start;
      if (waited >= patience) return false;
      if (!said && waited >= kSaidAfter) {
        screen_.say(fmt::format("waiting until what is in hand has ended, for {} at most",
                                format_duration(patience)));
        said = true;
      }
      std::this_thread::sleep_for(kLookEvery);
    }
  }

  // How it stands now. Gives the exit code.
  int tell(bool obeyed) {
    run_ = kept_.runs().get(run_.id);
    if (settings_.json) {
      std::string line = run_json(run_);
      line.pop_back();
      output_.write(fmt::format("{},\"obeyed\":{}}}\n", line, obeyed));
    } else if (!settings_.quiet) {
      output_.write(fmt::format("{} {}: {}\n", visible(run_.job), short_id(run_.id), status_text(run_)));
      for (const std::string& line : equation_lines(run_.accounts))
        output_.write(line + "\n");
      if (!obeyed) output_.write("asked, and not obeyed yet: large transfers are still ending\n");
      if (const std::string advice = advice_for(run_); !advice.empty())
        output_.write("to do: " + advice + "\n");
    }
    return obeyed ? kDone : kSomeFailed;
  }

 private:
  const Settings& settings_;
  const Env& env_;
  Screen& screen_;
  Output& output_;
  KeptRuns kept_;
  engine::RunInfo run_;
};

// Who says yes, for the record.
std::string this_user(const Env& env) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return env.variable("USER").value_or(fmt::format("uid {}", ::getuid())) + "@" + host.data();
}

bool has_ended(const engine::RunInfo& run) {
  return job::is_final(run.status);
}

bool has_stopped(const engine::RunInfo& run) {
  return has_ended(run) || run.status == job::RunStatus::paused;
}

}  // namespace

int pause_command(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  Asking asking(settings, env, screen, output);
  refuse_ended(asking.run());
  if (asking.run().status == job::RunStatus::paused ||
      !asking.kept().runs().ask(asking.run().id, job::Wish::pause))
    refuse(asking.run(), "no process works on it, so there is nothing to pause");
  const bool stopped = asking.wait_until(has_stopped, kPatience);
  return asking.tell(stopped);
}

int let_go_on(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  Asking asking(settings, env, screen, output);
  if (!asking.kept().runs().ask(asking.run().id, job::Wish::none))
    refuse(asking.run(), "its process has ended just now");
  const bool begun = asking.wait_until(
      [](const engine::RunInfo& now) { return now.status != job::RunStatus::paused || !now.alive; },
      kPatience);
  return asking.tell(begun);
}

std::optional<int> cancel_command(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  Asking asking(settings, env, screen, output);
  refuse_ended(asking.run());
  if (!asking.kept().runs().ask(asking.run().id, job::Wish::cancel)) return std::nullopt;
  const bool ended = asking.wait_until(has_ended, kPatience);
  return asking.tell(ended);
}

int tell_cancelled(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  return Asking(settings, env, screen, output).tell(true);
}

int approve_command(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  Asking asking(settings, env, screen, output);
  const engine::RunInfo& run = asking.run();
  refuse_ended(run);
  // A run that waits and was interrupted waits still.
  const bool waits = run.status == job::RunStatus::awaiting_approval ||
                     (run.status == job::RunStatus::paused && run.approved_by.empty() &&
                      job::parse_resolved_spec(run.spec).approval);
  if (!waits) refuse(run, "it does not wait for approval");
  if (!settings.json && !settings.quiet) output.write("would " + approval_text(run) + "\n");
  asking.kept().runs().approve(run.id, this_user(env));
  const auto has_begun = [](const engine::RunInfo& now) {
    return !now.alive || now.status != job::RunStatus::awaiting_approval;
  };
  const bool begun = asking.wait_until(has_begun, kPatience);
  return asking.tell(begun);
}

}  // namespace haul::app

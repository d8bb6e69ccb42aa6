// watch: a run from another terminal, while it goes on.

#include <signal.h>

#include <cerrno>

#include "app/kept_runs.h"
#include "app/remedy.h"
#include "app/run_json.h"
#include "app/signals.h"
#include "app/state_commands.h"
#include "app/usage_error.h"

namespace haul::app {
namespace {

constexpr std::chrono::seconds kRefresh{1};
constexpr std::chrono::seconds kFailuresAfter{3};  // counting many of them takes the database a while
constexpr std::chrono::seconds kLinesEvery{10};    // where there is no terminal

// True if somebody pressed Ctrl-C meanwhile. The signals have to be blocked (SignalMask).
bool interrupted_within(std::chrono::seconds time) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&set, number);
  const timespec limit{.tv_sec = time.count(), .tv_nsec = 0};
  return ::sigtimedwait(&set, nullptr, &limit) > 0;
}

class Watch {
 public:
  Watch(const Settings& settings, const Env& env, Screen& screen, Output& output)
      : settings_(settings), env_(env), screen_(screen), output_(output), kept_(settings, env) {
    picture_ = kept_.picture(kept_.named());
  }

  int follow() {
    while (true) {
      look();
      show();
      if (job::is_final(picture_.info.status)) return ended();
      if (interrupted_within(kRefresh)) {
        screen_.show_status("");
        screen_.say("the run goes on; haul watch " + std::string(short_id(picture_.info.id)) +
                    " looks again");
        return kInterrupted;
      }
    }
  }

 private:
  void look() {
    const SteadyTime now = env_.steady_now();
    picture_.info = kept_.runs().get(picture_.info.id);
    const bool final = job::is_final(picture_.info.status);
    const std::uint64_t failed = picture_.info.accounts.failures();
    if (failed != failures_counted_ && (final || now - counted_at_ >= kFailuresAfter)) {
      picture_.failures = kept_.failures(picture_.info, {});
      failures_counted_ = failed;
      counted_at_ = now;
    }
    if (screen_.is_terminal() && !settings_.json)
      picture_.in_work = kept_.runs().chunks_in_flight(picture_.info.id);
    estimate_.add(figures_of(picture_.info), now);
  }

  void show() {
    if (settings_.json) {
      output_.write(run_json(picture_, estimate_) + "\n");
      output_.flush();
      return;
    }
    if (settings_.quiet) return;
    if (screen_.is_terminal()) {
      screen_.show_status(watch_text(picture_, estimate_, env_.wall_now(), screen_.height() - 1));
      return;
    }
    const SteadyTime now = env_.steady_now();
    if (picture_.info.status == shown_ && now < next_line_) return;
    shown_ = picture_.info.status;
    next_line_ = now + kLinesEvery;
    screen_.say(watch_line(picture_, estimate_));
  }

  int ended() {
    screen_.show_status("");
    if (!settings_.json && !settings_.quiet) {
      picture_.children = kept_.children(picture_.info);
      output_.write(run_text(picture_, estimate_, env_.wall_now()));
    }
    output_.flush();
    return exit_code_of(picture_.info);
  }

  const Settings& settings_;
  const Env& env_;
  Screen& screen_;
  Output& output_;
  KeptRuns kept_;
  RunPicture picture_;
  Estimate estimate_;
  std::uint64_t failures_counted_ = 0;
  SteadyTime counted_at_{};
  std::optional<job::RunStatus> shown_;
  SteadyTime next_line_{};
};

}  // namespace

int watch_command(const Settings& settings, const Env& env, Screen& screen, Output& output) {
  const SignalMask mask;
  return Watch(settings, env, screen, output).follow();
}

}  // namespace haul::app

#include "app/signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "app/usage_error.h"

namespace haul::app {
namespace {

constexpr int kPatienceMs = 8000;  // after the second signal

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP})
    sigaddset(&set, number);
  return set;
}

}  // namespace

SignalMask::SignalMask() {
  const sigset_t set = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
}

SignalWatch::SignalWatch(StopFlag& stop, Screen& screen) : stop_(stop), screen_(screen) {
  const sigset_t set = watched_signals();
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || wake_ < 0) throw errno_error(errno, "signalfd", "");
  thread_ = std::jthread([this] { watch(); });
}

SignalWatch::~SignalWatch() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(wake_);
}

void SignalWatch::watch() {
  int count = 0;
  while (true) {
    pollfd ready[] = {{signals_, POLLIN, 0}, {wake_, POLLIN, 0}};
    const int found = ::poll(ready, 2, count >= 2 ? kPatienceMs : -1);
    if (found < 0 && errno == EINTR) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo info{};
    const bool signalled = found > 0 && ::read(signals_, &info, sizeof info) == sizeof info;
    if (!signalled || ++count > 2) {
      screen_.show_status("");
      std::_Exit(kInterrupted);  // nothing half written has its final name
    }
    if (count == 1) {
      screen_.say("interrupted: letting short transfers end; once more stops at once");
      stop_.raise(StopLevel::drain);
    } else {
      screen_.say("stopping at once");
      stop_.raise(StopLevel::abort);
    }
  }
}

}  // namespace haul::app

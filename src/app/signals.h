// Ctrl-C and its like, as a request to the runtime.
#pragma once

#include <signal.h>

#include <functional>
#include <thread>

#include "app/screen.h"
#include "runtime/context.h"

namespace haul::app {

// Blocks SIGINT, SIGTERM and SIGHUP for this thread and those that it starts from now on, and ignores
// SIGPIPE. To be made before any thread.
class SignalMask {
 public:
  SignalMask();
};

// Waits for the signals on a thread of its own: the first drains, the second aborts; if the program is still
// there a while later, it is ended. Made once, after SignalMask. Destroying it stops listening.
class SignalWatch {
 public:
  SignalWatch(StopFlag& stop, Screen& screen);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  void watch();

  StopFlag& stop_;
  Screen& screen_;
  int signals_ = -1;  // signalfd
  int wake_ = -1;     // eventfd
  std::jthread thread_;
};

}  // namespace haul::app

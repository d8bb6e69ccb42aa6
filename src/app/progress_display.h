// Shows a run while it goes on: a status line on a terminal, a plain line now and then elsewhere.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "app/estimate.h"
#include "app/screen.h"
#include "job/progress.h"

namespace haul::app {

// Has a thread of its own, so that a busy shard does not hold the display up. All that it refers to outlives
// it.
class ProgressDisplay {
 public:
  ProgressDisplay(const job::Progress& progress, Screen& screen, const Env& env);
  ~ProgressDisplay();  // takes the status away
  ProgressDisplay(const ProgressDisplay&) = delete;
  ProgressDisplay& operator=(const ProgressDisplay&) = delete;

 private:
  void show_until_stopped();
  Figures read() const;

  const job::Progress& progress_;
  Screen& screen_;
  const Env& env_;
  Estimate estimate_;
  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::jthread thread_;
};

}  // namespace haul::app

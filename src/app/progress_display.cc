#include "app/progress_display.h"

#include <algorithm>

namespace haul::app {
namespace {

constexpr std::chrono::milliseconds kRedraw{200};
constexpr std::chrono::seconds kFirstLine{10}, kLaterLines{30};  // where there is no terminal

}  // namespace

ProgressDisplay::ProgressDisplay(const job::Progress& progress, Screen& screen, const Env& env)
    : progress_(progress), screen_(screen), env_(env), thread_([this] { show_until_stopped(); }) {}

ProgressDisplay::~ProgressDisplay() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  screen_.show_status("");
}

Figures ProgressDisplay::read() const {
  const auto load = [](const auto& figure) { return figure.load(std::memory_order_relaxed); };
  Figures figures;
  figures.done_objects = load(progress_.done_objects);
  // Those of a large object count as they pass; those that a server copies, when it is done.
  figures.done_bytes =
      std::max(load(progress_.done_bytes) + load(progress_.arrived_bytes), progress_.moved_bytes());
  figures.arrived_objects = load(progress_.arrived_objects);
  figures.found_objects = load(progress_.found_objects);
  figures.found_bytes = load(progress_.found_bytes);
  figures.failed_objects = load(progress_.failed_objects);
  figures.listed_objects = load(progress_.listed_objects);
  figures.listing = load(progress_.listing);
  return figures;
}

void ProgressDisplay::show_until_stopped() {
  SteadyTime next_line = env_.steady_now() + kFirstLine;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kRedraw, [this] { return stopping_; })) {
    const Figures figures = read();
    const SteadyTime now = env_.steady_now();
    estimate_.add(figures, now);
    if (screen_.is_terminal()) {
      screen_.show_status(progress_line(figures, estimate_));
    } else if (now >= next_line) {
      screen_.say(progress_line(figures, estimate_));
      next_line = now + kLaterLines;
    }
  }
}

}  // namespace haul::app

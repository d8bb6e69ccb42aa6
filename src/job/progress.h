// Live figures of a run, for a display. Approximate while running; the accounts are exact.
// Thread safety: all fields may be read and added to, and all methods called, from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>

#include "catalog/catalog.h"

namespace haul::job {

struct Progress {
  std::atomic<std::uint64_t> found_objects{0}, found_bytes{0};  // to be worked on, so far
  std::atomic<std::uint64_t> listed_objects{0};
  std::atomic<std::uint64_t> skipped_objects{0};
  std::atomic<std::uint64_t> done_objects{0}, done_bytes{0};
  std::atomic<std::uint64_t> failed_objects{0};
  // Copied and not done yet: what follows is done for a whole chunk at once.
  std::atomic<std::uint64_t> arrived_objects{0}, arrived_bytes{0};
  std::atomic<bool> listing{false};

  // What the run's catalogue has cost so far. To be set before the run begins.
  std::function<catalog::CatalogEffort()> catalogue;

  // Bytes that have passed through here, those of objects under way included. The run says where to read them
  // from, and stops saying so before that ends.
  void follow(std::function<std::uint64_t()> moved) {
    const std::lock_guard lock(mutex_);
    moved_ = std::move(moved);
  }
  void unfollow() {
    const std::lock_guard lock(mutex_);
    if (moved_) last_moved_ = std::exchange(moved_, nullptr)();
  }
  std::uint64_t moved_bytes() const {
    const std::lock_guard lock(mutex_);
    return moved_ ? moved_() : last_moved_;
  }

 private:
  mutable std::mutex mutex_;  // guards both below
  std::function<std::uint64_t()> moved_;
  std::uint64_t last_moved_ = 0;
};

}  // namespace haul::job

// Live figures of a run, for a display. Approximate while running; the accounts are exact.
// Thread safety: all fields may be read and added to from any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace haul::job {

struct Progress {
  std::atomic<std::uint64_t> found_objects{0}, found_bytes{0};  // to be worked on, so far
  std::atomic<std::uint64_t> listed_objects{0};
  std::atomic<std::uint64_t> skipped_objects{0};
  std::atomic<std::uint64_t> done_objects{0}, done_bytes{0};
  std::atomic<std::uint64_t> failed_objects{0};
  std::atomic<bool> listing{false};
};

}  // namespace haul::job

// A limit of bytes per second, shared by all that move bytes.
#pragma once

#include <atomic>
#include <cstdint>

#include "runtime/context.h"
#include "runtime/task.h"

namespace haul {

// A leaky bucket kept as one time stamp (GCRA): no lock, exact over any span longer than the burst.
// Thread safety: take() may be called from any shard.
class Bandwidth {
 public:
  explicit Bandwidth(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}  // 0: unlimited

  // Waits until the line has carried `bytes`, so the last of them are in time as well. Throws as
  // OpContext::sleep does.
  Task<> take(std::uint64_t bytes, OpContext& context);

  bool limited() const noexcept { return rate_ != 0; }

 private:
  const std::uint64_t rate_;
  std::atomic<std::int64_t> next_free_{0};  // steady time in ns from which on the line is free
};

}  // namespace haul

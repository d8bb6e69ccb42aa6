// What each shard has for itself, so that moving objects takes no locks.
#pragma once

#include <atomic>
#include <cstdint>

#include "transfer/buffer_pool.h"
#include "transfer/transfer.h"

namespace haul::transfer {

struct alignas(64) Transfer::Lane {
  Lane(MemoryBudget& budget, std::uint64_t keep, Bandwidth* bandwidth) noexcept
      : buffers(budget, keep), line(bandwidth) {}

  Meter meter() noexcept { return {line, &moved}; }

  BufferPool buffers;
  Bandwidth* line;
  std::atomic<std::uint64_t> moved{0};
};

}  // namespace haul::transfer

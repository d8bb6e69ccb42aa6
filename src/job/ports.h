// The two ports behind which engines live: where run state is kept, and where chunks wait.
//
// Durability rules: a chunk is acknowledged after its report is recorded; recording a report twice counts
// once; a chunk may be given out twice, so every side effect of working it must be repeatable.
// Thread safety: both are used from all shards at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "job/chunk.h"
#include "job/outcome.h"
#include "job/run_status.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

class RunStore {
 public:
  virtual ~RunStore() = default;
  virtual Task<> set_status(RunStatus status, OpContext& context) = 0;
  // Durable when it returns.
  virtual Task<> record(ChunkReport report, OpContext& context) = 0;
  // Counts of discovery: what was listed, filtered, and decided without work.
  virtual Task<> record_discovery(const Accounts& found, OpContext& context) = 0;
  virtual Accounts accounts() const = 0;
  virtual RunStatus status() const = 0;
};

class ChunkQueue {
 public:
  virtual ~ChunkQueue() = default;
  // Waits while the queue is full: discovery never runs away from the work. False if the queue was closed.
  virtual Task<bool> push(Chunk chunk, OpContext& context) = 0;
  virtual void close() = 0;  // nothing more will be pushed
  // Closes at once; what is still queued is dropped, and its number of objects returned.
  virtual std::uint64_t cancel() = 0;
  // The next chunk; nothing once closed and empty. The chunk stays leased until acknowledged.
  virtual Task<std::optional<Chunk>> lease(OpContext& context) = 0;
  virtual Task<> acknowledge(std::uint64_t chunk_id, OpContext& context) = 0;
};

}  // namespace haul::job

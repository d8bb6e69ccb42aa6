// The chunk that a worker is at, seen by worker.cc and by worker_attempts.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "job/chunk.h"
#include "job/chunk_outcomes.h"
#include "job/item_result.h"
#include "job/worker.h"
#include "runtime/context.h"

namespace haul::job {

inline bool is_kept(Action action) {
  return action == Action::remove_kept || action == Action::revert;
}

inline bool is_copy(Action action) {
  return action == Action::copy || action == Action::copy_if_details;
}

// Whether what was seen or done of an object holds for later attempts: a look at a copy does not.
inline bool has_stages(Action action) {
  return action != Action::remove && action != Action::remove_kept;
}

// Lanes of one shard share it, so nothing in it needs a lock. Objects are told by their index in the chunk.
struct Worker::ChunkWork {
  ChunkWork(const Worker& worker, Chunk taken, const OpContext& of)
      : chunk(std::move(taken)),
        context(of),
        action(chunk.items.empty() ? Action::copy : chunk.items.front().action),
        outcomes(worker.job_, chunk, worker.engine_.durable() || worker.job_.options.full_report,
                 worker.progress_, worker.sink_, context) {}

  Chunk chunk;
  OpContext context;
  Action action;
  ChunkOutcomes outcomes;
  std::vector<ItemResult> results;        // of all objects; empty where nothing follows after the first step
  std::vector<std::string_view> records;  // of kept objects: Item::row as it came
  std::size_t next = 0;                   // the first object that no lane has taken
  std::size_t lanes = 0;                  // at work
  const store::Store* reads = nullptr;    // whose places bound the lanes
  const store::Store* writes = nullptr;   // likewise
  bool fresh = false;                     // something has arrived in this attempt
  std::vector<std::uint32_t> open;        // behind their first step and not settled, ascending
  std::vector<std::uint32_t> again;       // failed for a passing reason
  std::vector<std::uint32_t> left;        // left over by a drain
};

}  // namespace haul::job

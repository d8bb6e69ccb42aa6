// Works one chunk: each of its objects, many in parallel, to an outcome.
#pragma once

#include <cstdint>
#include <memory>

#include "job/chunk.h"
#include "job/job.h"
#include "job/outcome.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

// Thread safety: work() may be called from any shard, for different chunks. Refers to what it is given.
class Worker {
 public:
  Worker(const Job& job, Progress& progress, OutcomeSink& sink) : job_(job), progress_(progress), sink_(sink) {}

  // Never throws for a single object: its failure is an outcome. Once a drain is asked for, objects that have
  // not begun are counted as not attempted.
  Task<ChunkReport> work(Chunk chunk, OpContext context) const;

 private:
  struct ChunkWork;
  struct ItemResult;
  Task<> lane(ChunkWork& work, OpContext context) const;
  Task<> work_item(ChunkWork& work, const Item& item, OpContext& context) const;
  Task<ItemResult> copy_item(const Item& item, OpContext& context) const;
  Task<ItemResult> compare_item(const Item& item, OpContext& context) const;
  Task<std::optional<std::string>> unchanged_by_details(const Item& item, OpContext& context) const;
  Task<> remove_items(ChunkWork& work, std::vector<const Item*> items, bool after_move, OpContext& context) const;
  void settle(ChunkWork& work, const Item& item, ItemResult result) const;

  const Job& job_;
  Progress& progress_;
  OutcomeSink& sink_;
};

}  // namespace haul::job

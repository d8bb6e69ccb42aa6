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
#include "runtime/shard.h"
#include "runtime/task.h"

namespace haul::job {

// Thread safety: work() may be called from any shard, for different chunks. Refers to what it is given.
class Worker {
 public:
  Worker(const Job& job, Progress& progress, OutcomeSink& sink, Runtime& runtime)
      : job_(job), progress_(progress), sink_(sink), transfer_(runtime, job.options.transfer) {}

  // Never throws for a single object: its failure is an outcome. Once a drain is asked for, objects that have
  // not begun are counted as not attempted.
  Task<ChunkReport> work(Chunk chunk, OpContext context);

  std::uint64_t bytes_moved() const noexcept { return transfer_.bytes_moved(); }

 private:
  struct ChunkWork;
  struct ItemResult;
  struct Removal;
  Task<> lane(ChunkWork& work, OpContext context);
  Task<ItemResult> copy_item(const Item& item, OpContext& context);
  Task<ItemResult> compare_item(const Item& item, OpContext& context);
  Task<> remove_all(ChunkWork& work, OpContext& context);
  Task<> remove_moved(ChunkWork& work, OpContext& context);
  Task<> remove(ChunkWork& work, std::span<Removal> removals, OpContext& context);
  Task<> remove_batch(ChunkWork& work, std::span<Removal> removals, store::Store& store, OpContext& context);
  static void log_outcome(const ChunkWork& work, const Item& item, const ItemResult& result);
  void settle(ChunkWork& work, const Item& item, ItemResult result);
  store::Store& store_of(const Item& item) const;

  const Job& job_;
  Progress& progress_;
  OutcomeSink& sink_;
  transfer::Transfer transfer_;
};

}  // namespace haul::job

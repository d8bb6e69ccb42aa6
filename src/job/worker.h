// Works one chunk: each of its objects, many in parallel, to an outcome, or to another attempt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "job/catalogue_step.h"
#include "job/chunk.h"
#include "job/item_steps.h"
#include "job/job.h"
#include "job/lane_count.h"
#include "job/outcome.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "job/run_engine.h"
#include "runtime/context.h"
#include "runtime/shard.h"
#include "runtime/task.h"
#include "runtime/task_group.h"

namespace haul::job {

// Thread safety: work() may be called from any shard, for different chunks. Refers to what it is given.
class Worker {
 public:
  // Throws invalid_argument for a catalogue's statement with a parameter that nothing gives.
  Worker(const Job& job, RunEngine& engine, Progress& progress, OutcomeSink& sink, Runtime& runtime);

  // Never throws for a single object: its failure is an outcome, or, if it may pass and attempts are left,
  // the object is in the report's `rest`. Objects that have not begun when a drain comes are in `rest` as
  // well where the engine is durable, else they are counted as not attempted. Throws what the engine throws
  // for a stage that it cannot record: nothing that depends on it has been done then.
  //
  // The order, per chunk: objects copied and verified, and durable at the destination -> recorded -> the
  // catalogue names the copies, committed -> recorded -> the catalogue asked which sources rows still name ->
  // the other sources removed, in the state that was copied -> report. A chunk that comes back after any of
  // these is gone on with behind it, object by object; an object whose copy is not there any more as it was
  // written begins anew.
  //
  // A chunk that processes ended at while it was worked on alone is not begun: it is put back in halves, and
  // a single object is given up in the end (chunk.h says when).
  Task<ChunkReport> work(Chunk chunk, OpContext context);

  std::uint64_t bytes_moved() const noexcept { return steps_.bytes_moved(); }

 private:
  struct ChunkWork;
  void recall(ChunkWork& work) const;
  void recall_kept(ChunkWork& work) const;
  Task<> begin(ChunkWork& work, OpContext& context);
  void put_back_in_halves(ChunkWork& work, ChunkReport& report) const;
  void give_up(ChunkWork& work) const;
  Task<> clear_remains(ChunkWork& work, OpContext& context);
  void spawn_lane(ChunkWork& work, TaskGroup& group, const OpContext& context);
  Task<> work_along(Lane lane, ChunkWork& work, TaskGroup& group, OpContext context);
  bool follow_places(ChunkWork& work, TaskGroup& group, const OpContext& context);
  void note_arrival(ChunkWork& work, ItemResult& result) const;
  Task<bool> holds_still(const Item& item, ItemResult& result, OpContext& context) const;
  Task<> first_step(const Item& item, ItemResult& result, OpContext& context);
  Task<> look_at_kept(const Item& item, ItemResult& result, OpContext& context);
  Task<> secure_copies(ChunkWork& work, OpContext& context);
  Task<> update_catalogue(ChunkWork& work, OpContext& context);
  Task<> record_stage(ChunkWork& work, Stage stage, OpContext& context);
  Task<> end(ChunkWork& work, OpContext& context);
  Task<> look_for_names(ChunkWork& work, OpContext& context);
  Task<> confirm(ChunkWork& work, OpContext& context);
  Task<> confirm_lane(ChunkWork& work, std::size_t& next, OpContext context);
  Task<> remove(ChunkWork& work, OpContext& context);
  Task<> remove_batch(ChunkWork& work, std::span<const std::uint32_t> batch, OpContext& context);

  void settle(ChunkWork& work, std::size_t index, ItemResult& result) const;
  void settle_failed(ChunkWork& work) const;
  void settle_removal(ChunkWork& work, std::size_t index, std::optional<Error> error) const;
  void leave_over(ChunkWork& work, std::size_t index) const;
  void put_back_rest(ChunkWork& work, ChunkReport& report) const;
  Chunk part_of(const ChunkWork& work, std::span<const std::uint32_t> objects) const;

  OutcomeKind kind_at_end(const Item& item, const ItemResult& result) const noexcept;
  store::RemoveItem removal_of(const ChunkWork& work, std::size_t index) const;
  store::Store& store_of_removal(const Item& item) const;

  const Job& job_;
  RunEngine& engine_;
  Progress& progress_;
  OutcomeSink& sink_;
  ItemSteps steps_;
  std::optional<CatalogueStep> catalogue_;
  LaneCount lanes_;
};

}  // namespace haul::job

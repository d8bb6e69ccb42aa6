// The port behind which engines live: where the state of one run is kept and where its chunks wait.
//
// Durability rules: state before side effect, side effect before acknowledgement. Whatever returns here is
// durable (in engines that are). A step of discovery is one: its chunks, its accounts, its outcomes and the
// place to go on from become visible together or not at all. A chunk is done when its report is recorded, and
// counts once, however often it is recorded. A chunk may be given out twice, so every side effect of working
// it must be repeatable.
// Thread safety: used from all shards at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/chunk.h"
#include "job/outcome.h"
#include "job/run_status.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

// What discovery has found since its step before.
struct DiscoveryStep {
  std::vector<Chunk> chunks;  // their ids are given by the engine
  Accounts accounts;          // listed, filtered, and settled without work
  Ledger ledger;              // outcomes that discovery itself has settled
  std::optional<std::string>
      place;           // from where an equal discovery goes on; nothing: only from the place before
  bool first = false;  // discovery begins, or goes on: steps held without a place are forgotten
  bool last = false;   // everything is found
};

// Where discovery stands in the state.
struct DiscoveryState {
  std::optional<std::string> place;
  bool ended = false;
};

// What somebody else asks of a run that is going on.
enum class Wish : std::uint8_t { none, pause, cancel };

class RunEngine {
 public:
  virtual ~RunEngine() = default;

  virtual RunStatus status() const = 0;
  virtual Accounts accounts() const = 0;
  // Throws internal for a transition that is not in the table.
  virtual Task<> set_status(RunStatus status, OpContext& context) = 0;

  // Whether work that was begun by a process that is gone can be gone on with. False: discovery needs no
  // places, and what a drain leaves over is not attempted.
  virtual bool durable() const noexcept = 0;
  virtual DiscoveryState discovery() const = 0;

  // Queues the chunks of a step and records it, as one. Waits while the queue is full: discovery never runs
  // away from the work; but not while hold() is in force, when nobody makes room. False after cancel(); the
  // step is not recorded then.
  // Chunks with `extras` are held until release_extras(); discovery has counted them as `extra`. A step
  // without a place, in a durable engine, is held whole (accounts and ledger too) until a step with a place,
  // or the last, comes: what would be found a second time is not given out before. It is forgotten when a
  // step with `first` comes instead.
  virtual Task<bool> discovered(DiscoveryStep step, OpContext& context) = 0;

  // The next chunk. Waits for chunks that are put back for later; nothing once close() was called and every
  // chunk is done (held extras apart), or after hold() or cancel(). The chunk stays leased until its report
  // is recorded. One that kDeathsOfSuspect processes in a row ended at comes after close(), when
  // nothing else is queued or leased, and nothing else is given out beside it.
  virtual Task<std::optional<Chunk>> lease(OpContext& context) = 0;

  // A stage of a leased chunk: later attempts begin behind it. `facts` is for the worker's own use.
  virtual Task<> record_stage(std::uint64_t chunk, Stage stage, std::string facts, OpContext& context) = 0;

  // The chunk is done. The objects in its `rest` are put back for another attempt, after a time that grows
  // with their attempts, in the same transaction.
  virtual Task<> record(ChunkReport report, OpContext& context) = 0;

  // Makes the held extras of a sync leasable, or counts them as kept and forgets them. Repeatable.
  virtual Task<> release_extras(OpContext& context) = 0;
  virtual Task<> keep_extras(OpContext& context) = 0;

  // Discovery is over in this process, also when it failed: leases end once nothing is left.
  virtual void close() = 0;
  // Gives out nothing more for now: the run is to pause, or waits for approval. What is queued stays.
  virtual void hold() = 0;
  // Takes back close() and hold().
  virtual void reopen() = 0;
  // Gives up what is queued, put back or held: it is counted as not attempted, extras as kept.
  virtual Task<> cancel(OpContext& context) = 0;

  // What was asked for from outside, and whether the run was approved. Cheap; as of a second ago.
  virtual Wish wish() const = 0;
  virtual bool approved() const = 0;
};

}  // namespace haul::job

// The outcomes of one chunk on their way: into its accounts, the run's ledger, the display and the log.
#pragma once

#include <cstdint>
#include <optional>

#include "job/chunk.h"
#include "job/item_result.h"
#include "job/job.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "job/report.h"
#include "runtime/context.h"

namespace haul::job {

// Belongs to one shard. Refers to all that it is given.
class ChunkOutcomes {
 public:
  // ledger: nobody reads the ledger of a run that keeps none.
  ChunkOutcomes(const Job& job, const Chunk& chunk, bool ledger, Progress& progress, OutcomeSink& sink,
                const OpContext& context);

  // The end of an object in this run. Takes what it needs out of the result, which is worth nothing then.
  void settle(const Item& item, ItemResult& result);

  // For what has no outcome.
  Accounts& accounts() noexcept { return accounts_; }

  // Accounts and ledger of all that was settled.
  ChunkReport take();

 private:
  void count(const ItemResult& result);
  void log(const Item& item, const ItemResult& result) const;
  void tell(const Item& item, ItemResult& result);

  const Chunk& chunk_;
  Progress& progress_;
  OutcomeSink& sink_;
  const OpContext& context_;
  Accounts accounts_;
  std::optional<LedgerWriter> ledger_;
  Outcome outcome_;  // one for all, so that its texts keep their room
};

}  // namespace haul::job

// Whether what a ledger says of objects still holds in the stores.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/ledger_line.h"
#include "runtime/context.h"
#include "runtime/task.h"
#include "store/store.h"

namespace haul::job {

// One outcome of the ledger, and where it stands there.
struct RecordedOutcome {
  LedgerLine line;
  std::string place;  // "ledger-00001.jsonl line 3"
};

// Which identity reads it.
enum class RecordedSide : bool { source, destination };

// Gives the store of a place as the ledger names it ("s3://bucket", "/data"). Throws invalid_argument for one
// that it cannot make out. Called on one shard.
using StoreOfPlace =
    std::function<std::shared_ptr<store::Store>(RecordedSide side, const std::string& place)>;

// Whether the stores can tell anything about this outcome.
bool can_recheck(const Outcome& outcome) noexcept;

// What is otherwise than recorded, as sentences; nothing if all is right:
//   copied, moved      the destination is there, with the size, etag and checksum that were recorded
//   moved              the source is gone, unless it was to be kept
//   deleted            the object is gone
//   reverted           the source is there, the destination gone
// Throws what the stores throw.
Task<std::vector<std::string>> recheck_object(const RecordedOutcome& recorded, const StoreOfPlace& stores,
                                              OpContext& context);

}  // namespace haul::job

// A finished report, copied to where it is to be read: a prefix of a bucket, or any other store.
#pragma once

#include <string>

#include "runtime/context.h"
#include "runtime/task.h"
#include "store/store.h"

namespace haul::job {

// Writes the segments, the summary and, last, the manifest, which then names the bucket and the keys: who
// finds a manifest.json finds all that it lists. `prefix` ends in `/` or is empty. Repeatable: what is there
// already is written anew. Throws data_loss if a file is not what the manifest says, not_found if the report
// is not finished, and what the store throws.
Task<> publish_report(std::string directory, store::Store& store, std::string prefix, OpContext& context);

}  // namespace haul::job

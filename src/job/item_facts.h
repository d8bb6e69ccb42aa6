// What is known of objects before they are worked on.
#pragma once

#include "job/chunk.h"
#include "job/job.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

// Learns size, etag and time of objects that were given by their keys alone (the rows of a catalogue, a list
// of keys) from listings, where the keys lie so close that a page of a listing costs less than a look at each
// object. The others stay as they are, to be looked up one by one. A listing that fails is no failure.
Task<> learn_facts(const Job& job, Chunk& chunk, OpContext& context);

}  // namespace haul::job

// From settings and places to the job that the engine runs.
#pragma once

#include <memory>
#include <vector>

#include "app/places.h"
#include "app/settings.h"
#include "job/job.h"
#include "runtime/bandwidth.h"

namespace haul::app {

// Resolves the places of a command line, checks that they go together, and makes the job. Throws UsageError
// and Error before anything is changed. `bandwidth` is referred to by the job.
Task<job::Job> build_job(const Settings& settings, StoreFactory& stores, unsigned shard_count,
                         Bandwidth* bandwidth, OpContext& context);

// The options alone, without places.
job::Options job_options(const Settings& settings, unsigned shard_count, Bandwidth* bandwidth);

// What a destination cannot keep of what a source has and the user wants kept: "tags", "metadata" ...
std::vector<std::string> fidelity_losses(const transfer::Preserve& preserve,
                                         const store::Capabilities& source,
                                         const store::Capabilities& destination);

}  // namespace haul::app

// The catalogues of a job, opened: passwords fetched from where the job says.
#pragma once

#include <memory>
#include <string>

#include "base/env.h"
#include "catalog/catalog.h"
#include "job/spec.h"

namespace haul::app {

// By name, as the job describes it. Reads the password file or environment, or runs the command; blocks.
// Throws Error without the password in it.
std::shared_ptr<catalog::Catalog> open_job_catalog(const job::JobSpec& spec, const std::string& name,
                                                   const Env& env);

// The catalogue that the job's `catalog` section means.
std::string updated_catalog(const job::JobSpec& spec);

}  // namespace haul::app

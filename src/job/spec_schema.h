// docs/job-schema.json: the schema of job files for editors and for other programs, made from the table of
// keys (job/spec_keys.h) and the rules of operations (job/spec_rules.h). JSON Schema, draft 2020-12.
#pragma once

#include <string>

namespace haul::job {

std::string job_schema();

}  // namespace haul::job

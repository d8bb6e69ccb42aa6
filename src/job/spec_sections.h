// The keys of each section of a job file. Parts are the structs of spec.h that are named so.
#pragma once

#include "job/spec_keys.h"

namespace haul::job {

SpecSection side_keys();
SpecSection select_keys();
SpecSection filter_keys();
SpecSection mapping_keys();
SpecSection update_keys();   // catalog
SpecSection catalog_keys();  // of each in catalogs
SpecSection option_keys();
SpecSection chunk_keys();
SpecSection report_keys();

}  // namespace haul::job

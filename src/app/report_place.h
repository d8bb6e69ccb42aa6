// Where the report of a run is published: a directory, or a prefix of a bucket.
#pragma once

#include <string>

#include "app/session.h"
#include "app/settings.h"
#include "runtime/task.h"

namespace haul::app {

// Copies the files of a finished report below LOCATION/RUN/, verified, as the identity of the job's
// destination. Repeatable. Gives where they are now. Throws Error if any could not be copied.
Task<std::string> publish_report(Session& session, Settings settings, std::string directory,
                                 std::string location, std::string run);

}  // namespace haul::app

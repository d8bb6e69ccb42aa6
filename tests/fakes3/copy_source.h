// Where a copy comes from, as x-amz-copy-source says it.
#pragma once

#include <optional>
#include <string>

#include "request.h"

namespace haul::fakes3 {

struct CopySource {
  std::string bucket, key;
  std::optional<std::string> version;
  bool synthetic = false;
};

/// Throws Refusal for a source without bucket or key.
CopySource copy_source_of(const Request& request);

}  // namespace haul::fakes3

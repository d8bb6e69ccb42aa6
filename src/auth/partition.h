// The separate clouds that AWS consists of, told from a region's name.
#pragma once

#include <string_view>

namespace haul::auth {

struct Partition {
  std::string_view name;        // as in ARNs
  std::string_view dns_suffix;  // of endpoints
};

// Of an unknown region: the one of most.
constexpr Partition partition_of(std::string_view region) noexcept {
  if (region.starts_with("cn-")) return {"aws-cn", "amazonaws.com.cn"};
  if (region.starts_with("us-gov-")) return {"aws-us-gov", "amazonaws.com"};
  if (region.starts_with("us-isob-")) return {"aws-iso-b", "sc2s.sgov.gov"};
  if (region.starts_with("us-isof-")) return {"aws-iso-f", "csp.hci.ic.gov"};
  if (region.starts_with("eu-isoe-")) return {"aws-iso-e", "cloud.adc-e.uk"};
  if (region.starts_with("us-iso-")) return {"aws-iso", "c2s.ic.gov"};
  if (region.starts_with("eusc-")) return {"aws-eusc", "amazonaws.eu"};
  return {"aws", "amazonaws.com"};
}

}  // namespace haul::auth

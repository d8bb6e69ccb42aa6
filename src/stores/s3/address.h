// Which host a bucket is asked at, and where in the path its name stands.
#pragma once

#include <string>
#include <string_view>

#include "http/client.h"
#include "stores/s3/options.h"

namespace haul::s3 {

struct Address {
  http::Endpoint endpoint;
  std::string authority;    // the Host header
  std::string path_prefix;  // "/" or "/bucket/": what stands before the encoded key
  std::string bucket_path;  // "/" or "/bucket": requests to the bucket itself
};

// `bucket` may be empty, for requests to the service. Throws invalid_argument for a malformed endpoint or
// region.
Address resolve_address(const ServiceOptions& options, std::string_view bucket, std::string_view region);

// Whether the options lead to Amazon: there the whole protocol holds, elsewhere some care is taken.
bool is_amazon(const ServiceOptions& options);

// Names that can be part of a host name: lower case, no underscore, 3 to 63 characters.
bool can_be_host_label(std::string_view bucket);

}  // namespace haul::s3

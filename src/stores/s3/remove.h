// Removing objects, many in a request, and their tags.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// As Store::remove.
Task<std::vector<store::RemoveResult>> remove_objects(S3Bucket& bucket,
                                                      std::span<const store::RemoveItem> items,
                                                      OpContext& context);

// As Store::set_tags. An empty set removes all.
Task<> write_tags(S3Bucket& bucket, std::string key, store::Tags tags, OpContext& context);

}  // namespace haul::s3

// An object in one request.
#pragma once

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// As Store::write.
Task<store::Written> write_object(S3Bucket& bucket, std::string key, Body& body, store::WriteOptions options,
                                  OpContext& context);

}  // namespace haul::s3

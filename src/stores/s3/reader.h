// Reading objects: what they are, and their bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// As Store::stat and Store::read. `bucket` must outlive the reader.
Task<std::optional<store::Details>> head_object(S3Bucket& bucket, std::string key, store::ReadOptions options,
                                                OpContext& context);
Task<std::unique_ptr<store::Reader>> open_reader(S3Bucket& bucket, std::string key,
                                                 store::ReadOptions options, OpContext& context);

Task<store::Tags> read_tags(S3Bucket& bucket, std::string key, std::string version, OpContext& context);

}  // namespace haul::s3

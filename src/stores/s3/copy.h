// Copies within the service: the bytes do not come here.
#pragma once

#include <string>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// As Store::copy_from. Up to BucketOptions::max_single_copy in one request, above in parts.
Task<store::Written> copy_object(S3Bucket& from, std::string source_key, S3Bucket& to, std::string key,
                                 store::CopyOptions options, OpContext& context);

// x-amz-copy-source: /bucket/key, encoded, with the version.
std::string copy_source(const std::string& bucket, std::string_view key, std::string_view version);

// The size of parts: at least `preferred` bytes, and as much as makes 10,000 parts enough.
std::uint64_t copy_part_size(std::uint64_t size, std::uint64_t preferred);

}  // namespace haul::s3

// Which operation of S3 or STS a request is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "request.h"

namespace haul::fakes3 {

#define HAUL_FAKES3_OPERATIONS(X)                         \
  X(unknown, "Unknown")                                   \
  X(control, "Control")                                   \
  X(sts, "AssumeRole")                                    \
  X(list_buckets, "ListBuckets")                          \
  X(create_bucket, "CreateBucket")                        \
  X(delete_bucket, "DeleteBucket")                        \
  X(head_bucket, "HeadBucket")                            \
  X(get_bucket_location, "GetBucketLocation")             \
  X(get_bucket_versioning, "GetBucketVersioning")         \
  X(put_bucket_versioning, "PutBucketVersioning")         \
  X(bucket_configuration, "BucketConfiguration")          \
  X(list_objects, "ListObjects")                          \
  X(list_objects_v2, "ListObjectsV2")                     \
  X(list_object_versions, "ListObjectVersions")           \
  X(list_multipart_uploads, "ListMultipartUploads")       \
  X(delete_objects, "DeleteObjects")                      \
  X(get_object, "GetObject")                              \
  X(head_object, "HeadObject")                            \
  X(put_object, "PutObject")                              \
  X(copy_object, "CopyObject")                            \
  X(delete_object, "DeleteObject")                        \
  X(get_object_tagging, "GetObjectTagging")               \
  X(put_object_tagging, "PutObjectTagging")               \
  X(delete_object_tagging, "DeleteObjectTagging")         \
  X(create_multipart_upload, "CreateMultipartUpload")     \
  X(upload_part, "UploadPart")                            \
  X(upload_part_copy, "UploadPartCopy")                   \
  X(complete_multipart_upload, "CompleteMultipartUpload") \
  X(abort_multipart_upload, "AbortMultipartUpload")       \
  X(list_parts, "ListParts")

enum class Operation : std::uint8_t {
#define HAUL_FAKES3_ENUMERATOR(name, text) name,
  HAUL_FAKES3_OPERATIONS(HAUL_FAKES3_ENUMERATOR)
#undef HAUL_FAKES3_ENUMERATOR
};

constexpr std::size_t kOperations = static_cast<std::size_t>(Operation::list_parts) + 1;

/// As the S3 API spells it.
std::string_view operation_name(Operation operation);

/// Names the operation and sets the request's bucket and key, from the path or, below one of the domains,
/// from the host.
Operation route(Request& request, const std::vector<std::string>& domains);

}  // namespace haul::fakes3

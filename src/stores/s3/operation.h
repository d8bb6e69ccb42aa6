// The operations of the S3 API that the driver uses, by name and kind.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace haul::s3 {

enum class Operation : std::uint8_t {
  list_objects,
  list_object_versions,
  head_object,
  get_object,
  get_object_tagging,
  head_bucket,
  get_bucket_location,
  get_bucket_versioning,
  list_buckets,
  list_multipart_uploads,
  put_object,
  copy_object,
  create_multipart_upload,
  upload_part,
  upload_part_copy,
  complete_multipart_upload,
  abort_multipart_upload,
  delete_object,
  delete_objects,
  put_object_tagging,
  delete_object_tagging,
  restore_object,
  create_bucket,
  delete_bucket,
};

inline constexpr std::size_t kOperationCount = static_cast<std::size_t>(Operation::delete_bucket) + 1;

constexpr std::string_view to_string(Operation operation) noexcept {
  constexpr std::array<std::string_view, kOperationCount> kNames{
      "ListObjectsV2",         "ListObjectVersions",   "HeadObject",        "GetObject",
      "GetObjectTagging",      "HeadBucket",           "GetBucketLocation", "GetBucketVersioning",
      "ListBuckets",           "ListMultipartUploads", "PutObject",         "CopyObject",
      "CreateMultipartUpload", "UploadPart",           "UploadPartCopy",    "CompleteMultipartUpload",
      "AbortMultipartUpload",  "DeleteObject",         "DeleteObjects",     "PutObjectTagging",
      "DeleteObjectTagging",   "RestoreObject",        "CreateBucket",      "DeleteBucket"};
  return kNames[static_cast<std::size_t>(operation)];
}

// Reads and writes have separate limits: the service counts them apart, and a write whose body comes from a
// read of the same service could otherwise wait for itself.
constexpr bool is_read(Operation operation) noexcept {
  return operation <= Operation::list_multipart_uploads;
}

// Whether the time to the answer tells how busy the service is. It does not where the service works on many
// bytes before it answers.
constexpr bool is_prompt(Operation operation) noexcept {
  switch (operation) {
    case Operation::list_objects:
    case Operation::head_object:
    case Operation::get_object:
    case Operation::get_object_tagging:
    case Operation::put_object:
    case Operation::delete_object:
    case Operation::put_object_tagging: return true;
    default: return false;
  }
}

}  // namespace haul::s3

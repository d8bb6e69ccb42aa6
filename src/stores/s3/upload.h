// An object in parts (multipart upload).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "stores/s3/result_xml.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// As Store::begin_upload. `bucket` must outlive the upload.
Task<std::unique_ptr<store::Upload>> begin_upload(S3Bucket& bucket, std::string key,
                                                  store::WriteOptions options, OpContext& context);

// The steps, for whoever fills the parts in another way (copy.h).
struct UploadPlan {
  std::string key;
  std::string id;
  store::WriteMode mode = store::WriteMode::overwrite;
  std::string etag;  // with if_etag
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc64nvme;
  bool with_checksum = true;  // whether the service was told of it
  std::vector<std::string> losses;
};

// Asks for an upload. The checksum of the whole object is to be of `algorithm`, a CRC.
Task<UploadPlan> create_upload(S3Bucket& bucket, std::string key, const store::WriteOptions& options,
                               ChecksumAlgorithm algorithm, OpContext& context);

// `whole` is sent, and compared with what the service has, where there is one.
Task<store::Written> complete_upload(S3Bucket& bucket, const UploadPlan& plan,
                                     std::span<const UploadedPart> parts, std::uint64_t size,
                                     std::optional<Checksum> whole, OpContext& context);

// Success also if it is gone already.
Task<> abort_upload(S3Bucket& bucket, std::string key, std::string id, OpContext& context);

// The ETag that an object of these parts has where ETags are MD5s; empty where they are not.
std::string multipart_etag(std::span<const UploadedPart> parts);

// What parts can have: the configured one, or one that makes sums of sums.
ChecksumAlgorithm upload_algorithm(const BucketOptions& options);

}  // namespace haul::s3

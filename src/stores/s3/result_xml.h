// The smaller documents of the protocol: what is sent with a request, and what comes back.
//
// An answer to copy and complete may be an error under status 200 (the service answers before it knows):
// those parsers give the error instead of the result. All throw Error(unavailable) for malformed documents.
// They work in the memory of `body` and change it; results own their text.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/env.h"
#include "store/properties.h"
#include "store/store.h"
#include "stores/s3/errors.h"

namespace haul::s3 {

template <class T>
using Result = std::expected<T, ErrorDocument>;

// CompleteMultipartUploadResult, CopyObjectResult, CopyPartResult.
struct ObjectResult {
  std::string etag;  // without quotes; empty where the server left it out
  Checksums checksums;
};
Result<ObjectResult> parse_object_result(std::string& body);

Result<std::string> parse_upload_id(std::string& body);

struct DeleteFailure {
  std::string key, version, code, message;
};
Result<std::vector<DeleteFailure>> parse_delete_result(std::string& body);

Result<store::Tags> parse_tagging(std::string& body);

struct PendingUpload {
  std::string key, upload_id;
  Time initiated{};
};
struct PendingUploads {
  std::vector<PendingUpload> uploads;
  bool truncated = false;
  std::string key_marker, upload_id_marker;
};
Result<PendingUploads> parse_uploads(std::string& body);

struct BucketEntry {
  std::string name;
  Time created{};
};
struct BucketPage {
  std::vector<BucketEntry> buckets;
  std::string token;  // empty: the last page
};
Result<BucketPage> parse_buckets(std::string& body);

// The one text of a document: <LocationConstraint>, <VersioningConfiguration><Status>.
Result<std::string> parse_location_constraint(std::string& body);
Result<std::string> parse_versioning_status(std::string& body);

struct UploadedPart {
  std::string etag;                // as the server gave it
  std::vector<Checksum> checksum;  // one or none
};
std::string complete_document(std::span<const UploadedPart> parts);
// Keys must be ones that XML can carry.
std::string delete_document(std::span<const store::RemoveItem* const> items);
std::string tagging_document(const store::Tags& tags);
std::string create_bucket_document(std::string_view region);
std::string restore_document(unsigned days, std::string_view tier);

}  // namespace haul::s3

// What the command line asks of a service beside objects: buckets, versioning, abandoned uploads, restores.
// All throw Error as a Store does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "stores/s3/result_xml.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// All buckets of the identity. `service_bucket` is one made with an empty name.
Task<std::vector<BucketEntry>> list_buckets(S3Bucket& service_bucket, OpContext& context);

// Some services, and Amazon's us-east-1, answer `made` for a bucket that was there and is one's own.
enum class Created { made, was_mine };
// In the service's region, or in `region`. Throws already_exists if it is somebody else's.
Task<Created> create_bucket(S3Bucket& bucket, std::string region, OpContext& context);

// False if there was none. Throws precondition_failed if it holds objects, versions or uploads.
Task<bool> delete_bucket(S3Bucket& bucket, OpContext& context);

// Nothing if there is no such bucket. `region` is what the service says, else what was configured.
struct BucketHead {
  std::string region;
  bool accessible = true;  // false: it exists, and this identity must not look
};
Task<std::optional<BucketHead>> head_bucket(S3Bucket& bucket, OpContext& context);

Task<std::string> bucket_location(S3Bucket& bucket, OpContext& context);

// "" (never enabled), "Enabled" or "Suspended".
Task<std::string> versioning_status(S3Bucket& bucket, OpContext& context);

// One page of at most 1,000; go on with the markers of the one before.
Task<PendingUploads> list_uploads(S3Bucket& bucket, std::string prefix, std::string key_marker,
                                  std::string upload_id_marker, OpContext& context);

// Aborts the uploads to these keys that were begun after `after` and have not ended; gives their number.
Task<std::uint64_t> abort_remains(S3Bucket& bucket, std::vector<std::string_view> keys, Time after,
                                  OpContext& context);

// Starts restoring an archived object for `days` (0 where the class needs none). `tier`: Standard, Bulk,
// Expedited.
enum class Restore { started, already_restored, in_progress };
Task<Restore> restore_object(S3Bucket& bucket, std::string key, std::string version, unsigned days,
                             std::string tier, OpContext& context);

}  // namespace haul::s3

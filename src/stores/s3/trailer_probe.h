// Whether a service takes checksums behind the last byte of a body.
#pragma once

#include "stores/s3/upload.h"

namespace haul::s3 {

// Known of Amazon; of other services the first upload finds it out, with a first part of a few bytes, which
// the real one replaces: only a service that understands the framing answers with the checksum of what is
// framed. Not every service says so in words: some keep the framing as if it were content. `plan` is of an
// upload that has no parts yet.
Task<bool> takes_trailers(S3Bucket& bucket, const UploadPlan& plan, OpContext& context);

}  // namespace haul::s3

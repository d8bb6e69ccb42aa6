// Conditions of writes, and what a refusal means when an earlier answer was lost.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// If-None-Match or If-Match, as the mode says; and their statuses as answers. Throws invalid_argument for a
// condition without an etag.
void add_write_condition(Call& call, const S3Bucket& bucket, store::WriteMode mode, std::string_view etag);

// Whether an answer of 404, 409 or 412 says that the condition does not hold.
bool is_unmet(int status, store::WriteMode mode);

// What is known of the content that a write was to leave behind.
struct Intended {
  std::uint64_t size = 0;
  std::optional<Checksum> checksum;
  std::string etag;  // empty if not known
};

// Whether the object is what a write whose answer was lost was to leave behind. Says no where it cannot tell.
bool is_what_was_written(const store::Details& found, const Intended& intended);

}  // namespace haul::s3

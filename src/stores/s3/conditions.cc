#include "stores/s3/conditions.h"

#include "stores/s3/object_headers.h"

namespace haul::s3 {

void add_write_condition(Call& call, const S3Bucket& bucket, store::WriteMode mode, std::string_view etag) {
  switch (mode) {
    case store::WriteMode::overwrite: return;
    case store::WriteMode::create_only: call.headers.add("if-none-match", "*"); break;
    case store::WriteMode::if_etag:
      if (etag.empty())
        throw Error(ErrorClass::invalid_argument, "a write that depends on an etag was given none")
            .during(std::string(to_string(call.operation)))
            .on(bucket.describe(call.key));
      // Ceph compares the header with its bare value; Amazon wants it as it gives it.
      call.headers.add_kept("if-match",
                            bucket.service().amazon() ? quoted_etag(etag) : std::string(unquoted_etag(etag)));
      call.accept_too = 404;
      break;
  }
  call.accept = 412;
}

bool is_unmet(int status, store::WriteMode mode) {
  return status == 412 || (status == 404 && mode == store::WriteMode::if_etag);
}

bool is_what_was_written(const store::Details& found, const Intended& intended) {
  if (found.size != intended.size) return false;
  if (intended.checksum) {
    const Checksum* theirs = found.checksums.find(intended.checksum->algorithm());
    if (theirs != nullptr) return *theirs == *intended.checksum;
  }
  return !intended.etag.empty() && found.etag == intended.etag;
}

}  // namespace haul::s3

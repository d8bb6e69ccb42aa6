// The smaller documents of S3: each reader takes any of them, and an error under status 200 is never taken
// for a result.
#include <string>

#include "base/error.h"
#include "fuzz_input.h"
#include "stores/s3/errors.h"
#include "stores/s3/result_xml.h"

namespace {

using namespace haul;

template <class Parse>
void read(std::string_view document, Parse parse) {
  std::string body(document);
  fuzz::accepts({ErrorClass::unavailable}, [&] { (void)parse(body); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view document = fuzz::text_of(data, size);
  read(document, s3::parse_object_result);
  read(document, s3::parse_upload_id);
  read(document, s3::parse_delete_result);
  read(document, s3::parse_uploads);
  read(document, s3::parse_buckets);
  read(document, s3::parse_location_constraint);
  read(document, s3::parse_versioning_status);
  read(document, [](std::string& body) {
    const auto tags = s3::parse_tagging(body);
    if (!tags) return;
    // Tags that were read can be sent and read again.
    std::string again = s3::tagging_document(*tags);
    const auto read_again = s3::parse_tagging(again);
    fuzz::check(read_again && *read_again == *tags);
  });
  std::string body(document);
  const auto error = s3::parse_error_document(body);
  if (error) {
    for (const int status : {200, 301, 403, 503}) {
      const s3::Answer answer{.status = status};
      (void)s3::make_error(answer, *error, "GetObject", "s3://bucket/key");
      (void)s3::remedy_for(answer, *error, "GetObject");
    }
    std::string result(document);
    bool refused = true;
    fuzz::accepts({ErrorClass::unavailable}, [&] { refused = !s3::parse_object_result(result); });
    fuzz::check(refused);
  }
  return 0;
}

#include "stores/s3/trailer_probe.h"

#include <array>
#include <optional>
#include <string>

#include "stores/s3/object_headers.h"
#include "stores/s3/outgoing_body.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kProbeAnswerLimit = 1 << 20;

Task<Finding> try_trailer(S3Bucket& bucket, const UploadPlan& plan, OpContext& context) {
  Call call = bucket.make_call(Operation::upload_part, "PUT", plan.key);
  call.query.add("partNumber", "1").add("uploadId", plan.id);
  add_customer_key(call.headers, bucket.options().encryption);
  constexpr std::array kContent{std::byte{'h'}, std::byte{'a'}, std::byte{'u'}, std::byte{'l'}};
  MemoryBody content(kContent);
  HashingBody in_pieces(content, plan.algorithm);
  OutgoingBody outgoing(bucket, in_pieces, plan.algorithm, std::nullopt);
  outgoing.attach(call, true);
  try {
    const Document document = co_await bucket.send_for_document(call, kProbeAnswerLimit, context);
    co_return outgoing.confirmed_by(document) ? Finding::yes : Finding::no;
  } catch (const Error& error) {
    const bool vanished = error.error_class() == ErrorClass::data_loss && !error.retryable();
    if (error.error_class() == ErrorClass::cancelled || vanished) throw;  // neither is an answer
    context.log().log(LogLevel::debug, "a checksum behind the bytes was not taken",
                      {{"error", std::string_view(error.what())}});
    // A service that is busy tells nothing: the next upload asks again.
    co_return error.error_class() == ErrorClass::throttled ? Finding::unknown : Finding::no;
  }
}

}  // namespace

Task<bool> takes_trailers(S3Bucket& bucket, const UploadPlan& plan, OpContext& context) {
  Probe& probe = bucket.service().trailers();
  if (probe.known() == Finding::unknown) {
    if (Probe::Turn turn(probe); turn) {
      const Finding finding = co_await try_trailer(bucket, plan, context);
      if (finding != Finding::unknown) turn.found(finding);
    } else {
      co_await probe.ended(context);
    }
  }
  co_return probe.known() == Finding::yes;
}

}  // namespace haul::s3

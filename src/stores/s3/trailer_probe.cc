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
    const bool damaged = error.error_class() == ErrorClass::data_loss;
    // Stopped, or the upload has vanished: neither is an answer.
    if (error.error_class() == ErrorClass::cancelled || (damaged && !error.retryable())) throw;
    // A service that is busy, or a line that broke, tells nothing: the next upload asks again.
    co_return error.retryable() && !damaged ? Finding::unknown : Finding::no;
  }
}

}  // namespace

Task<bool> takes_trailers(S3Bucket& bucket, const UploadPlan& plan, OpContext& context) {
  Probe& probe = bucket.service().trailers();
  while (probe.known() == Finding::unknown) {
    Probe::Turn turn(probe);
    if (!turn) {
      co_await probe.ended(context);
      continue;
    }
    const Finding finding = co_await try_trailer(bucket, plan, context);
    if (finding == Finding::unknown) co_return false;
    turn.found(finding);
  }
  co_return probe.known() == Finding::yes;
}

}  // namespace haul::s3

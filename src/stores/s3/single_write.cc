#include "stores/s3/single_write.h"

#include "stores/s3/conditions.h"
#include "stores/s3/object_headers.h"
#include "stores/s3/outgoing_body.h"
#include "stores/s3/reader.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kPutAnswerLimit = 1 << 20;
constexpr int kBadDigests = 2;  // the second time it is not the line that changes the bytes

struct Put {
  S3Bucket& bucket;
  Call& call;
  OutgoingBody& outgoing;
  bool uncertain = false;  // an attempt failed whose request may have arrived
  int bad_digests = 0;
  bool verified = false;
};

Task<Document> try_put(Put& put, OpContext& context) {
  try {
    Document document = co_await put.bucket.send_for_document(put.call, kPutAnswerLimit, context);
    if (document.status < 300) put.verified = put.outgoing.confirmed_by(document);
    co_return document;
  } catch (const Error& error) {
    put.uncertain = true;
    if (error.error_class() == ErrorClass::data_loss && ++put.bad_digests == kBadDigests)
      throw error.with_retryable(false);
    throw;
  }
}

// MD5 is slow, and only wanted after an answer was lost.
std::string expected_etag(const Body& body) {
  if (body.memory().empty() && body.size() > 0) return {};
  return checksum_of(ChecksumAlgorithm::md5, body.memory()).hex();
}

}  // namespace

Task<store::Written> write_object(S3Bucket& bucket, std::string key, Body& body, store::WriteOptions options,
                                  OpContext& context) {
  store::Written written;
  Call call = bucket.make_call(Operation::put_object, "PUT", key);
  std::optional<OutgoingBody> outgoing;
  try {
    if (options.properties != nullptr) {
      add_properties(call.headers, *options.properties, written.losses);
      if (options.properties->tags) add_tags(call.headers, *options.properties->tags);
    }
    add_settings(call.headers, bucket.options(), options.storage_class);
    add_write_condition(call, bucket, options.mode, options.etag);
    outgoing.emplace(bucket, body, bucket.options().checksum, options.checksum);
    outgoing->attach(call);
  } catch (const Error& error) {
    throw error.during(std::string(to_string(Operation::put_object))).on(bucket.describe(key));
  }

  Put put{.bucket = bucket, .call = call, .outgoing = *outgoing};
  const Replay replay = body.replayable() ? Replay::safe : Replay::unsafe;
  const Document document = co_await with_retry(context, bucket.retry_policy(), replay,
                                                [&put, &context] { return try_put(put, context); });
  written.size = body.size();
  if (is_unmet(document.status, options.mode)) {
    written.condition_failed = true;
    if (!put.uncertain) co_return written;
    // Perhaps it was this very write that came before.
    const auto found = co_await head_object(bucket, key, {}, context);
    const Intended intended{
        .size = body.size(), .checksum = outgoing->checksum(), .etag = expected_etag(body)};
    if (!found || !is_what_was_written(*found, intended)) co_return written;
    written.condition_failed = false;
    written.server_verified = true;
    written.etag = found->etag;
    written.version = found->version;
    written.checksums = found->checksums;
    co_return written;
  }
  written.etag = document.etag;
  written.version = document.version;
  written.server_verified = put.verified;
  if (const auto checksum = outgoing->checksum()) written.checksums.put(*checksum);
  co_return written;
}

}  // namespace haul::s3

#include "stores/s3/s3_admin.h"

#include <algorithm>

#include "stores/s3/upload.h"

namespace haul::s3 {
namespace {

constexpr Duration kClocksApart = std::chrono::minutes(15);  // what services accept of a request

constexpr std::size_t kAdminAnswerLimit = 16 << 20;

// The document as `parse` reads it, from an answer that is asked for as often as it takes.
template <class T>
Task<T> ask(S3Bucket& bucket, Call& call, Result<T> (*parse)(std::string&), OpContext& context) {
  Document document = co_await with_retry(
      context, bucket.retry_policy(), Replay::safe,
      [&bucket, &call, &context] { return bucket.send_for_document(call, kAdminAnswerLimit, context); });
  auto result = parse(document.body);
  if (!result) throw bucket.error_of(call, document, result.error());
  co_return std::move(*result);
}

}  // namespace

Task<std::vector<BucketEntry>> list_buckets(S3Bucket& service_bucket, OpContext& context) {
  std::vector<BucketEntry> all;
  std::string token;
  do {
    Call call = service_bucket.make_call(Operation::list_buckets, "GET", {});
    if (!token.empty()) call.query.add("continuation-token", token);
    BucketPage page = co_await ask(service_bucket, call, parse_buckets, context);
    if (!page.token.empty() && page.token == token)
      throw Error(ErrorClass::data_loss, "the service's list of buckets does not end")
          .during(std::string(to_string(Operation::list_buckets)))
          .on(service_bucket.describe({}));
    token = std::move(page.token);
    std::ranges::move(page.buckets, std::back_inserter(all));
  } while (!token.empty());
  co_return all;
}

Task<Created> create_bucket(S3Bucket& bucket, std::string region, OpContext& context) {
  if (region.empty()) region = bucket.region(context);
  // Where nothing is said it is made in the oldest region, whose name must not be said; other services have
  // names of their own or none.
  const bool say = bucket.service().amazon()
                       ? region != "us-east-1"
                       : !bucket.service().options().region.empty() && region != "us-east-1";
  const std::string text = say ? create_bucket_document(region) : std::string();
  MemoryBody body(as_bytes(text));
  Call call = say ? bucket.make_document_call(Operation::create_bucket, "PUT", {}, body)
                  : bucket.make_call(Operation::create_bucket, "PUT", {});
  call.headers.add_if("x-amz-acl", bucket.options().acl);
  try {
    co_await bucket.request(std::move(call), Replay::safe, kAdminAnswerLimit, context);
  } catch (const Error& error) {
    if (error.code() != "BucketAlreadyOwnedByYou") throw;
    co_return Created::was_mine;
  }
  co_return Created::made;
}

Task<bool> delete_bucket(S3Bucket& bucket, OpContext& context) {
  try {
    co_await bucket.request(bucket.make_call(Operation::delete_bucket, "DELETE", {}), Replay::safe,
                            kAdminAnswerLimit, context);
  } catch (const Error& error) {
    if (error.code() != "NoSuchBucket") throw;
    co_return false;
  }
  co_return true;
}

Task<std::optional<BucketHead>> head_bucket(S3Bucket& bucket, OpContext& context) {
  Call call = bucket.make_call(Operation::head_bucket, "HEAD", {});
  call.accept = 404;
  try {
    const Document document =
        co_await bucket.request(std::move(call), Replay::safe, kAdminAnswerLimit, context);
    if (document.status == 404) co_return std::nullopt;
    const std::string& region = document.answer.bucket_region;
    co_return BucketHead{.region = region.empty() ? bucket.region(context) : region};
  } catch (const Error& error) {
    if (error.error_class() != ErrorClass::permission_denied) throw;
  }
  co_return BucketHead{.region = bucket.region(context), .accessible = false};
}

Task<std::string> bucket_location(S3Bucket& bucket, OpContext& context) {
  Call call = bucket.make_call(Operation::get_bucket_location, "GET", {});
  call.query.add("location");
  co_return co_await ask(bucket, call, parse_location_constraint, context);
}

Task<std::string> versioning_status(S3Bucket& bucket, OpContext& context) {
  Call call = bucket.make_call(Operation::get_bucket_versioning, "GET", {});
  call.query.add("versioning");
  co_return co_await ask(bucket, call, parse_versioning_status, context);
}

Task<PendingUploads> list_uploads(S3Bucket& bucket, std::string prefix, std::string key_marker,
                                  std::string upload_id_marker, OpContext& context) {
  Call call = bucket.make_call(Operation::list_multipart_uploads, "GET", {});
  call.query.add("uploads");
  // Ceph encodes the keys when asked to and does not say so in its answer.
  if (bucket.service().amazon()) call.query.add("encoding-type", "url");
  if (!prefix.empty()) call.query.add("prefix", prefix);
  if (!key_marker.empty()) call.query.add("key-marker", key_marker);
  if (!upload_id_marker.empty()) call.query.add("upload-id-marker", upload_id_marker);
  PendingUploads page = co_await ask(bucket, call, parse_uploads, context);
  if (page.truncated && page.key_marker == key_marker && page.upload_id_marker == upload_id_marker)
    throw Error(ErrorClass::data_loss, "the service's list of uploads does not end")
        .during(std::string(to_string(Operation::list_multipart_uploads)))
        .on(bucket.describe(prefix));
  co_return page;
}

Task<std::uint64_t> abort_remains(S3Bucket& bucket, std::vector<std::string_view> keys, Time after,
                                  OpContext& context) {
  if (keys.empty()) co_return 0;
  std::ranges::sort(keys);
  // Sorted, what the first and the last have in common all have.
  const auto ends = std::ranges::mismatch(keys.front(), keys.back());
  const std::string prefix(keys.front().begin(), ends.in1);
  std::uint64_t aborted = 0;
  PendingUploads page;
  do {
    page = co_await list_uploads(bucket, prefix, page.key_marker, page.upload_id_marker, context);
    for (const PendingUpload& upload : page.uploads) {
      if (upload.initiated < after - kClocksApart ||
          !std::ranges::binary_search(keys, std::string_view(upload.key)))
        continue;
      co_await abort_upload(bucket, upload.key, upload.upload_id, context);
      ++aborted;
    }
  } while (page.truncated);
  co_return aborted;
}

Task<Restore> restore_object(S3Bucket& bucket, std::string key, std::string version, unsigned days,
                             std::string tier, OpContext& context) {
  const std::string text = restore_document(days, tier);
  MemoryBody body(as_bytes(text));
  Call call = bucket.make_document_call(Operation::restore_object, "POST", key, body);
  call.query.add("restore");
  if (!version.empty()) call.query.add("versionId", version);
  try {
    const Document document =
        co_await bucket.request(std::move(call), Replay::safe, kAdminAnswerLimit, context);
    co_return document.status == 202 ? Restore::started : Restore::already_restored;
  } catch (const Error& error) {
    if (error.code() != "RestoreAlreadyInProgress") throw;
  }
  co_return Restore::in_progress;
}

}  // namespace haul::s3

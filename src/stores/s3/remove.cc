#include "stores/s3/remove.h"

#include <algorithm>

#include "stores/s3/object_headers.h"
#include "stores/s3/result_xml.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kRemoveAnswerLimit = 8 << 20;  // a thousand failures, each with key and message

bool is_gone(std::string_view code) {
  return code == "NoSuchKey" || code == "NoSuchVersion";
}

// A condition on the state of an object that did not hold.
Error as_removal_error(const Error& error) {
  if (error.error_class() != ErrorClass::precondition_failed || error.code() == "BucketNotEmpty")
    return error;
  return Error(ErrorClass::source_changed, "the object is no longer the one that was meant")
      .during(error.operation())
      .on(error.subject())
      .with_code(error.code(), error.http_status())
      .with_request_id(error.request_id());
}

struct Removal {
  S3Bucket& bucket;
  std::vector<const store::RemoveItem*> pending;
  std::vector<std::optional<Error>*> results;  // of those pending
  bool answered = false;                       // some attempt told about each key
};

Error failure_of(const S3Bucket& bucket, const Call& call, const Document& document,
                 const DeleteFailure& failure, std::string_view key) {
  ErrorDocument error;
  error.code = failure.code;
  error.message = failure.message;
  Answer answer = document.answer;
  return make_error(answer, error, std::string(to_string(call.operation)), bucket.describe(key));
}

// Removes all that are pending; keeps pending those that may succeed another time, and throws for them.
Task<> try_remove(Removal& removal, OpContext& context) {
  const std::string text = delete_document(removal.pending);
  MemoryBody body(as_bytes(text));
  Call call = removal.bucket.make_document_call(Operation::delete_objects, "POST", {}, body);
  call.query.add("delete");
  Document document = co_await removal.bucket.send_for_document(call, kRemoveAnswerLimit, context);
  auto failures = parse_delete_result(document.body);
  if (!failures) throw removal.bucket.error_of(call, document, failures.error());
  removal.answered = true;

  std::vector<const store::RemoveItem*> again;
  std::vector<std::optional<Error>*> again_results;
  std::optional<Error> passing;
  for (std::size_t i = 0; i < removal.pending.size(); ++i) {
    const store::RemoveItem& item = *removal.pending[i];
    removal.results[i]->reset();
    const auto failure = std::ranges::find_if(*failures, [&item](const DeleteFailure& f) {
      return f.key == item.key && (item.version.empty() || f.version.empty() || f.version == item.version);
    });
    if (failure == failures->end() || is_gone(failure->code)) continue;
    const Error error = failure_of(removal.bucket, call, document, *failure, item.key);
    *removal.results[i] = as_removal_error(error);
    if (!error.retryable()) continue;
    again.push_back(&item);
    again_results.push_back(removal.results[i]);
    if (!passing) passing = error;
  }
  removal.pending = std::move(again);
  removal.results = std::move(again_results);
  if (passing) throw *passing;
}

Task<> remove_many(Removal& removal, OpContext& context) {
  try {
    co_await with_retry(context, removal.bucket.retry_policy(), Replay::safe,
                        [&removal, &context] { return try_remove(removal, context); });
  } catch (const Error& error) {
    // Those that were told about have their results; the rest failed with the request.
    if (!removal.answered) throw;
    for (std::optional<Error>* result : removal.results)
      if (!*result) *result = error;
  }
}

Task<> remove_one(S3Bucket& bucket, const store::RemoveItem& item, std::optional<Error>& result,
                  OpContext& context) {
  Call call = bucket.make_call(Operation::delete_object, "DELETE", item.key);
  if (!item.version.empty()) call.query.add("versionId", item.version);
  if (!item.etag.empty()) call.headers.add_kept("if-match", quoted_etag(item.etag));
  try {
    co_await bucket.request(std::move(call), Replay::safe, kRemoveAnswerLimit, context);
  } catch (const Error& error) {
    if (error.error_class() == ErrorClass::cancelled) throw;
    if (!is_gone(error.code())) result = as_removal_error(error);
  }
}

}  // namespace

Task<std::vector<store::RemoveResult>> remove_objects(S3Bucket& bucket,
                                                      std::span<const store::RemoveItem> items,
                                                      OpContext& context) {
  std::vector<store::RemoveResult> results(items.size());
  Removal removal{.bucket = bucket};
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].key.empty()) {
      results[i].error = Error(ErrorClass::invalid_argument, "an empty key")
                             .during(std::string(to_string(Operation::delete_object)))
                             .on(bucket.describe({}));
      continue;
    }
    if (items.size() == 1 || !xml_can_carry(items[i].key)) {
      co_await remove_one(bucket, items[i], results[i].error, context);
      continue;
    }
    removal.pending.push_back(&items[i]);
    removal.results.push_back(&results[i].error);
  }
  if (!removal.pending.empty()) co_await remove_many(removal, context);
  co_return results;
}

Task<> write_tags(S3Bucket& bucket, std::string key, store::Tags tags, OpContext& context) {
  if (tags.empty()) {
    Call call = bucket.make_call(Operation::delete_object_tagging, "DELETE", key);
    call.query.add("tagging");
    co_await bucket.request(std::move(call), Replay::safe, kRemoveAnswerLimit, context);
    co_return;
  }
  const std::string text = tagging_document(tags);
  MemoryBody body(as_bytes(text));
  Call call = bucket.make_document_call(Operation::put_object_tagging, "PUT", key, body);
  call.query.add("tagging");
  co_await bucket.request(std::move(call), Replay::safe, kRemoveAnswerLimit, context);
}

}  // namespace haul::s3

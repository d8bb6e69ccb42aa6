#include "stores/s3/remove.h"

#include <algorithm>

#include "runtime/task_group.h"
#include "stores/s3/object_headers.h"
#include "stores/s3/result_xml.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kSingleAtOnce = 32;
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

Task<> remove_rest(Removal& removal, std::size_t& next, OpContext& context) {
  while (next < removal.pending.size()) {
    const std::size_t i = next++;
    co_await remove_one(removal.bucket, *removal.pending[i], *removal.results[i], context);
  }
}

// False if the first one is denied as well: then it is not for the kind of request.
Task<bool> remove_one_by_one(Removal& removal, OpContext& context) {
  co_await remove_one(removal.bucket, *removal.pending.front(), *removal.results.front(), context);
  const std::optional<Error>& first = *removal.results.front();
  if (first && first->error_class() == ErrorClass::permission_denied) co_return false;
  std::size_t next = 1;
  TaskGroup group(context.executor());
  const auto workers = std::min(kSingleAtOnce, removal.pending.size() - 1);
  for (std::size_t i = 0; i < workers; ++i)
    group.spawn(remove_rest(removal, next, context));
  co_await group.join();
  co_return true;
}

Task<> remove_many(Removal& removal, OpContext& context) {
  std::optional<Error> denied;
  try {
    co_await with_retry(context, removal.bucket.retry_policy(), Replay::safe,
                        [&removal, &context] { return try_remove(removal, context); });
  } catch (const Error& error) {
    if (!removal.answered && error.error_class() != ErrorClass::permission_denied) throw;
    if (!removal.answered) denied = error;
    // Those that were told about have their results; the rest failed with the request.
    for (std::optional<Error>* result : removal.results)
      if (!denied && !*result) *result = error;
  }
  // Ceph asks for a right on the whole bucket for this request; whoever may delete below a prefix alone can
  // do so one by one.
  if (denied && !co_await remove_one_by_one(removal, context)) throw *denied;
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

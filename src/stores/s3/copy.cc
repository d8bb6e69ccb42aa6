#include "stores/s3/copy.h"

#include <algorithm>
#include <exception>

#include "base/encoding.h"
#include "runtime/task_group.h"
#include "stores/s3/conditions.h"
#include "stores/s3/object_headers.h"
#include "stores/s3/reader.h"
#include "stores/s3/remove.h"
#include "stores/s3/result_xml.h"
#include "stores/s3/upload.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kCopyAnswerLimit = 1 << 20;
constexpr std::uint64_t kMostParts = 10'000;
constexpr std::uint64_t kLargestPart = 5ULL << 30;
constexpr std::uint64_t kPromptCopy = 8 << 20;  // beyond, the answer waits for the bytes, not for the queue
constexpr std::string_view kNoEtag = "\"00000000000000000000000000000000-0\"";

// One copy, from whole or in parts.
struct Job {
  S3Bucket& from;
  S3Bucket& to;
  std::string source_key;
  std::string key;
  store::CopyOptions options;

  Error named(const Error& error, Operation operation = Operation::copy_object) const {
    return error.during(std::string(to_string(operation))).on(to.describe(key));
  }
  Error changed() const {
    return Error(ErrorClass::source_changed, "the object is no longer the one that was listed")
        .during(std::string(to_string(Operation::copy_object)))
        .on(from.describe(source_key))
        .with_hint("run the command again when nothing writes to it");
  }
};

void add_source(Call& call, const Job& job, std::string_view etag) {
  call.headers.add_kept("x-amz-copy-source",
                        copy_source(job.from.name(), job.source_key, job.options.source.version));
  if (!etag.empty()) call.headers.add_kept("x-amz-copy-source-if-match", quoted_etag(etag));
  call.headers.add_if("x-amz-source-expected-bucket-owner", job.from.options().expected_owner);
  add_copy_source_customer_key(call.headers, job.from.options().encryption);
}

// A copy onto itself is refused by the service unless it changes something.
void check_not_itself(const Job& job) {
  const store::WriteOptions& write = job.options.write;
  if (job.from.name() != job.to.name() || job.source_key != job.key || !job.options.source.version.empty())
    return;
  if (write.properties != nullptr || !write.storage_class.empty() ||
      !job.to.options().storage_class.empty() || job.to.options().encryption.kind != EncryptionKind::none)
    return;
  throw job.named(Error(ErrorClass::invalid_argument,
                        "source and destination are the same object, and nothing is to change"));
}

Call make_copy_call(const Job& job, std::vector<std::string>& losses) {
  const store::WriteOptions& write = job.options.write;
  Call call = job.to.make_call(Operation::copy_object, "PUT", job.key);
  if (write.properties != nullptr) {
    call.headers.add("x-amz-metadata-directive", "REPLACE");
    add_properties(call.headers, *write.properties, losses);
    if (write.properties->tags) {
      call.headers.add("x-amz-tagging-directive", "REPLACE");
      add_tags(call.headers, *write.properties->tags);
    }
  }
  add_settings(call.headers, job.to.options(), write.storage_class);
  add_write_condition(call, job.to, write.mode, write.etag);
  call.prompt = job.options.source_size <= kPromptCopy;
  return call;
}

struct Attempt {
  const Job& job;
  Call& call;
  bool uncertain = false;
  Document document;
  ObjectResult result;
};

Task<> try_copy(Attempt& attempt, OpContext& context) {
  try {
    attempt.document = co_await attempt.job.to.send_for_document(attempt.call, kCopyAnswerLimit, context);
    if (attempt.document.status >= 300) co_return;
    auto result = parse_object_result(attempt.document.body);
    if (!result) throw attempt.job.to.error_of(attempt.call, attempt.document, result.error());
    attempt.result = std::move(*result);
  } catch (const Error& error) {
    attempt.uncertain = true;
    if (error.operation().empty()) throw attempt.job.named(error, attempt.call.operation);
    throw;
  }
}

Task<> run(Attempt& attempt, OpContext& context) {
  return with_retry(context, attempt.job.to.retry_policy(), Replay::safe,
                    [&attempt, &context] { return try_copy(attempt, context); });
}

// Throws source_changed or not_found unless the source is in the state that is meant.
Task<store::Details> check_source(const Job& job, OpContext& context) {
  auto details = co_await head_object(job.from, job.source_key, {.pin = job.options.source}, context);
  if (!details)
    throw Error(ErrorClass::not_found, "the source of the copy is gone")
        .during(std::string(to_string(Operation::copy_object)))
        .on(job.from.describe(job.source_key));
  const std::string_view wanted = unquoted_etag(job.options.source.etag);
  if (!wanted.empty() && details->etag != wanted) throw job.changed();
  co_return std::move(*details);
}

// 412 may be about the source or about the destination.
Task<store::Written> judge_refusal(const Job& job, bool uncertain, store::Written written,
                                   OpContext& context) {
  if (job.options.write.mode == store::WriteMode::overwrite) throw job.changed();
  const auto found = co_await head_object(job.to, job.key, {}, context);
  const std::string_view source_etag = unquoted_etag(job.options.source.etag);
  if (uncertain && found && !source_etag.empty() && found->etag == source_etag &&
      found->size == job.options.source_size) {
    written.etag = found->etag;
    written.version = found->version;
    written.size = found->size;
    co_return written;
  }
  const bool met = job.options.write.mode == store::WriteMode::create_only
                       ? !found.has_value()
                       : found && found->etag == unquoted_etag(job.options.write.etag);
  if (met) throw job.changed();
  written.condition_failed = true;
  co_return written;
}

// Services that do not know the tagging directive keep the source's tags: what was asked for is set
// afterwards.
bool may_ignore_tags(const Job& job) {
  const store::Properties* properties = job.options.write.properties;
  return !job.to.service().amazon() && properties != nullptr && properties->tags;
}

Task<store::Written> copy_whole(Job& job, OpContext& context) {
  store::Written written;
  const std::string pin(unquoted_etag(job.options.source.etag));
  S3Service& service = job.to.service();
  // Not every service heeds the condition on a copy; looking first narrows the gap to nearly nothing.
  if (job.options.write.mode == store::WriteMode::create_only && !service.amazon() &&
      (co_await head_object(job.to, job.key, {}, context)).has_value()) {
    written.condition_failed = true;
    co_return written;
  }

  Probe& probe = service.copy_conditions();
  std::optional<Probe::Turn> turn;
  Finding heeded = Finding::yes;
  if (!pin.empty()) {
    heeded = probe.known();
    while (heeded == Finding::unknown && !turn.emplace(probe)) {
      co_await probe.ended(context);
      heeded = probe.known();
    }
  }
  if (heeded != Finding::yes) co_await check_source(job, context);
  std::optional<Document> done;
  ObjectResult result;
  bool uncertain = false;
  if (heeded == Finding::unknown) {
    // A condition that cannot hold: who heeds it refuses, and who does not has made the copy that was wanted.
    std::vector<std::string> ignored;
    Call impossible = make_copy_call(job, ignored);
    impossible.accept = 412;
    add_source(impossible, job, kNoEtag);
    Attempt attempt{.job = job, .call = impossible};
    co_await run(attempt, context);
    heeded = attempt.document.status == 412 ? Finding::yes : Finding::no;
    turn->found(heeded);
    if (heeded == Finding::no) {
      done = std::move(attempt.document);
      result = std::move(attempt.result);
    }
  }
  Call call = make_copy_call(job, written.losses);
  if (!done) {
    call.accept = 412;
    add_source(call, job, pin);
    Attempt attempt{.job = job, .call = call};
    co_await run(attempt, context);
    uncertain = attempt.uncertain;
    done = std::move(attempt.document);
    result = std::move(attempt.result);
  }
  if (is_unmet(done->status, job.options.write.mode))
    co_return co_await judge_refusal(job, uncertain, std::move(written), context);

  written.etag = result.etag;
  written.version = done->version;
  written.checksums = result.checksums;
  written.size = job.options.source_size;
  const bool same_etag = !pin.empty() && result.etag == pin;
  written.server_verified = same_etag || !result.checksums.empty();
  // Without the condition, an ETag that differs may be another encryption or another state of the source.
  if (heeded == Finding::no && !same_etag) co_await check_source(job, context);
  if (may_ignore_tags(job))
    co_await write_tags(job.to, job.key, *job.options.write.properties->tags, context);
  co_return written;
}

// A service that has said nothing of the bytes it copied (the parts of the source gave it another etag, and
// it keeps no checksums) is asked what lies there now.
Task<> look_at_arrival(const Job& job, store::Written& written, OpContext& context) {
  store::ReadOptions look;
  look.pin.version = written.version;
  const auto found = co_await head_object(job.to, job.key, std::move(look), context);
  if (!found || found->size != job.options.source_size)
    throw job.named(Error(ErrorClass::data_loss,
                          found ? "the copy has another size than its source" : "the copy is not there"));
  written.size = found->size;
  written.checksums = found->checksums;
}

// The parts of a copy are taken one by one by several workers.
struct Parts {
  const Job& job;
  const UploadPlan& plan;
  const std::string etag;
  const std::uint64_t size, part_size;
  std::vector<UploadedPart> done;
  std::uint32_t next = 0;
};

Task<> copy_part(Parts& parts, std::uint32_t index, OpContext& context) {
  const Job& job = parts.job;
  const std::uint64_t first = index * parts.part_size;
  const std::uint64_t last = std::min(first + parts.part_size, parts.size) - 1;
  Call call = job.to.make_call(Operation::upload_part_copy, "PUT", job.key);
  call.query.add("partNumber", std::to_string(index + 1)).add("uploadId", parts.plan.id);
  add_source(call, job, parts.etag);
  call.headers.add_kept("x-amz-copy-source-range",
                        "bytes=" + std::to_string(first) + "-" + std::to_string(last));
  add_customer_key(call.headers, job.to.options().encryption);
  call.accept = 412;
  Attempt attempt{.job = job, .call = call};
  co_await run(attempt, context);
  if (attempt.document.status == 412) throw job.changed();
  if (attempt.result.etag.empty())
    throw job.named(Error(ErrorClass::internal, "the answer to a part has no ETag"),
                    Operation::upload_part_copy);
  UploadedPart& part = parts.done[index];
  part.etag = attempt.result.etag;
  if (const Checksum* checksum = attempt.result.checksums.find(parts.plan.algorithm))
    part.checksum = {*checksum};
}

Task<> copy_parts(Parts& parts, TaskGroup& group, OpContext& context) {
  while (parts.next < parts.done.size() && !group.failed())
    co_await copy_part(parts, parts.next++, context);
}

Task<> copy_all_parts(Parts& parts, OpContext& context) {
  TaskGroup group(context.executor());
  const auto workers = std::min<std::size_t>(parts.job.to.options().copy_parts_at_once, parts.done.size());
  for (std::size_t i = 0; i < workers; ++i)
    group.spawn(copy_parts(parts, group, context));
  co_await group.join();
}

// The service copies no properties along with parts: they are read from the source.
Task<> add_source_properties(const Job& job, store::Details& details, std::vector<std::string>& losses,
                             OpContext& context) {
  try {
    details.properties.tags =
        co_await read_tags(job.from, job.source_key, job.options.source.version, context);
  } catch (const Error& error) {
    if (error.error_class() != ErrorClass::permission_denied &&
        error.error_class() != ErrorClass::unsupported)
      throw;
    losses.emplace_back("tags");
  }
}

// What made the copy fail is what the caller must know; an upload that stays is found among the abandoned
// ones.
Task<> abandon(const Job& job, const UploadPlan& plan, OpContext& context) {
  try {
    co_await abort_upload(job.to, job.key, plan.id, context);
  } catch (const Error& error) {
    context.log().log(LogLevel::warning, "an upload could not be aborted",
                      {{"key", std::string_view(job.key)}, {"error", std::string_view(error.message())}});
  }
}

Task<store::Written> copy_in_parts(Job& job, OpContext& context) {
  store::Details details = co_await check_source(job, context);
  std::vector<std::string> losses;
  store::WriteOptions write = job.options.write;
  const bool own_tags = write.properties != nullptr && write.properties->tags.has_value();
  if (!own_tags) co_await add_source_properties(job, details, losses, context);
  store::Properties properties = write.properties != nullptr ? *write.properties : details.properties;
  if (!own_tags) properties.tags = details.properties.tags;
  write.properties = &properties;

  ChecksumAlgorithm algorithm = upload_algorithm(job.to.options());
  std::optional<Checksum> whole;
  for (const Checksum& checksum : details.checksums) {
    if (checksum.type() != ChecksumType::full_object || !is_crc(checksum.algorithm())) continue;
    whole = checksum;
    algorithm = checksum.algorithm();
    break;
  }
  UploadPlan plan = co_await create_upload(job.to, job.key, write, algorithm, context);
  plan.losses.insert(plan.losses.end(), losses.begin(), losses.end());
  const std::uint64_t part_size = copy_part_size(details.size, job.to.options().copy_part);
  Parts parts{.job = job, .plan = plan, .etag = details.etag, .size = details.size, .part_size = part_size};
  parts.done.resize((details.size + part_size - 1) / part_size);

  store::Written written;
  std::exception_ptr failure;
  try {
    co_await copy_all_parts(parts, context);
    // Where the condition on the source is ignored, it is looked at again.
    if (!job.to.service().amazon()) co_await check_source(job, context);
    written = co_await complete_upload(job.to, plan, parts.done, details.size, whole, context);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await abandon(job, plan, context);
    std::rethrow_exception(failure);
  }
  co_return written;
}

}  // namespace

Task<store::Written> copy_object(S3Bucket& from, std::string source_key, S3Bucket& to, std::string key,
                                 store::CopyOptions options, OpContext& context) {
  Job job{.from = from,
          .to = to,
          .source_key = std::move(source_key),
          .key = std::move(key),
          .options = std::move(options)};
  check_not_itself(job);
  // Some services take it for the latest version when they copy, though not when they read.
  if (job.options.source.version == "null" && !to.service().amazon())
    throw job.named(
        Error(ErrorClass::unsupported, "this service may copy another version than the one named null"));
  try {
    store::Written written;
    if (job.options.source_size > to.options().max_single_copy)
      written = co_await copy_in_parts(job, context);
    else
      written = co_await copy_whole(job, context);
    if (!written.server_verified && !written.condition_failed)
      co_await look_at_arrival(job, written, context);
    co_return written;
  } catch (const Error& error) {
    if (!error.operation().empty()) throw;
    throw job.named(error);
  }
}

std::string copy_source(const std::string& bucket, std::string_view key, std::string_view version) {
  std::string text = "/" + bucket + "/";
  append_key_path(text, key);
  if (!version.empty()) text.append("?versionId=").append(percent_encode(version));
  return text;
}

std::uint64_t copy_part_size(std::uint64_t size, std::uint64_t preferred) {
  const std::uint64_t least = (size + kMostParts - 1) / kMostParts;
  return std::min(std::max(preferred, least), kLargestPart);
}

}  // namespace haul::s3

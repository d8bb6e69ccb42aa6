#include "stores/s3/upload.h"

#include <array>

#include "base/encoding.h"
#include "stores/s3/conditions.h"
#include "stores/s3/object_headers.h"
#include "stores/s3/outgoing_body.h"
#include "stores/s3/reader.h"
#include "stores/s3/trailer_probe.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kUploadAnswerLimit = 1 << 20;

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

class S3Upload final : public store::Upload {
 public:
  S3Upload(S3Bucket& bucket, UploadPlan plan) : bucket_(bucket), plan_(std::move(plan)) {}

  ChecksumAlgorithm checksum_algorithm() const override { return plan_.algorithm; }

  // From a service they would hold two connections for as long as the slower one takes, and be asked for
  // again where one of them breaks.
  Task<bool> takes_pieces(bool rereads, OpContext& context) override {
    if (!rereads || bucket_.service().options().payload_signing) co_return false;
    co_return !plan_.with_checksum || co_await takes_trailers(bucket_, plan_, context);
  }

  Task<Checksum> write_part(std::uint32_t number, std::uint64_t, Body& part, OpContext& context) override {
    Call call = bucket_.make_call(Operation::upload_part, "PUT", plan_.key);
    call.query.add("partNumber", std::to_string(number)).add("uploadId", plan_.id);
    add_customer_key(call.headers, bucket_.options().encryption);
    OutgoingBody outgoing(bucket_, part, plan_.algorithm, std::nullopt);
    outgoing.attach(call);
    const Replay replay = part.replayable() ? Replay::safe : Replay::unsafe;
    const Document document =
        co_await with_retry(context, bucket_.retry_policy(), replay,
                            [this, &call, &outgoing, &context] { return try_part(call, outgoing, context); });
    if (document.etag.empty()) throw named(Error(ErrorClass::internal, "the answer to a part has no ETag"));
    const auto checksum = outgoing.checksum();
    if (!checksum)
      throw named(Error(ErrorClass::source_changed, "the source ended before its length said so"));
    if (parts_.size() < number) {
      parts_.resize(number);
      sizes_.resize(number);
    }
    parts_[number - 1] = {document.etag, {*checksum}};
    sizes_[number - 1] = part.size();
    co_return *checksum;
  }

  Task<store::Written> complete(const Checksum& whole, OpContext& context) override {
    const Checksum expected = whole;
    std::uint64_t size = 0;
    std::optional<Checksum> sum;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (parts_[i].etag.empty())
        throw named(Error(ErrorClass::internal, "part " + std::to_string(i + 1) + " is missing"));
      const Checksum& part = parts_[i].checksum.front();
      sum = sum ? combine(*sum, part, sizes_[i]) : part;
      size += sizes_[i];
    }
    if (!sum) throw named(Error(ErrorClass::internal, "an upload without parts"));
    if (expected.algorithm() == plan_.algorithm && expected != *sum)
      throw named(Error(ErrorClass::data_loss, "what was sent is not what was read: its checksum is " +
                                                   sum->base64() + " and that of the source " +
                                                   expected.base64()));
    co_return co_await complete_upload(bucket_, plan_, parts_, size, sum, context);
  }

  Task<> abort(OpContext& context) override { co_await abort_upload(bucket_, plan_.key, plan_.id, context); }

 private:
  Task<Document> try_part(Call& call, OutgoingBody& outgoing, OpContext& context) {
    Document document = co_await bucket_.send_for_document(call, kUploadAnswerLimit, context);
    outgoing.confirmed_by(document);
    co_return document;
  }

  Error named(const Error& error) const {
    return error.during(std::string(to_string(Operation::complete_multipart_upload)))
        .on(bucket_.describe(plan_.key));
  }

  S3Bucket& bucket_;
  const UploadPlan plan_;
  std::vector<UploadedPart> parts_;  // by number, from 1
  std::vector<std::uint64_t> sizes_;
};

Task<std::string> try_create(S3Bucket& bucket, Call& call, OpContext& context) {
  Document document = co_await bucket.send_for_document(call, kUploadAnswerLimit, context);
  auto id = parse_upload_id(document.body);
  if (!id) throw bucket.error_of(call, document, id.error());
  co_return std::move(*id);
}

struct Completion {
  S3Bucket& bucket;
  Call& call;
  bool uncertain = false;
  bool conditional = false;  // the object must be in a certain state
  bool gone = false;         // the service does not know the upload any more
  Document document;
  ObjectResult result;
};

Task<> try_complete(Completion& completion, OpContext& context) {
  try {
    completion.document =
        co_await completion.bucket.send_for_document(completion.call, kUploadAnswerLimit, context);
    if (completion.document.status >= 300) co_return;
    auto result = parse_object_result(completion.document.body);
    if (!result) throw completion.bucket.error_of(completion.call, completion.document, result.error());
    completion.result = std::move(*result);
  } catch (const Error& error) {
    // After a lost answer it is gone because it was completed.
    const bool unknown = error.code() == "NoSuchUpload" || error.code() == "NoSuchKey";
    // The object that was to be replaced is not there.
    if (error.code() == "NoSuchKey" && completion.conditional && !completion.uncertain) {
      completion.document.status = 412;
      co_return;
    }
    if (!unknown || !completion.uncertain) {
      completion.uncertain = true;
      throw;
    }
    completion.gone = true;
  }
}

}  // namespace

ChecksumAlgorithm upload_algorithm(const BucketOptions& options) {
  return options.checksum && is_crc(*options.checksum) ? *options.checksum : ChecksumAlgorithm::crc64nvme;
}

std::string multipart_etag(std::span<const UploadedPart> parts) {
  Digest digest(DigestAlgorithm::md5);
  std::array<std::byte, 16> bytes{};
  for (const UploadedPart& part : parts) {
    if (!decode_hex(unquoted_etag(part.etag), bytes)) return {};
    digest.update(bytes);
  }
  digest.finish(bytes);
  return to_hex(bytes) + "-" + std::to_string(parts.size());
}

Task<UploadPlan> create_upload(S3Bucket& bucket, std::string key, const store::WriteOptions& options,
                               ChecksumAlgorithm algorithm, OpContext& context) {
  UploadPlan plan{.key = std::move(key), .mode = options.mode, .etag = options.etag, .algorithm = algorithm};
  plan.with_checksum =
      bucket.options().checksum.has_value() && bucket.options().checksum_when == ChecksumWhen::supported;
  Call call = bucket.make_call(Operation::create_multipart_upload, "POST", plan.key);
  call.query.add("uploads");
  try {
    if (options.properties != nullptr) {
      add_properties(call.headers, *options.properties, plan.losses);
      if (options.properties->tags) add_tags(call.headers, *options.properties->tags);
    }
    add_settings(call.headers, bucket.options(), options.storage_class);
    if (plan.with_checksum) {
      call.headers.add_kept("x-amz-checksum-algorithm", upper(to_string(algorithm)));
      call.headers.add("x-amz-checksum-type", "FULL_OBJECT");
    }
  } catch (const Error& error) {
    throw error.during(std::string(to_string(call.operation))).on(bucket.describe(plan.key));
  }
  // Asking twice leaves an upload without parts at the worst, which lists among the abandoned ones.
  plan.id = co_await with_retry(context, bucket.retry_policy(), Replay::safe,
                                [&bucket, &call, &context] { return try_create(bucket, call, context); });
  co_return plan;
}

Task<store::Written> complete_upload(S3Bucket& bucket, const UploadPlan& plan,
                                     std::span<const UploadedPart> parts, std::uint64_t size,
                                     std::optional<Checksum> whole, OpContext& context) {
  store::Written written;
  written.losses = plan.losses;
  written.size = size;
  // Not every service heeds the condition here; looking first costs one request for a large object.
  if (plan.mode == store::WriteMode::create_only && !bucket.service().amazon() &&
      (co_await head_object(bucket, plan.key, {}, context)).has_value()) {
    written.condition_failed = true;
    co_await abort_upload(bucket, plan.key, plan.id, context);
    co_return written;
  }

  const std::string text = complete_document(parts);
  MemoryBody body(as_bytes(text));
  Call call = bucket.make_document_call(Operation::complete_multipart_upload, "POST", plan.key, body);
  call.query.add("uploadId", plan.id);
  add_customer_key(call.headers, bucket.options().encryption);
  add_write_condition(call, bucket, plan.mode, plan.etag);
  call.accept_too = 0;  // 404 is about the upload
  if (plan.with_checksum) {
    if (whole) call.headers.add_kept(checksum_header(whole->algorithm()), whole->base64());
    call.headers.add("x-amz-checksum-type", "FULL_OBJECT");
    call.headers.add_kept("x-amz-mp-object-size", std::to_string(size));
  }
  Completion completion{
      .bucket = bucket, .call = call, .conditional = plan.mode == store::WriteMode::if_etag};
  co_await with_retry(context, bucket.retry_policy(), Replay::safe,
                      [&completion, &context] { return try_complete(completion, context); });

  const bool unmet = completion.document.status == 412;
  const Checksum* theirs = whole ? completion.result.checksums.find(whole->algorithm()) : nullptr;
  written.etag = completion.result.etag;
  written.version = completion.document.version;
  if (unmet && !completion.uncertain) {
    written.condition_failed = true;
    co_await abort_upload(bucket, plan.key, plan.id, context);
    co_return written;
  }
  if (unmet || completion.gone || theirs == nullptr || written.etag.empty()) {
    // The answer does not tell what is there now.
    const auto found = co_await head_object(bucket, plan.key, {}, context);
    if (unmet || completion.gone) {
      const Intended intended{.size = size, .checksum = whole, .etag = multipart_etag(parts)};
      if (!found || !is_what_was_written(*found, intended)) {
        if (unmet) {
          written.condition_failed = true;
          co_await abort_upload(bucket, plan.key, plan.id, context);
          co_return written;
        }
        throw Error(ErrorClass::data_loss, "the upload is gone, and the object is not what was uploaded")
            .during(std::string(to_string(call.operation)))
            .on(bucket.describe(plan.key))
            .with_hint("run the command again");
      }
    } else if (!found || found->size != size) {
      throw Error(ErrorClass::data_loss, found ? "the object has " + std::to_string(found->size) +
                                                     " bytes and not " + std::to_string(size)
                                               : "the object is not there after its upload was completed")
          .during(std::string(to_string(call.operation)))
          .on(bucket.describe(plan.key));
    }
    written.etag = found->etag;
    written.version = found->version;
    written.checksums = found->checksums;
    theirs = whole ? written.checksums.find(whole->algorithm()) : nullptr;
  }
  if (theirs != nullptr && *theirs != *whole)
    throw Error(ErrorClass::data_loss,
                "the object has the checksum " + theirs->base64() + " and not " + whole->base64())
        .during(std::string(to_string(call.operation)))
        .on(bucket.describe(plan.key));
  written.server_verified = theirs != nullptr;
  if (whole) written.checksums.put(*whole);
  co_return written;
}

Task<> abort_upload(S3Bucket& bucket, std::string key, std::string id, OpContext& context) {
  Call call = bucket.make_call(Operation::abort_multipart_upload, "DELETE", key);
  call.query.add("uploadId", id);
  call.accept = 404;
  co_await bucket.request(std::move(call), Replay::safe, kUploadAnswerLimit, context);
}

Task<std::unique_ptr<store::Upload>> begin_upload(S3Bucket& bucket, std::string key,
                                                  store::WriteOptions options, OpContext& context) {
  UploadPlan plan =
      co_await create_upload(bucket, std::move(key), options, upload_algorithm(bucket.options()), context);
  co_return std::make_unique<S3Upload>(bucket, std::move(plan));
}

}  // namespace haul::s3

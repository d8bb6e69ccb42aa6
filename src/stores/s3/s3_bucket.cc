#include "stores/s3/s3_bucket.h"

#include "base/encoding.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "stores/s3/object_headers.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kErrorLimit = 64 << 10;
constexpr unsigned kMostRefreshes = 4;  // of credentials, for one request

bool contains(unsigned done, Remedy remedy) {
  return (done & (1U << static_cast<unsigned>(remedy))) != 0;
}

}  // namespace

Answer answer_of(const http::Response& response) {
  return {
      .status = response.status(),
      .request_id = std::string(response.header("x-amz-request-id")),
      .host_id = std::string(response.header("x-amz-id-2")),
      .bucket_region = std::string(response.header("x-amz-bucket-region")),
      .retry_after = parse_retry_after(response.header("retry-after"), response.header("x-amz-retry-after"))};
}

S3Bucket::S3Bucket(std::shared_ptr<S3Service> service, BucketOptions options)
    : service_(std::move(service)), options_(std::move(options)) {
  static_cast<void>(resolve_address(service_->options(), options_.bucket, service_->default_region()));
  for (std::size_t i = 0; i < service_->shards_.size(); ++i)
    places_.push_back(std::make_unique<Place>());
}

std::string S3Bucket::describe(std::string_view key) const {
  if (options_.bucket.empty()) return "s3://";
  std::string text = "s3://" + options_.bucket;
  if (!key.empty()) text.append("/").append(visible(key));
  return text;
}

Call S3Bucket::make_call(Operation operation, std::string_view method, std::string_view key) const {
  Call call{.operation = operation, .method = method, .key = key, .prompt = is_prompt(operation)};
  if (options_.requester_pays) call.headers.add("x-amz-request-payer", "requester");
  if (!options_.bucket.empty()) call.headers.add_if("x-amz-expected-bucket-owner", options_.expected_owner);
  return call;
}

Call S3Bucket::make_document_call(Operation operation, std::string_view method, std::string_view key,
                                  Body& document) const {
  Call call = make_call(operation, method, key);
  call.body = &document;
  call.payload_hash = call.headers.keep(to_hex(sha256(document.memory())));
  // Deletes, tags and configurations must carry a checksum of one kind or the other; the older one is known
  // everywhere.
  const auto algorithm = service_->amazon() ? ChecksumAlgorithm::crc64nvme : ChecksumAlgorithm::md5;
  if (operation != Operation::complete_multipart_upload)
    call.headers.add_kept(checksum_header(algorithm), checksum_of(algorithm, document.memory()).base64());
  return call;
}

S3Bucket::Place& S3Bucket::place(const OpContext& context) {
  Place& found = *places_[context.shard().index()];
  if (!found.signer) locate(found, service_->default_region());
  return found;
}

void S3Bucket::locate(Place& place, const std::string& region) const {
  place.address = resolve_address(service_->options(), options_.bucket, region);
  place.signer = std::make_unique<auth::Signer>(region, "s3");
}

std::string S3Bucket::region(const OpContext& context) const {
  const Place& found = *places_[context.shard().index()];
  return found.signer ? found.signer->region() : service_->default_region();
}

bool S3Bucket::accepts(const Call& call, int status) const noexcept {
  return (status >= 200 && status < 300) ||
         (status != 0 && (status == call.accept || status == call.accept_too));
}

Task<http::Response> S3Bucket::sign_and_send(Call& call, auth::Snapshot credentials, OpContext& context) {
  S3Service::PerShard& shard = service_->shard(context);
  Place& where = place(context);
  // Another coroutine of this shard may move the bucket to another region while this request is under way.
  const http::Endpoint endpoint = where.address.endpoint;

  std::string target = shard.take_scratch();
  if (call.key.empty()) {
    target += where.address.bucket_path;
  } else {
    target += where.address.path_prefix;
    append_key_path(target, call.key);
  }
  const std::size_t path_size = target.size();
  if (!call.query.empty()) target.append("?").append(call.query.text());

  std::string head = shard.take_scratch();
  call.headers.append_lines(head);
  const std::string_view path = std::string_view(target).substr(0, path_size);
  where.signer->sign(credentials,
                     {.method = call.method,
                      .path = path,
                      .query = call.query.text(),
                      .host = where.address.authority,
                      .headers = {call.headers.all().data(), call.headers.all().size()},
                      .payload_hash = call.payload_hash},
                     service_->skew_.correct(context.env().wall_now()), head);

  if (call.body != nullptr && call.body_sent) co_await call.body->rewind(context);
  call.body_sent = true;
  shard.count(call.operation);
  const http::Request request{.method = call.method,
                              .target = target,
                              .headers = head,
                              .body = call.body,
                              .expect_continue = call.expect_continue,
                              .close = false};
  // The body may come from this very service.
  OpContext sending = context.holding_place();
  http::Response response = co_await service_->client_.send(endpoint, request, sending);
  shard.give_scratch(std::move(target));
  shard.give_scratch(std::move(head));
  co_return response;
}

Task<http::Response> S3Bucket::exchange(Call& call, Permit& permit, OpContext& context) {
  S3Service::PerShard& shard = service_->shard(context);
  AdaptiveLimiter& limiter = is_read(call.operation) ? shard.reads : shard.writes;
  auth::CredentialsProvider& provider = *service_->credentials_;
  unsigned refreshes = 0;
  for (unsigned done = 0;;) {
    if (!limiter.try_acquire(permit, context.env())) {
      if (call.nested)
        limiter.sent_beside(context.env().steady_now());
      else
        permit = co_await limiter.acquire(context);
    }
    if (!shard.held || !provider.is_current(*shard.held, context.env().wall_now()))
      shard.held = co_await provider.get(context);
    const auth::Snapshot credentials = shard.held;
    const auth::Signer* const signer = place(context).signer.get();

    http::Response response = co_await sign_and_send(call, credentials, context);
    const SteadyTime now = context.env().steady_now();
    if (accepts(call, response.status())) {
      if (call.prompt)
        limiter.succeeded(response.first_byte(), now);
      else
        limiter.succeeded(now);
      shard.note_limit();
      co_return response;
    }

    const Answer answer = answer_of(response);
    const Time server_date = parse_http_date(response.header("date")).value_or(Time{});
    const ErrorDocument document = co_await read_error(response, context);
    if (is_throttle(answer.status, document.code)) {
      limiter.throttled(context.env().steady_now());
      shard.note_limit();
    }
    // What follows may wait for other requests, which need places too.
    permit.release();

    Remedy remedy = remedy_for(answer, document, to_string(call.operation));
    // HEAD has no document to tell a wrong clock from a lack of permission, nor an expired token from
    // nonsense.
    if (remedy == Remedy::none && call.method == "HEAD" && answer.status == 403) remedy = Remedy::fix_clock;
    if (remedy == Remedy::none && call.method == "HEAD" && answer.status == 400) remedy = Remedy::refresh;
    bool mended = false;
    const bool repeatable = call.body == nullptr || call.body->replayable();
    // A set that came while a request waited may have ended as well before it was sent.
    const bool again = remedy == Remedy::refresh && ++refreshes < kMostRefreshes;
    if (repeatable && (again || !contains(done, remedy))) {
      done |= 1U << static_cast<unsigned>(remedy);
      switch (remedy) {
        case Remedy::none: break;
        case Remedy::redirect: {
          const std::string region = co_await find_region(answer, document, context);
          Place& where = place(context);
          // Another request of this shard may have found it meanwhile.
          const bool moved = where.signer.get() != signer;
          const bool elsewhere = !region.empty() && region != where.signer->region();
          if (elsewhere) locate(where, region);
          mended = moved || elsewhere;
          break;
        }
        case Remedy::fix_clock: {
          const Time server = parse_iso8601(document.server_time).value_or(server_date);
          mended = server != Time{} && service_->skew_.learn(server, context.env().wall_now());
          break;
        }
        case Remedy::refresh:
          mended = shard.held != credentials || provider.rejected(*credentials);
          if (shard.held == credentials) shard.held.reset();
          break;
      }
    }
    if (!mended)
      throw make_error(answer, document, std::string(to_string(call.operation)), describe(call.key));
  }
}

Task<ErrorDocument> S3Bucket::read_error(http::Response& response, OpContext& context) {
  std::string body;
  try {
    co_await response.read_all(body, kErrorLimit, context);
  } catch (const Error& error) {
    // The status says enough, and it is the failure that counts.
    if (error.error_class() == ErrorClass::cancelled) throw;
    co_return ErrorDocument{};
  }
  co_return parse_error_document(body).value_or(ErrorDocument{});
}

Task<std::string> S3Bucket::find_region(const Answer& answer, const ErrorDocument& document,
                                        OpContext& context) {
  if (!answer.bucket_region.empty()) co_return answer.bucket_region;
  if (!document.region.empty()) co_return document.region;
  // The answer to HEAD names the region even where access is denied.
  Call call = make_call(Operation::head_bucket, "HEAD", {});
  const http::Response response =
      co_await sign_and_send(call, std::make_shared<const auth::Credentials>(), context);
  co_return std::string(response.header("x-amz-bucket-region"));
}

Task<http::Response> S3Bucket::exchange_with_subject(Call& call, Permit& permit, OpContext& context) {
  try {
    co_return co_await exchange(call, permit, context);
  } catch (const Error& error) {
    // What the layers below throw knows nothing of operations and keys.
    if (!error.operation().empty() && !error.subject().empty()) throw;
    throw error.during(std::string(to_string(call.operation))).on(describe(call.key));
  }
}

Task<http::Response> S3Bucket::send(Call& call, OpContext& context) {
  Permit permit;
  co_return co_await exchange_with_subject(call, permit, context);
}

Task<Document> S3Bucket::send_for_document(Call& call, std::size_t limit, OpContext& context) {
  Permit permit;
  http::Response response = co_await exchange_with_subject(call, permit, context);
  Document document;
  document.status = response.status();
  document.etag = unquoted_etag(response.header("etag"));
  document.version = response.header("x-amz-version-id");
  const bool has_checksums =
      call.operation == Operation::put_object || call.operation == Operation::upload_part;
  constexpr std::array kSent{ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::crc32c,
                             ChecksumAlgorithm::crc32, ChecksumAlgorithm::sha256};
  for (const ChecksumAlgorithm algorithm : std::span(kSent).first(has_checksums ? kSent.size() : 0))
    if (const std::string_view value = response.header(checksum_header(algorithm)); !value.empty())
      document.checksums.emplace_back(algorithm, value);
  try {
    if (call.method != "HEAD") co_await response.read_all(document.body, limit, context);
  } catch (const Error& error) {
    throw error.during(std::string(to_string(call.operation))).on(describe(call.key));
  }
  // Ids and delays are wanted for errors only: where the answer is one, or may yet prove to be none of the
  // kind that was expected.
  if (call.method == "GET" || call.method == "HEAD" || document.body.contains("<Error"))
    document.answer = answer_of(response);
  document.answer.status = document.status;
  co_return document;
}

Task<Document> S3Bucket::request(Call call, Replay replay, std::size_t limit, OpContext& context) {
  co_return co_await with_retry(context, retry_policy(), replay, [this, &call, limit, &context] {
    return send_for_document(call, limit, context);
  });
}

Error S3Bucket::error_of(const Call& call, const Document& document, const ErrorDocument& error) const {
  return make_error(document.answer, error, std::string(to_string(call.operation)), describe(call.key));
}

Task<std::string> S3Bucket::presign(std::string method, std::string key, std::string version,
                                    std::chrono::seconds expires, OpContext& context) {
  const auth::Snapshot credentials = co_await service_->credentials_->get(context);
  Place& where = place(context);
  std::string path = where.address.path_prefix;
  append_key_path(path, key);
  Query query;
  if (!version.empty()) query.add("versionId", version);
  const std::string signed_query = where.signer->presign(
      credentials, {.method = method, .path = path, .query = query.text(), .host = where.address.authority},
      expires, service_->skew_.correct(context.env().wall_now()));
  co_return std::string(where.address.endpoint.tls ? "https://" : "http://") + where.address.authority +
      path + "?" + signed_query;
}

}  // namespace haul::s3

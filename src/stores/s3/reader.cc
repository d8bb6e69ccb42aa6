#include "stores/s3/reader.h"

#include <algorithm>

#include "stores/s3/object_headers.h"
#include "stores/s3/result_xml.h"

namespace haul::s3 {
namespace {

constexpr std::size_t kDocumentLimit = 1 << 20;

// What HEAD and GET have in common.
Call make_read_call(const S3Bucket& bucket, Operation operation, std::string_view method,
                    std::string_view key, const store::Pin& pin) {
  Call call = bucket.make_call(operation, method, key);
  if (!pin.version.empty()) call.query.add("versionId", pin.version);
  if (!pin.etag.empty()) call.headers.add_kept("if-match", quoted_etag(pin.etag));
  add_customer_key(call.headers, bucket.options().encryption);
  call.accept = 412;
  call.accept_too = method == "HEAD" ? 404 : 0;
  return call;
}

Error changed(const S3Bucket& bucket, Operation operation, std::string_view key) {
  return Error(ErrorClass::source_changed, "the object is no longer the one that was listed")
      .during(std::string(to_string(operation)))
      .on(bucket.describe(key))
      .with_hint("run the command again when nothing writes to it");
}

store::Details details_of(const http::Response& response, std::string key) {
  DetailsBuilder builder(std::move(key));
  response.for_each_header(
      [&builder](std::string_view name, std::string_view value) { builder.add(name, value); });
  return builder.finish();
}

class S3Reader final : public store::Reader {
 public:
  S3Reader(S3Bucket& bucket, std::string key, store::ReadOptions options)
      : bucket_(bucket), key_(std::move(key)), options_(std::move(options)), pin_(options_.pin) {}

  Task<> open(OpContext& context) {
    co_await with_retry(context, bucket_.retry_policy(), Replay::safe,
                        [this, &context] { return connect(context); });
    if (options_.tags) details_.properties.tags = co_await read_tags(bucket_, key_, pin_.version, context);
  }

  const store::Details& details() const override { return details_; }
  std::uint64_t size() const override { return size_; }

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    if (given_ == size_ || into.empty()) co_return 0;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size_ - given_)));
    std::size_t count = 0;
    if (response_) count = co_await try_read(into, context);
    if (count == 0)
      count = co_await with_retry(context, bucket_.retry_policy(), Replay::safe,
                                  [this, into, &context] { return reconnect_and_read(into, context); });
    if (hasher_) hasher_->update(into.first(count));
    given_ += count;
    if (given_ == size_) finish();
    co_return count;
  }

 private:
  // 0 where going on may help: the connection is gone.
  Task<std::size_t> try_read(std::span<std::byte> into, OpContext& context) {
    try {
      const std::size_t count = co_await response_->read_some(into, context);
      if (count == 0) response_.reset();
      co_return count;
    } catch (const Error& error) {
      response_.reset();
      if (!error.retryable()) throw named(error);
    }
    co_return 0;
  }

  Task<std::size_t> reconnect_and_read(std::span<std::byte> into, OpContext& context) {
    if (!response_) co_await connect(context);
    try {
      const std::size_t count = co_await response_->read_some(into, context);
      if (count > 0) co_return count;
    } catch (const Error& error) {
      response_.reset();
      throw named(error);
    }
    response_.reset();
    throw named(Error(ErrorClass::unavailable, "the body ended before its length said so"));
  }

  // Opens at the byte that is wanted next. The first time, what the object is is taken from the answer.
  Task<> connect(OpContext& context) {
    Call call = make_read_call(bucket_, Operation::get_object, "GET", key_, pin_);
    // A reader that goes on after its connection broke is waited for by who may hold the last place.
    call.nested = opened_;
    const bool whole = !options_.range && given_ == 0;
    if (whole) {
      if (bucket_.options().verify_reads) call.headers.add("x-amz-checksum-mode", "ENABLED");
    } else {
      call.headers.add_kept("range", range_text());
    }
    http::Response response = co_await bucket_.send(call, context);
    if (response.status() == 412) throw changed(bucket_, Operation::get_object, key_);
    check_position(response, whole);
    if (!opened_) take_details(response);
    response_.emplace(std::move(response));
  }

  std::string range_text() const {
    const std::uint64_t begin = (options_.range ? options_.range->offset : 0) + given_;
    std::string text = "bytes=" + std::to_string(begin) + "-";
    if (opened_) return text + std::to_string(begin + size_ - given_ - 1);
    const std::uint64_t length = options_.range->length;
    if (length == 0) throw named(Error(ErrorClass::invalid_argument, "an empty range"));
    const std::uint64_t last = length - 1 > UINT64_MAX - begin ? UINT64_MAX : begin + length - 1;
    constexpr std::uint64_t kMost = INT64_MAX;  // servers count in signed numbers
    return text + std::to_string(std::min(last, kMost));
  }

  void check_position(const http::Response& response, bool whole) const {
    if (whole) {
      if (response.status() != 200)
        throw named(Error(ErrorClass::internal, "a part came where the whole was asked for"));
      return;
    }
    const std::uint64_t begin = (options_.range ? options_.range->offset : 0) + given_;
    const std::string_view range = response.header("content-range");
    const std::string expected = "bytes " + std::to_string(begin) + "-";
    if (response.status() != 206 || !range.starts_with(expected))
      throw named(
          Error(ErrorClass::unsupported, "the service gave other bytes than the range that was asked for"));
    if (opened_ && !pin_.etag.empty()) {
      const std::string_view etag = unquoted_etag(response.header("etag"));
      if (!etag.empty() && etag != pin_.etag) throw changed(bucket_, Operation::get_object, key_);
    }
  }

  void take_details(const http::Response& response) {
    const auto length = response.content_length();
    if (!length) throw named(Error(ErrorClass::unavailable, "the answer does not say its length"));
    details_ = details_of(response, key_);
    size_ = *length;
    opened_ = true;
    // From now on no other state will do.
    if (!pin_.etag.empty() && !details_.etag.empty() && details_.etag != unquoted_etag(pin_.etag))
      throw changed(bucket_, Operation::get_object, key_);
    if (pin_.size && *pin_.size != details_.size) throw changed(bucket_, Operation::get_object, key_);
    pin_.etag = details_.etag;
    if (pin_.version.empty()) pin_.version = details_.version == "null" ? "" : details_.version;
    if (options_.range || !bucket_.options().verify_reads) return;
    for (const Checksum& checksum : details_.checksums) {
      if (checksum.type() != ChecksumType::full_object || !is_crc(checksum.algorithm())) continue;
      hasher_.emplace(checksum.algorithm());
      break;
    }
  }

  void finish() {
    response_.reset();
    if (!hasher_) return;
    const Checksum computed = hasher_->finish();
    if (computed == *details_.checksums.find(computed.algorithm())) return;
    throw named(
        Error(ErrorClass::data_loss, "the bytes that came do not have the checksum that the service keeps (" +
                                         std::string(to_string(computed.algorithm())) + ")")
            .with_retryable(true));
  }

  Error named(const Error& error) const {
    return error.during(std::string(to_string(Operation::get_object))).on(bucket_.describe(key_));
  }

  S3Bucket& bucket_;
  const std::string key_;
  const store::ReadOptions options_;
  store::Pin pin_;
  store::Details details_;
  std::optional<http::Response> response_;
  std::optional<Hasher> hasher_;
  std::uint64_t size_ = 0;
  std::uint64_t given_ = 0;
  bool opened_ = false;
};

}  // namespace

Task<std::optional<store::Details>> head_object(S3Bucket& bucket, std::string key, store::ReadOptions options,
                                                OpContext& context) {
  Call call = make_read_call(bucket, Operation::head_object, "HEAD", key, options.pin);
  call.headers.add("x-amz-checksum-mode", "ENABLED");
  // Not a Document: the headers are what is wanted.
  const http::Response response =
      co_await with_retry(context, bucket.retry_policy(), Replay::safe,
                          [&bucket, &call, &context] { return bucket.send(call, context); });
  if (response.status() == 404) co_return std::nullopt;
  if (response.status() == 412) throw changed(bucket, Operation::head_object, key);
  store::Details details = details_of(response, key);
  if (options.tags) details.properties.tags = co_await read_tags(bucket, key, options.pin.version, context);
  co_return details;
}

Task<std::unique_ptr<store::Reader>> open_reader(S3Bucket& bucket, std::string key,
                                                 store::ReadOptions options, OpContext& context) {
  auto reader = std::make_unique<S3Reader>(bucket, std::move(key), std::move(options));
  co_await reader->open(context);
  co_return reader;
}

Task<store::Tags> read_tags(S3Bucket& bucket, std::string key, std::string version, OpContext& context) {
  Call call = bucket.make_call(Operation::get_object_tagging, "GET", key);
  call.query.add("tagging");
  if (!version.empty()) call.query.add("versionId", version);
  Document document = co_await with_retry(
      context, bucket.retry_policy(), Replay::safe,
      [&bucket, &call, &context] { return bucket.send_for_document(call, kDocumentLimit, context); });
  auto tags = parse_tagging(document.body);
  if (!tags) throw bucket.error_of(call, document, tags.error());
  co_return std::move(*tags);
}

}  // namespace haul::s3

#include "stores/s3/outgoing_body.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "stores/s3/object_headers.h"

namespace haul::s3 {
namespace {

constexpr std::uint64_t kChunk = 1 << 20;
constexpr std::uint64_t kPromptBody = 1 << 20;  // beyond, the answer waits for disks and not for the queue

std::size_t hex_digits(std::uint64_t value) {
  std::size_t digits = 1;
  while (value >>= 4)
    ++digits;
  return digits;
}

void append_hex_number(std::string& out, std::uint64_t value) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append(digits.data(), end);
}

std::size_t base64_size(ChecksumAlgorithm algorithm) {
  return (checksum_size(algorithm) + 2) / 3 * 4;
}

std::uint64_t framed_size(std::uint64_t size, std::size_t header_size, std::size_t value_size) {
  constexpr std::size_t kEnds = 4;  // CRLF behind the length and behind the bytes
  std::uint64_t total = size / kChunk * (kChunk + hex_digits(kChunk) + kEnds);
  if (const std::uint64_t rest = size % kChunk; rest > 0) total += rest + hex_digits(rest) + kEnds;
  return total + 3 + header_size + 1 + value_size + 4;  // 0 CRLF, name:value CRLF, CRLF
}

}  // namespace

HashingBody::HashingBody(Body& inner, ChecksumAlgorithm algorithm) : inner_(inner), hasher_(algorithm) {
  look_for_end();
}

Task<> HashingBody::rewind(OpContext& context) {
  hasher_.reset();
  whole_.reset();
  look_for_end();
  co_await inner_.rewind(context);
}

void HashingBody::look_for_end() {
  if (!whole_ && hasher_.length() == inner_.size()) whole_ = hasher_.finish();
}

Task<std::span<const std::byte>> HashingBody::next(OpContext& context) {
  const std::span<const std::byte> piece = co_await inner_.next(context);
  hasher_.update(piece);
  look_for_end();
  co_return piece;
}

TrailerBody::TrailerBody(Body& inner, ChecksumAlgorithm algorithm)
    : inner_(inner),
      header_(checksum_header(algorithm)),
      value_size_(base64_size(algorithm)),
      encoded_size_(framed_size(inner.size(), header_.size(), value_size_)),
      left_(inner.size()) {}

Task<> TrailerBody::rewind(OpContext& context) {
  left_ = inner_.size();
  chunk_left_ = 0;
  piece_ = {};
  started_ = ended_ = false;
  co_await inner_.rewind(context);
}

void TrailerBody::begin_chunk() {
  frame_ = started_ ? "\r\n" : "";
  started_ = true;
  chunk_left_ = std::min(left_, kChunk);
  append_hex_number(frame_, chunk_left_);
  frame_ += "\r\n";
}

Task<std::span<const std::byte>> TrailerBody::next(OpContext& context) {
  if (ended_) co_return std::span<const std::byte>{};
  if (chunk_left_ == 0 && left_ > 0) {
    begin_chunk();
    co_return as_bytes(frame_);
  }
  if (left_ == 0) {
    ended_ = true;
    const auto checksum = inner_.checksum_as_read();
    if (!checksum) throw Error(ErrorClass::source_changed, "the source ended before its length said so");
    frame_ = started_ ? "\r\n0\r\n" : "0\r\n";
    frame_.append(header_).append(":").append(checksum->base64()).append("\r\n\r\n");
    co_return as_bytes(frame_);
  }
  if (piece_.empty()) piece_ = co_await inner_.next(context);
  if (piece_.empty()) throw Error(ErrorClass::source_changed, "the source ended before its length said so");
  const auto part =
      piece_.first(static_cast<std::size_t>(std::min<std::uint64_t>(piece_.size(), chunk_left_)));
  piece_ = piece_.subspan(part.size());
  chunk_left_ -= part.size();
  left_ -= part.size();
  co_return part;
}

OutgoingBody::OutgoingBody(const S3Bucket& bucket, Body& body, std::optional<ChecksumAlgorithm> algorithm,
                           std::optional<Checksum> known)
    : bucket_(bucket), body_(body), algorithm_(algorithm), known_(known) {
  if (known_) algorithm_ = known_->algorithm();
  const bool in_memory = !body.memory().empty() || body.size() == 0;
  if (!algorithm_ || !in_memory) return;
  // If it is not sent, nobody compares it with what arrives, and only hashing again shows damage in between.
  if (const auto as_read = body.checksum_as_read(); sends_checksum() && !known_ && as_read &&
                                                    as_read->algorithm() == *algorithm_ &&
                                                    as_read->type() == ChecksumType::full_object) {
    known_ = as_read;
    return;
  }
  const Checksum computed = checksum_of(*algorithm_, body.memory());
  if (known_ && computed != *known_)
    throw Error(ErrorClass::data_loss,
                "the content is not what its " + std::string(to_string(*algorithm_)) + " checksum promises")
        .with_retryable(false);
  known_ = computed;
}

bool OutgoingBody::sends_checksum() const {
  const BucketOptions& options = bucket_.options();
  return algorithm_ == ChecksumAlgorithm::md5 ||
         (options.checksum.has_value() && options.checksum_when == ChecksumWhen::supported);
}

void OutgoingBody::attach(Call& call) {
  attach(call, bucket_.service().trailers().known() == Finding::yes);
}

void OutgoingBody::attach(Call& call, bool trailers) {
  const BucketOptions& options = bucket_.options();
  call.body = &body_;
  call.payload_hash = auth::kUnsignedPayload;
  if (!known_ && algorithm_) {
    const bool behind = trailers && sends_checksum() && *algorithm_ != ChecksumAlgorithm::md5;
    // What the service compares need not be hashed twice here.
    if (!behind || body_.hashes() != algorithm_) call.body = &hashing_.emplace(body_, *algorithm_);
    if (behind) {
      trailer_.emplace(*call.body, *algorithm_);
      call.body = &*trailer_;
      call.payload_hash = auth::kUnsignedTrailerPayload;
      const std::string_view encoding = call.headers.take("content-encoding");
      call.headers.add_kept("content-encoding", encoding.empty() ? std::string("aws-chunked")
                                                                 : std::string(encoding) + ",aws-chunked");
      call.headers.add_kept("x-amz-decoded-content-length", std::to_string(body_.size()));
      call.headers.add("x-amz-trailer", checksum_header(*algorithm_));
    }
  } else if (known_ && sends_checksum()) {
    call.headers.add_kept(checksum_header(*algorithm_), known_->base64());
  }
  if (bucket_.service().options().payload_signing && !trailer_ &&
      (body_.size() == 0 || !body_.memory().empty())) {
    payload_hash_ = to_hex(sha256(body_.memory()));
    call.payload_hash = payload_hash_;
  }
  call.expect_continue = body_.size() >= options.expect_continue;
  call.prompt = call.prompt && body_.size() <= kPromptBody;
}

std::optional<Checksum> OutgoingBody::checksum() {
  if (hashing_) return hashing_->checksum_as_read();
  return trailer_ ? body_.checksum_as_read() : known_;
}

bool OutgoingBody::confirmed_by(const Document& answer) {
  const auto mine = checksum();
  if (!mine) return false;
  if (mine->algorithm() == ChecksumAlgorithm::md5) return answer.etag == mine->hex();
  for (const auto& [algorithm, text] : answer.checksums) {
    if (algorithm != mine->algorithm()) continue;
    const auto theirs = Checksum::parse(algorithm, text);
    if (!theirs || theirs->type() != ChecksumType::full_object) return false;
    if (*theirs == *mine) return true;
    throw Error(ErrorClass::data_loss, "what the service received has the checksum " + theirs->base64() +
                                           " and not " + mine->base64())
        .with_request_id(answer.answer.request_id)
        .with_retryable(true);
  }
  return false;
}

}  // namespace haul::s3

// AWS Signature Version 4: requests by header, presigned URLs, and signed chunks of a streamed body.
// Checked against the examples that AWS publishes ("Signature Calculations for the Authorization Header" and
// the two pages on chunked uploads, Amazon S3 API Reference).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/credentials.h"
#include "base/bytes.h"
#include "base/digest.h"

namespace haul::auth {

// Values of x-amz-content-sha256 beside the hexadecimal SHA-256 of the body.
inline constexpr std::string_view kEmptyPayload =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kUnsignedTrailerPayload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
inline constexpr std::string_view kChunkedPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kChunkedTrailerPayload = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";

struct HeaderView {
  std::string_view name;   // lower case
  std::string_view value;  // as sent
};

// Views must stay valid during the call.
struct SigningRequest {
  std::string_view method;
  std::string_view path;  // as sent: percent-encoded once, beginning with '/'; for other services than s3 the
                          // signer normalises and encodes it again
  std::string_view query;  // canonical: names and values encoded, sorted, always with `=`; without '?'
  std::string_view host;   // the Host header
  // To be signed beside host and what the signer adds: every x-amz-*, content-md5, content-type, range ...
  // Fastest when sorted by name; correct in any order.
  std::span<const HeaderView> headers;
  std::string_view payload_hash = kUnsignedPayload;  // what x-amz-content-sha256 says
};

using Signature = std::array<char, 64>;  // lower-case hexadecimal

class ChunkSigner;

// Signs for one region and one service, with the day's key and all that repeats from request to request held
// ready. Not thread-safe: one per shard. Changes of credentials and of the day are noticed by themselves.
class Signer {
 public:
  Signer(std::string region, std::string service);

  const std::string& region() const noexcept { return region_; }

  // Appends the header lines `Authorization`, `x-amz-date`, `x-amz-security-token` (session credentials) and,
  // for s3, `x-amz-content-sha256`, each ended by CRLF. Anonymous credentials add nothing. `now` is the
  // server's time (ClockSkew::correct). The signature returned seeds ChunkSigner.
  Signature sign(const Snapshot& credentials, const SigningRequest& request, Time now, std::string& lines);

  // The whole query of a presigned URL, X-Amz-Signature at its end. `expires`: 1 second to 7 days, never
  // beyond the session of the credentials. The headers must be sent as given by whoever uses the URL.
  // Throws invalid_argument for anonymous credentials or a span out of range.
  std::string presign(const Snapshot& credentials, const SigningRequest& request,
                      std::chrono::seconds expires, Time now);

  // For the body of the request that sign() has just been called for.
  ChunkSigner chunks(const Signature& seed) const;

 private:
  void prepare(const Snapshot& credentials, Time now);
  void derive_key();
  void order_headers(const SigningRequest& request, bool by_header);
  Signature sign_canonical(const SigningRequest& request, std::string_view query,
                           std::string_view payload_hash);

  const std::string region_;
  const std::string service_;
  const bool is_s3_;
  Snapshot credentials_;
  std::int64_t second_ = 0;          // since 1970, which amz_date_ shows
  std::array<char, 16> amz_date_{};  // 20130524T000000Z
  std::array<char, 8> key_day_{};    // which key_ is for
  std::string scope_;                // 20130524/us-east-1/s3/aws4_request
  std::string authorization_;        // up to and with "SignedHeaders="
  HmacSha256Key key_{std::string_view{}};
  // Reused from call to call.
  std::vector<HeaderView> ordered_;
  std::string canonical_;
  std::string_view signed_names_;  // lies in canonical_
};

// The frames of an aws-chunked body whose chunks are signed (x-amz-content-sha256 is kChunkedPayload or
// kChunkedTrailerPayload). Each chunk's signature covers the one before, so chunks are framed in order.
// The bytes themselves are sent by the caller between the head and the CRLF that follows them.
class ChunkSigner {
 public:
  // `<hexadecimal length>;chunk-signature=<signature>\r\n`. The bytes must be followed by "\r\n".
  void append_head(ByteView chunk, std::string& out);

  // What ends the body: the empty chunk, and for kChunkedPayload the empty line behind it.
  void append_end(std::string& out);

  // The empty chunk, the trailer (one header, name in lower case) and its signature.
  void append_end_with_trailer(std::string_view name, std::string_view value, std::string& out);

  // Content-Length of a body of `size` bytes in chunks of `chunk_size`; `trailer_size` is the length of
  // "name:value", 0 without trailer.
  static std::uint64_t encoded_size(std::uint64_t size, std::uint64_t chunk_size, std::size_t trailer_size);

  const Signature& last() const noexcept { return previous_; }

 private:
  friend class Signer;
  ChunkSigner(const HmacSha256Key& key, std::string_view amz_date, std::string_view scope,
              const Signature& seed);
  Signature next(std::string_view algorithm, std::string_view hashes);

  HmacSha256Key key_;
  std::string stamp_;  // "\n<date>\n<scope>\n"
  Signature previous_;
};

}  // namespace haul::auth

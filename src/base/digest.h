// Cryptographic digests by OpenSSL: MD5 and SHA-1 because S3 speaks them, SHA-256 for signatures and fixity.
//
// Two ways, since setting up an EVP context costs more than hashing a signature's text:
//   Digest         any of the three, for object content; reused by reset() without looking the algorithm up
//   again. Sha256,        the bare compression function with its state in place: no allocation, trivially
//   copied, cannot HmacSha256Key  fail. For signing every request.
// One object serves one thread at a time; HmacSha256Key::sign is const and may be called from any thread.
// After a failure OpenSSL's error queue is left empty, so that nobody takes it for a failure of TLS.
#pragma once
#include <openssl/sha.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"

struct evp_md_ctx_st;

namespace haul {

enum class DigestAlgorithm : std::uint8_t { md5, sha1, sha256 };

// Bytes of the digest: 16, 20, 32.
std::size_t digest_size(DigestAlgorithm algorithm) noexcept;

class Digest {
 public:
  // Throws Error(unsupported) where the algorithm is not to be had (MD5 under a FIPS policy).
  explicit Digest(DigestAlgorithm algorithm);

  void update(ByteView data);

  // Writes the digest, digest_size() bytes, to the front of `out` and starts again.
  void finish(std::span<std::byte> out);

  void reset();
  DigestAlgorithm algorithm() const noexcept { return algorithm_; }

 private:
  struct FreeContext {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, FreeContext> context_;
  DigestAlgorithm algorithm_;
};

using Sha256Bytes = std::array<std::byte, 32>;

class Sha256 {
 public:
  Sha256() noexcept;
  void update(ByteView data) noexcept;
  void update(std::string_view text) noexcept { update(as_bytes(text)); }
  Sha256Bytes finish() && noexcept;  // once

 private:
  friend class HmacSha256Key;
  SHA256_CTX state_;
};

Sha256Bytes sha256(ByteView data) noexcept;
inline Sha256Bytes sha256(std::string_view text) noexcept {
  return sha256(as_bytes(text));
}

// A key for HMAC-SHA-256 (RFC 2104) with both its pads hashed beforehand. The states are as secret as the key
// and are wiped when it goes.
class HmacSha256Key {
 public:
  explicit HmacSha256Key(ByteView key) noexcept;
  explicit HmacSha256Key(std::string_view key) noexcept : HmacSha256Key(as_bytes(key)) {}
  HmacSha256Key(const HmacSha256Key&) noexcept = default;
  HmacSha256Key& operator=(const HmacSha256Key&) noexcept = default;
  ~HmacSha256Key();

  Sha256Bytes sign(ByteView message) const noexcept;
  Sha256Bytes sign(std::string_view message) const noexcept { return sign(as_bytes(message)); }

 private:
  Sha256 inner_;
  Sha256 outer_;
};

}  // namespace haul

// Checksums as S3 knows them: values are raw big-endian bytes, base64 on the wire.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace haul::fakes3 {

/// Running CRCs, finished at every moment: `crc_x(0, text)` is the CRC of text, and
/// `crc_x(crc_x(0, a), b)` that of a followed by b.
std::uint32_t crc32(std::uint32_t crc, std::string_view bytes);
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes);
std::uint64_t crc64nvme(std::uint64_t crc, std::string_view bytes);

enum class Algorithm : std::uint8_t { crc32, crc32c, crc64nvme, sha1, sha256 };
constexpr std::size_t kAlgorithms = 5;

/// `CRC64NVME`, as in x-amz-checksum-algorithm and XML element names (`ChecksumCRC64NVME`).
std::string_view algorithm_name(Algorithm algorithm);
/// `x-amz-checksum-crc64nvme`
std::string_view algorithm_header(Algorithm algorithm);
std::optional<Algorithm> algorithm_of_name(std::string_view name);
inline bool is_crc(Algorithm algorithm) {
  return algorithm <= Algorithm::crc64nvme;
}

/// The CRC of `a` followed by `b`, from their CRCs and the length of `b`. Only for the three CRCs.
std::uint64_t combine(Algorithm algorithm, std::uint64_t crc_a, std::uint64_t crc_b, std::uint64_t size_b);

/// A CRC as the raw bytes of its width.
std::string crc_bytes(Algorithm algorithm, std::uint64_t crc);
std::uint64_t crc_value(std::string_view bytes);

/// A digest of all bytes at once; for the small ones.
std::string digest(const EVP_MD* kind, std::string_view bytes);

/// What is computed while a body passes. CRC64NVME always, since it is nearly free; the rest when wanted.
/// Reusable: `start` begins anew and keeps what is allocated. Not thread safe.
class Digests {
 public:
  void start(std::optional<Algorithm> wanted, bool md5, bool sha256);
  void update(std::string_view bytes);
  /// Ends the digests; then the results may be read.
  void finish();

  std::uint64_t crc64nvme() const { return crc64nvme_; }
  const std::string& md5() const { return md5_; }
  const std::string& sha256() const { return sha256_; }
  /// Raw bytes of an algorithm that was wanted, or of CRC64NVME.
  std::string value(Algorithm algorithm) const;

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_MD_CTX, Free>;
  static void begin(Context& context, const EVP_MD* kind);
  static std::string end(Context& context);

  std::optional<Algorithm> wanted_;
  bool wants_md5_ = false, wants_sha1_ = false, wants_sha256_ = false;
  std::uint64_t crc64nvme_ = 0;
  std::uint32_t crc32_ = 0, crc32c_ = 0;
  Context md5_context_, sha1_context_, sha256_context_;
  std::string md5_, sha1_, sha256_;
};

}  // namespace haul::fakes3

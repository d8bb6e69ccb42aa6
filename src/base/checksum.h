// Checksums of objects, as S3 and its peers state them, and how they are computed, composed and compared.
//
// A checksum covers either all bytes of the object (full_object) or is the digest of the digests of its parts
// (composite, written with "-<parts>" behind it). Only CRCs of parts can be turned into that of the whole.
// Value types; a Hasher serves one thread at a time.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"

namespace haul {

enum class ChecksumAlgorithm : std::uint8_t { crc64nvme, crc32c, crc32, sha1, sha256, md5 };
enum class ChecksumType : std::uint8_t { full_object, composite };

// "crc64nvme", "crc32c", ... as in x-amz-checksum-<name>; read in either case ("CRC64NVME").
std::string_view to_string(ChecksumAlgorithm algorithm) noexcept;
std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) noexcept;

constexpr std::size_t checksum_size(ChecksumAlgorithm algorithm) noexcept {
  constexpr std::array<std::size_t, 6> kSizes{8, 4, 4, 20, 32, 16};
  return kSizes[static_cast<std::size_t>(algorithm)];
}

constexpr bool is_crc(ChecksumAlgorithm algorithm) noexcept {
  return algorithm <= ChecksumAlgorithm::crc32;
}

class Checksum {
 public:
  // `bytes` in the order in which they are sent (CRCs with the highest byte first), checksum_size() of them;
  // anything else throws Error(invalid_argument). `parts` is 0 where it is not known, or for a whole object.
  Checksum(ChecksumAlgorithm algorithm, ByteView bytes, ChecksumType type = ChecksumType::full_object,
           std::uint32_t parts = 0);

  // A value as headers and listings carry it: base64, behind it "-<parts>" if composite. Nothing if
  // malformed. A composite CRC or digest may also come without the count: then `type` says what the server
  // said.
  static std::optional<Checksum> parse(ChecksumAlgorithm algorithm, std::string_view text,
                                       ChecksumType type = ChecksumType::full_object);

  ChecksumAlgorithm algorithm() const noexcept { return algorithm_; }
  ChecksumType type() const noexcept { return type_; }
  std::uint32_t parts() const noexcept { return parts_; }
  ByteView bytes() const noexcept { return ByteView(bytes_).first(checksum_size(algorithm_)); }

  std::string base64() const;     // the bare value, as request headers want it
  std::string to_string() const;  // what parse() reads: with "-<parts>" if that is known
  std::string hex() const;

  friend bool operator==(const Checksum&, const Checksum&) noexcept = default;

 private:
  std::array<std::byte, 32> bytes_{};  // zero behind the value
  std::uint32_t parts_ = 0;
  ChecksumAlgorithm algorithm_;
  ChecksumType type_;
};

// The full-object checksum of A followed by B. Both must be full-object CRCs of one algorithm; anything else
// throws Error(invalid_argument).
Checksum combine(const Checksum& a, const Checksum& b, std::uint64_t length_b);

// The composite checksum of an object uploaded in these parts, in order. At least one part, all full-object
// and of one algorithm; anything else throws Error(invalid_argument).
Checksum compose(std::span<const Checksum> parts);

enum class ChecksumMatch { same, different, unknown };

// What is known of one object: at most one checksum per algorithm and type. Empty ones cost no allocation.
class Checksums {
 public:
  Checksums() = default;
  explicit Checksums(const Checksum& only) { put(only); }

  void put(const Checksum& checksum);  // replaces the one of the same algorithm and type
  const Checksum* find(ChecksumAlgorithm algorithm,
                       ChecksumType type = ChecksumType::full_object) const noexcept;
  bool empty() const noexcept { return items_.empty(); }
  auto begin() const noexcept { return items_.begin(); }
  auto end() const noexcept { return items_.end(); }

 private:
  std::vector<Checksum> items_;
};

// Whether two objects have the same content, as far as their checksums tell. Full-object values of one
// algorithm decide; a differing pair outweighs equal ones. Composite values can only say "same": other part
// sizes give other values for the same bytes.
ChecksumMatch compare(const Checksums& a, const Checksums& b) noexcept;

// Computes a full-object checksum of bytes as they pass.
class Hasher {
 public:
  explicit Hasher(ChecksumAlgorithm algorithm);  // throws as Digest does

  void update(ByteView data);
  Checksum finish();  // and starts again
  void reset();

  ChecksumAlgorithm algorithm() const noexcept { return algorithm_; }
  std::uint64_t length() const noexcept { return length_; }  // bytes since the start

 private:
  std::optional<Digest> digest_;  // where the algorithm is no CRC
  std::uint64_t crc_ = 0;
  std::uint64_t length_ = 0;
  ChecksumAlgorithm algorithm_;
};

Checksum checksum_of(ChecksumAlgorithm algorithm, ByteView data);

}  // namespace haul

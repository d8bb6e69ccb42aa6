#include "base/checksum.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "base/crc.h"
#include "base/encoding.h"
#include "base/error.h"

namespace haul {
namespace {

constexpr std::array<std::string_view, 6> kAlgorithmNames{"crc64nvme", "crc32c", "crc32",
                                                          "sha1",      "sha256", "md5"};

bool same_letters(std::string_view text, std::string_view lower) noexcept {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

template <class Word>
Checksum from_crc(ChecksumAlgorithm algorithm, Word value) {
  const Word sent = std::byteswap(value);
  return {algorithm, std::as_bytes(std::span(&sent, 1))};
}

template <class Word>
Word to_crc(const Checksum& checksum) {
  Word sent;
  std::memcpy(&sent, checksum.bytes().data(), sizeof sent);
  return std::byteswap(sent);
}

Checksum crc_checksum(ChecksumAlgorithm algorithm, std::uint64_t value) {
  if (algorithm == ChecksumAlgorithm::crc64nvme) return from_crc(algorithm, value);
  return from_crc(algorithm, static_cast<std::uint32_t>(value));
}

DigestAlgorithm digest_of(ChecksumAlgorithm algorithm) noexcept {
  switch (algorithm) {
    case ChecksumAlgorithm::md5: return DigestAlgorithm::md5;
    case ChecksumAlgorithm::sha1: return DigestAlgorithm::sha1;
    default: return DigestAlgorithm::sha256;
  }
}

}  // namespace

std::string_view to_string(ChecksumAlgorithm algorithm) noexcept {
  return kAlgorithmNames[static_cast<std::size_t>(algorithm)];
}

std::optional<ChecksumAlgorithm> parse_checksum_algorithm(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kAlgorithmNames.size(); ++i) {
    if (same_letters(name, kAlgorithmNames[i])) return static_cast<ChecksumAlgorithm>(i);
  }
  return std::nullopt;
}

Checksum::Checksum(ChecksumAlgorithm algorithm, ByteView bytes, ChecksumType type, std::uint32_t parts)
    : parts_(parts), algorithm_(algorithm), type_(type) {
  if (bytes.size() != checksum_size(algorithm)) {
    throw Error(ErrorClass::invalid_argument, "a " + std::string(haul::to_string(algorithm)) + " has " +
                                                  std::to_string(checksum_size(algorithm)) + " bytes, not " +
                                                  std::to_string(bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

std::optional<Checksum> Checksum::parse(ChecksumAlgorithm algorithm, std::string_view text,
                                        ChecksumType type) {
  std::uint32_t parts = 0;
  if (const auto dash = text.rfind('-'); dash != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + dash + 1, end, parts);
    if (error != std::errc() || stop != end || parts == 0) return std::nullopt;
    text = text.substr(0, dash);
    type = ChecksumType::composite;
  }
  std::array<std::byte, 32> bytes;
  const auto value = std::span(bytes).first(checksum_size(algorithm));
  if (!decode_base64(text, value)) return std::nullopt;
  return Checksum(algorithm, value, type, parts);
}

std::string Checksum::base64() const {
  return to_base64(bytes());
}
std::string Checksum::hex() const {
  return to_hex(bytes());
}

std::string Checksum::to_string() const {
  std::string text = base64();
  if (type_ == ChecksumType::composite && parts_ != 0) text.append("-").append(std::to_string(parts_));
  return text;
}

Checksum combine(const Checksum& a, const Checksum& b, std::uint64_t length_b) {
  const auto algorithm = a.algorithm();
  if (!is_crc(algorithm) || b.algorithm() != algorithm || a.type() != ChecksumType::full_object ||
      b.type() != ChecksumType::full_object) {
    throw Error(ErrorClass::invalid_argument, "only full-object CRCs of one kind can be combined, not " +
                                                  std::string(to_string(algorithm)) + " and " +
                                                  std::string(to_string(b.algorithm())));
  }
  switch (algorithm) {
    case ChecksumAlgorithm::crc64nvme:
      return from_crc(algorithm,
                      crc64nvme_combine(to_crc<std::uint64_t>(a), to_crc<std::uint64_t>(b), length_b));
    case ChecksumAlgorithm::crc32c:
      return from_crc(algorithm,
                      crc32c_combine(to_crc<std::uint32_t>(a), to_crc<std::uint32_t>(b), length_b));
    default:
      return from_crc(algorithm, crc32_combine(to_crc<std::uint32_t>(a), to_crc<std::uint32_t>(b), length_b));
  }
}

Checksum compose(std::span<const Checksum> parts) {
  if (parts.empty()) throw Error(ErrorClass::invalid_argument, "a composite checksum needs a part");
  const auto algorithm = parts.front().algorithm();
  Hasher hasher(algorithm);
  for (const Checksum& part : parts) {
    if (part.algorithm() != algorithm || part.type() != ChecksumType::full_object) {
      throw Error(ErrorClass::invalid_argument, "a composite checksum needs parts of one algorithm");
    }
    hasher.update(part.bytes());
  }
  return {algorithm, hasher.finish().bytes(), ChecksumType::composite,
          static_cast<std::uint32_t>(parts.size())};
}

void Checksums::put(const Checksum& checksum) {
  for (Checksum& item : items_) {
    if (item.algorithm() == checksum.algorithm() && item.type() == checksum.type()) {
      item = checksum;
      return;
    }
  }
  items_.push_back(checksum);
}

const Checksum* Checksums::find(ChecksumAlgorithm algorithm, ChecksumType type) const noexcept {
  for (const Checksum& item : items_) {
    if (item.algorithm() == algorithm && item.type() == type) return &item;
  }
  return nullptr;
}

ChecksumMatch compare(const Checksums& a, const Checksums& b) noexcept {
  auto match = ChecksumMatch::unknown;
  for (const Checksum& mine : a) {
    const Checksum* theirs = b.find(mine.algorithm(), mine.type());
    if (theirs == nullptr) continue;
    if (std::ranges::equal(mine.bytes(), theirs->bytes())) {
      match = ChecksumMatch::same;
    } else if (mine.type() == ChecksumType::full_object) {
      return ChecksumMatch::different;
    }
  }
  return match;
}

Hasher::Hasher(ChecksumAlgorithm algorithm) : algorithm_(algorithm) {
  if (!is_crc(algorithm)) digest_.emplace(digest_of(algorithm));
}

void Hasher::update(ByteView data) {
  length_ += data.size();
  switch (algorithm_) {
    case ChecksumAlgorithm::crc64nvme: crc_ = crc64nvme(data, crc_); break;
    case ChecksumAlgorithm::crc32c: crc_ = crc32c(data, static_cast<std::uint32_t>(crc_)); break;
    case ChecksumAlgorithm::crc32: crc_ = crc32(data, static_cast<std::uint32_t>(crc_)); break;
    default: digest_->update(data); break;
  }
}

Checksum Hasher::finish() {
  const std::uint64_t crc = crc_;
  crc_ = 0;
  length_ = 0;
  if (is_crc(algorithm_)) return crc_checksum(algorithm_, crc);
  std::array<std::byte, 32> bytes;
  digest_->finish(bytes);
  return {algorithm_, ByteView(bytes).first(checksum_size(algorithm_))};
}

void Hasher::reset() {
  crc_ = 0;
  length_ = 0;
  if (digest_) digest_->reset();
}

Checksum checksum_of(ChecksumAlgorithm algorithm, ByteView data) {
  Hasher hasher(algorithm);
  hasher.update(data);
  return hasher.finish();
}

}  // namespace haul

#include "base/crc.h"

#include <isa-l/crc.h>

#include <algorithm>

#include "base/crc64_fold.h"
#include "base/crc_polynomial.h"

namespace haul {

std::uint32_t crc32(ByteView data, std::uint32_t before) noexcept {
  return crc32_gzip_refl(before, reinterpret_cast<const unsigned char*>(data.data()), data.size());
}

std::uint32_t crc32c(ByteView data, std::uint32_t before) noexcept {
  // The library takes an int and a pointer that is not const, though it only reads.
  constexpr std::size_t kMost = std::size_t{1} << 30;
  auto* next = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(data.data()));
  std::uint32_t state = ~before;
  for (std::size_t left = data.size(); left != 0;) {
    const std::size_t now = std::min(left, kMost);
    state = crc32_iscsi(next, static_cast<int>(now), state);
    next += now;
    left -= now;
  }
  return ~state;
}

std::uint64_t crc64nvme(ByteView data, std::uint64_t before) noexcept {
  switch (data.size() < kCrc64FoldFrom ? Crc64Fold::none : crc64_fold_available()) {
    case Crc64Fold::wide: return ~crc64nvme_fold_wide(~before, data.data(), data.size());
    case Crc64Fold::narrow: return ~crc64nvme_fold(~before, data.data(), data.size());
    case Crc64Fold::none: break;
  }
  return crc64nvme_portable(data, before);
}

std::uint32_t crc32_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) noexcept {
  return Crc32Polynomial::combine(crc_a, crc_b, length_b);
}

std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) noexcept {
  return Crc32cPolynomial::combine(crc_a, crc_b, length_b);
}

std::uint64_t crc64nvme_combine(std::uint64_t crc_a, std::uint64_t crc_b, std::uint64_t length_b) noexcept {
  return Crc64NvmePolynomial::combine(crc_a, crc_b, length_b);
}

std::uint32_t crc32_portable(ByteView data, std::uint32_t before) noexcept {
  return Crc32Polynomial::update(before, data);
}

std::uint32_t crc32c_portable(ByteView data, std::uint32_t before) noexcept {
  return Crc32cPolynomial::update(before, data);
}

std::uint64_t crc64nvme_portable(ByteView data, std::uint64_t before) noexcept {
  return Crc64NvmePolynomial::update(before, data);
}

}  // namespace haul

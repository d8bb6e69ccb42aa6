// CRC64NVME by carry-less multiplication. The callers are crc.cc, the tests and the benchmark; everybody else
// takes crc64nvme() from base/crc.h.
#pragma once
#include <cstddef>
#include <cstdint>

namespace haul {

// What this processor can do: 128-bit lanes (PCLMULQDQ on x86-64, PMULL on arm64) or 512-bit ones
// (VPCLMULQDQ).
enum class Crc64Fold { none, narrow, wide };
Crc64Fold crc64_fold_available() noexcept;

// Both need at least this many bytes, and a processor that has them.
inline constexpr std::size_t kCrc64FoldFrom = 32;

// Advance the raw register (the inverted CRC) over the bytes. A build for a processor family without the
// instruction keeps the function, on the portable way, so that callers need no conditions.
std::uint64_t crc64nvme_fold(std::uint64_t state, const std::byte* data, std::size_t size) noexcept;
std::uint64_t crc64nvme_fold_wide(std::uint64_t state, const std::byte* data, std::size_t size) noexcept;

}  // namespace haul

// The three CRCs that S3 knows, at the speed of the processor.
//
//   crc32      reflected 0xEDB88320 (zlib, gzip, IEEE 802.3)
//   crc32c     reflected 0x82F63B78 (Castagnoli, iSCSI)
//   crc64nvme  reflected 0x9A6C9329AC4BC9B5 (NVM Express, "CRC-64/NVME")
//
// A CRC value is always finished: crc(b, crc(a)) is the CRC of a followed by b, and nothing has the value 0.
// `combine(crc_a, crc_b, length_b)` gives that same value without the bytes, in O(log length_b); this is how
// the checksum of a whole object is composed from its parts.
//
// Pure functions, safe from any thread. What the processor offers is chosen at run time; `*_portable` are the
// twins in plain C++, for processors without carry-less multiplication and for tests.
#pragma once
#include <cstdint>

#include "base/bytes.h"

namespace haul {

std::uint32_t crc32(ByteView data, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c(ByteView data, std::uint32_t before = 0) noexcept;
std::uint64_t crc64nvme(ByteView data, std::uint64_t before = 0) noexcept;

std::uint32_t crc32_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) noexcept;
std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t length_b) noexcept;
std::uint64_t crc64nvme_combine(std::uint64_t crc_a, std::uint64_t crc_b, std::uint64_t length_b) noexcept;

std::uint32_t crc32_portable(ByteView data, std::uint32_t before = 0) noexcept;
std::uint32_t crc32c_portable(ByteView data, std::uint32_t before = 0) noexcept;
std::uint64_t crc64nvme_portable(ByteView data, std::uint64_t before = 0) noexcept;

}  // namespace haul

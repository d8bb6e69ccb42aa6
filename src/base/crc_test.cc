#include "base/crc.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/crc64_fold.h"

namespace haul {
namespace {

std::vector<std::byte> random_bytes(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::byte> bytes(size);
  for (auto& b : bytes)
    b = static_cast<std::byte>(random());
  return bytes;
}

TEST(Crc, has_the_published_check_values) {
  const ByteView check = as_bytes("123456789");
  EXPECT_EQ(crc32(check), 0xcbf43926U);
  EXPECT_EQ(crc32c(check), 0xe3069283U);
  EXPECT_EQ(crc64nvme(check), 0xae8b14860a799888U);
  EXPECT_EQ(crc32_portable(check), 0xcbf43926U);
  EXPECT_EQ(crc32c_portable(check), 0xe3069283U);
  EXPECT_EQ(crc64nvme_portable(check), 0xae8b14860a799888U);
}

TEST(Crc, of_nothing_is_zero) {
  EXPECT_EQ(crc32({}), 0U);
  EXPECT_EQ(crc32c({}), 0U);
  EXPECT_EQ(crc64nvme({}), 0U);
  EXPECT_EQ(crc64nvme_portable({}), 0U);
}

TEST(Crc, equals_its_portable_twin_at_every_length_and_alignment) {
  const auto bytes = random_bytes(1100 + 64, 1);
  for (std::size_t length = 0; length <= 1100; ++length) {
    for (const std::size_t offset : {0U, 1U, 3U, 8U, 15U, 16U, 31U, 63U}) {
      const ByteView part = ByteView(bytes).subspan(offset, length);
      ASSERT_EQ(crc32(part, 7), crc32_portable(part, 7)) << length << " at " << offset;
      ASSERT_EQ(crc32c(part, 7), crc32c_portable(part, 7)) << length << " at " << offset;
      ASSERT_EQ(crc64nvme(part, 7), crc64nvme_portable(part, 7)) << length << " at " << offset;
    }
  }
}

TEST(Crc, folds_alike_in_narrow_and_wide_lanes) {
  const auto bytes = random_bytes(5000 + 16, 2);
  const Crc64Fold available = crc64_fold_available();
  for (std::size_t length = kCrc64FoldFrom; length <= 5000; length += length < 1100 ? 1 : 37) {
    for (const std::size_t offset : {0U, 1U, 7U, 16U}) {
      const ByteView part = ByteView(bytes).subspan(offset, length);
      const std::uint64_t expected = ~crc64nvme_portable(part, 99);
      if (available != Crc64Fold::none) {
        ASSERT_EQ(crc64nvme_fold(~std::uint64_t{99}, part.data(), length), expected) << length;
      }
      if (available == Crc64Fold::wide) {
        ASSERT_EQ(crc64nvme_fold_wide(~std::uint64_t{99}, part.data(), length), expected) << length;
      }
    }
  }
}

TEST(Crc, goes_on_from_an_earlier_value) {
  const auto bytes = random_bytes(4000, 3);
  std::mt19937 random(4);
  for (int round = 0; round < 200; ++round) {
    const std::size_t cut = random() % (bytes.size() + 1);
    const ByteView a = ByteView(bytes).first(cut);
    const ByteView b = ByteView(bytes).subspan(cut);
    ASSERT_EQ(crc32(b, crc32(a)), crc32(bytes)) << cut;
    ASSERT_EQ(crc32c(b, crc32c(a)), crc32c(bytes)) << cut;
    ASSERT_EQ(crc64nvme(b, crc64nvme(a)), crc64nvme(bytes)) << cut;
  }
}

TEST(Crc, of_the_whole_is_combined_from_its_parts) {
  const auto bytes = random_bytes(3000, 5);
  for (std::size_t cut = 0; cut <= bytes.size(); cut += cut < 40 || cut > 2960 ? 1 : 97) {
    const ByteView a = ByteView(bytes).first(cut);
    const ByteView b = ByteView(bytes).subspan(cut);
    ASSERT_EQ(crc32_combine(crc32(a), crc32(b), b.size()), crc32(bytes)) << cut;
    ASSERT_EQ(crc32c_combine(crc32c(a), crc32c(b), b.size()), crc32c(bytes)) << cut;
    ASSERT_EQ(crc64nvme_combine(crc64nvme(a), crc64nvme(b), b.size()), crc64nvme(bytes)) << cut;
  }
}

TEST(Crc, combines_over_lengths_that_nobody_would_read) {
  // Appending 2^40 + 2^40 zero bytes is appending 2^41: lengths add up as exponents do.
  const std::uint64_t half = std::uint64_t{1} << 40;
  const std::uint64_t zeros64 = crc64nvme_combine(0, 0, half);
  EXPECT_EQ(zeros64, 0U);
  const std::uint64_t once = crc64nvme_combine(0x1234, 0x77, half);
  const std::uint64_t twice = crc64nvme_combine(once, 0x77, half);
  const std::uint64_t pair = crc64nvme_combine(0x77, 0x77, half);
  EXPECT_EQ(twice, crc64nvme_combine(0x1234, pair, 2 * half));
  const std::uint32_t pair32 = crc32c_combine(0x77, 0x77, half);
  EXPECT_EQ(crc32c_combine(crc32c_combine(0x1234, 0x77, half), 0x77, half),
            crc32c_combine(0x1234, pair32, 2 * half));
}

}  // namespace
}  // namespace haul

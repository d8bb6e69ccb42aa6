#include "base/checksum.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace haul {
namespace {

constexpr std::array kAllAlgorithms{ChecksumAlgorithm::crc64nvme, ChecksumAlgorithm::crc32c,
                                    ChecksumAlgorithm::crc32,     ChecksumAlgorithm::sha1,
                                    ChecksumAlgorithm::sha256,    ChecksumAlgorithm::md5};

Checksum of(ChecksumAlgorithm algorithm, std::string_view text) {
  return checksum_of(algorithm, as_bytes(text));
}

TEST(Checksum, is_written_as_s3_writes_it) {
  EXPECT_EQ(of(ChecksumAlgorithm::crc32, "123456789").base64(), "y/Q5Jg==");
  EXPECT_EQ(of(ChecksumAlgorithm::crc32c, "123456789").base64(), "4waSgw==");
  EXPECT_EQ(of(ChecksumAlgorithm::crc64nvme, "123456789").base64(), "rosUhgp5mIg=");
  EXPECT_EQ(of(ChecksumAlgorithm::crc64nvme, "").base64(), "AAAAAAAAAAA=");
  EXPECT_EQ(of(ChecksumAlgorithm::md5, "").base64(), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(of(ChecksumAlgorithm::sha256, "abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Checksum, round_trips_through_its_text) {
  for (const auto algorithm : kAllAlgorithms) {
    const Checksum whole = of(algorithm, "some content");
    EXPECT_EQ(Checksum::parse(algorithm, whole.to_string()), whole);
    const Checksum composite = compose(std::array{whole, whole, whole});
    EXPECT_TRUE(composite.to_string().ends_with("-3"));
    EXPECT_EQ(Checksum::parse(algorithm, composite.to_string()), composite);
  }
}

TEST(Checksum, refuses_a_malformed_value) {
  const auto parse = [](std::string_view text) { return Checksum::parse(ChecksumAlgorithm::crc32, text); };
  EXPECT_TRUE(parse("y/Q5Jg=="));
  for (const auto* bad : {"", "y/Q5", "y/Q5Jg", "y/Q5Jg==-", "y/Q5Jg==-0", "y/Q5Jg==-x", "y/Q5Jg==-1x", "-1",
                          "rosUhgp5mIg=", "y/Q5Jg== ", "y/Q5Jg==-99999999999"}) {
    EXPECT_FALSE(parse(bad)) << bad;
  }
}

TEST(Checksum, keeps_the_type_that_the_server_named) {
  const auto parsed = Checksum::parse(ChecksumAlgorithm::crc32, "y/Q5Jg==", ChecksumType::composite);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->type(), ChecksumType::composite);
  EXPECT_EQ(parsed->parts(), 0U);
  EXPECT_EQ(parsed->to_string(), "y/Q5Jg==");
}

TEST(Checksum, of_the_wrong_size_is_refused) {
  EXPECT_THROW(Checksum(ChecksumAlgorithm::sha1, as_bytes("short")), Error);
}

TEST(ChecksumAlgorithmName, is_read_in_either_case) {
  for (const auto algorithm : kAllAlgorithms) {
    EXPECT_EQ(parse_checksum_algorithm(to_string(algorithm)), algorithm);
  }
  EXPECT_EQ(parse_checksum_algorithm("CRC64NVME"), ChecksumAlgorithm::crc64nvme);
  EXPECT_EQ(parse_checksum_algorithm("SHA512"), std::nullopt);
  EXPECT_EQ(parse_checksum_algorithm("crc"), std::nullopt);
}

TEST(Combining, gives_the_checksum_of_the_whole_for_each_crc) {
  const std::string a(5000, 'a');
  const std::string b(777, 'b');
  for (const auto algorithm : kAllAlgorithms) {
    if (is_crc(algorithm)) {
      EXPECT_EQ(combine(of(algorithm, a), of(algorithm, b), b.size()), of(algorithm, a + b));
    } else {
      EXPECT_THROW(combine(of(algorithm, a), of(algorithm, b), b.size()), Error);
    }
  }
  EXPECT_THROW(combine(of(ChecksumAlgorithm::crc32, a), of(ChecksumAlgorithm::crc32c, b), 1), Error);
}

TEST(Composing, digests_the_digests_of_the_parts) {
  const Checksum a = of(ChecksumAlgorithm::md5, "a");
  const Checksum b = of(ChecksumAlgorithm::md5, "b");
  const std::string joined = std::string(as_text(a.bytes())) + std::string(as_text(b.bytes()));
  const Checksum composite = compose(std::array{a, b});
  EXPECT_EQ(composite.hex(), of(ChecksumAlgorithm::md5, joined).hex());
  EXPECT_EQ(composite.parts(), 2U);
  EXPECT_THROW(compose({}), Error);
  EXPECT_THROW(compose(std::array{a, of(ChecksumAlgorithm::sha1, "b")}), Error);
  EXPECT_THROW(compose(std::array{composite}), Error);
}

TEST(Comparing, is_decided_by_full_object_values) {
  const auto crc = [](std::string_view text) { return of(ChecksumAlgorithm::crc32c, text); };
  EXPECT_EQ(compare(Checksums(crc("x")), Checksums(crc("x"))), ChecksumMatch::same);
  EXPECT_EQ(compare(Checksums(crc("x")), Checksums(crc("y"))), ChecksumMatch::different);
  EXPECT_EQ(compare(Checksums(crc("x")), Checksums(of(ChecksumAlgorithm::md5, "x"))), ChecksumMatch::unknown);
  EXPECT_EQ(compare({}, {}), ChecksumMatch::unknown);
  Checksums contradictory(crc("x"));
  contradictory.put(of(ChecksumAlgorithm::md5, "y"));
  Checksums other(crc("x"));
  other.put(of(ChecksumAlgorithm::md5, "x"));
  EXPECT_EQ(compare(contradictory, other), ChecksumMatch::different);
}

TEST(Comparing, takes_other_parts_for_unknown_not_for_different) {
  const Checksum part = of(ChecksumAlgorithm::sha256, "x");
  const Checksums one(compose(std::array{part}));
  const Checksums two(compose(std::array{part, part}));
  EXPECT_EQ(compare(one, one), ChecksumMatch::same);
  EXPECT_EQ(compare(one, two), ChecksumMatch::unknown);
}

TEST(Checksums, hold_one_value_per_algorithm_and_type) {
  Checksums set;
  EXPECT_TRUE(set.empty());
  set.put(of(ChecksumAlgorithm::crc32, "old"));
  set.put(of(ChecksumAlgorithm::crc32, "new"));
  set.put(compose(std::array{of(ChecksumAlgorithm::crc32, "new")}));
  EXPECT_EQ(std::distance(set.begin(), set.end()), 2);
  ASSERT_NE(set.find(ChecksumAlgorithm::crc32), nullptr);
  EXPECT_EQ(*set.find(ChecksumAlgorithm::crc32), of(ChecksumAlgorithm::crc32, "new"));
  EXPECT_NE(set.find(ChecksumAlgorithm::crc32, ChecksumType::composite), nullptr);
  EXPECT_EQ(set.find(ChecksumAlgorithm::md5), nullptr);
}

TEST(Hasher, counts_and_starts_again) {
  for (const auto algorithm : kAllAlgorithms) {
    Hasher hasher(algorithm);
    for (int round = 0; round < 2; ++round) {
      hasher.update(as_bytes("some "));
      hasher.update(as_bytes("content"));
      EXPECT_EQ(hasher.length(), 12U);
      EXPECT_EQ(hasher.finish(), of(algorithm, "some content"));
    }
    hasher.update(as_bytes("lost"));
    hasher.reset();
    EXPECT_EQ(hasher.length(), 0U);
    EXPECT_EQ(hasher.finish(), of(algorithm, ""));
  }
}

}  // namespace
}  // namespace haul

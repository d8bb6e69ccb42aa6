#include "stores/s3/copy.h"

#include <gtest/gtest.h>

#include "stores/s3/conditions.h"
#include "stores/s3/lister.h"
#include "stores/s3/upload.h"

namespace haul::s3 {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;

TEST(S3Copy, TheSourceIsEncodedWithItsVersion) {
  EXPECT_EQ(copy_source("b", "a b/c+d?", ""), "/b/a%20b/c%2Bd%3F");
  EXPECT_EQ(copy_source("b", "k", "v/1"), "/b/k?versionId=v%2F1");
}

TEST(S3Copy, PartsGrowWithTheObject) {
  EXPECT_EQ(copy_part_size(6 * kGiB, 512 * kMiB), 512 * kMiB);
  const std::uint64_t largest = 50'000'000'000'000;
  const std::uint64_t part = copy_part_size(largest, 512 * kMiB);
  EXPECT_LE((largest + part - 1) / part, 10'000U);
  EXPECT_LE(part, 5 * kGiB);
}

TEST(S3Upload, TheEtagOfAnUploadIsThatOfItsParts) {
  // md5("a") and md5("b"), and the md5 of both digests one after the other.
  const std::vector<UploadedPart> parts{{"0cc175b9c0f1b6a831c399e269772661", {}},
                                        {"\"92eb5ffee6ae2fec3ad71c777531578f\"", {}}};
  EXPECT_EQ(multipart_etag(parts), "96e024ba2074fe77e8e965ba43a704be-2");
  const std::vector<UploadedPart> other{{"not an md5", {}}};
  EXPECT_EQ(multipart_etag(other), "");
}

TEST(S3Conditions, OnlyProofMakesAnObjectOurs) {
  store::Details found;
  found.size = 7;
  found.etag = "e";
  const Checksum sum = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("content"));
  EXPECT_FALSE(is_what_was_written(found, {.size = 7}));
  EXPECT_FALSE(is_what_was_written(found, {.size = 8, .etag = "e"}));
  EXPECT_TRUE(is_what_was_written(found, {.size = 7, .etag = "e"}));
  EXPECT_FALSE(is_what_was_written(found, {.size = 7, .checksum = sum}));
  found.checksums.put(sum);
  EXPECT_TRUE(is_what_was_written(found, {.size = 7, .checksum = sum, .etag = "another"}));
  EXPECT_FALSE(is_what_was_written(
      found,
      {.size = 7, .checksum = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("changed")), .etag = "e"}));
}

TEST(S3Listing, DirectoryBucketsPromiseNoOrder) {
  EXPECT_TRUE(has_ordered_keys("bucket"));
  EXPECT_FALSE(has_ordered_keys("bucket--use1-az5--x-s3"));
}

}  // namespace
}  // namespace haul::s3

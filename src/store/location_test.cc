#include "store/location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::store {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text) {
  try {
    parse_location(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  ADD_FAILURE() << "accepted: " << text;
  return "";
}

TEST(Location, BucketAndKeyAreSplitAtTheFirstSlash) {
  const Location location = parse_location("s3://media-old/image/2020/a.jpg");
  EXPECT_EQ(location.scheme, Scheme::s3);
  EXPECT_EQ(location.bucket, "media-old");
  EXPECT_EQ(location.path, "image/2020/a.jpg");
  EXPECT_EQ(location.text, "s3://media-old/image/2020/a.jpg");
}

TEST(Location, KeysAreTakenByteForByte) {
  EXPECT_EQ(parse_location("s3://bucket//leading").path, "/leading");
  EXPECT_EQ(parse_location("s3://bucket/a/../b").path, "a/../b");
  EXPECT_EQ(parse_location("s3://bucket/a%2Fb+c?d#e").path, "a%2Fb+c?d#e");
  EXPECT_EQ(parse_location("s3://bucket/a\nb\x01").path, "a\nb\x01");
  EXPECT_EQ(parse_location("s3://bucket/s3://other/").path, "s3://other/");
}

TEST(Location, ABucketAloneIsItsRoot) {
  for (const char* text : {"s3://bucket", "s3://bucket/", "S3://bucket"}) {
    const Location location = parse_location(text);
    EXPECT_EQ(location.bucket, "bucket");
    EXPECT_EQ(location.path, "");
    EXPECT_TRUE(location.ends_in_slash());
  }
}

TEST(Location, WhatHasNoSchemeIsAPath) {
  for (const char* text : {"/srv/data", "data", "./a://b", ".", "a:b", "://x", "1a://b", "bucket/key"}) {
    const Location location = parse_location(text);
    EXPECT_EQ(location.scheme, Scheme::local) << text;
    EXPECT_EQ(location.path, text);
  }
}

TEST(Location, AHyphenIsAStandardStream) {
  EXPECT_EQ(parse_location("-").scheme, Scheme::standard_stream);
  EXPECT_EQ(parse_location("--").scheme, Scheme::local);
}

TEST(Location, EndsInSlashOnlyIfTheUserWroteOne) {
  EXPECT_TRUE(parse_location("s3://bucket/a/").ends_in_slash());
  EXPECT_FALSE(parse_location("s3://bucket/a").ends_in_slash());
  EXPECT_TRUE(parse_location("dir/").ends_in_slash());
}

TEST(Location, GlobsAreSeenUnlessEscaped) {
  EXPECT_TRUE(parse_location("s3://bucket/logs/*.gz").has_glob());
  EXPECT_TRUE(parse_location("a?b").has_glob());
  EXPECT_TRUE(parse_location("[ab]").has_glob());
  EXPECT_FALSE(parse_location("a\\*b\\[\\?").has_glob());
  EXPECT_TRUE(parse_location("a\\\\*").has_glob());
  EXPECT_FALSE(parse_location("plain\\").has_glob());
}

TEST(Location, OldBucketNamesAreLeftToTheServer) {
  EXPECT_EQ(parse_location("s3://Old_Bucket.Name/k").bucket, "Old_Bucket.Name");
}

TEST(Location, UnknownSchemesAreRefusedWithARemedy) {
  EXPECT_THAT(refusal("gs://bucket/x"), HasSubstr("'gs' is not known"));
  EXPECT_THAT(refusal("file:///tmp"), HasSubstr("./file://"));
}

TEST(Location, MalformedBucketsAreRefusedWithThePosition) {
  EXPECT_THAT(refusal("s3://"), HasSubstr("missing at character 6"));
  EXPECT_THAT(refusal("s3:///key"), HasSubstr("missing"));
  EXPECT_THAT(refusal("s3://ab/k"), HasSubstr("too short"));
  EXPECT_THAT(refusal("s3://buck et/k"), HasSubstr("character 10"));
  EXPECT_THAT(refusal("s3://buck..et"), HasSubstr("two dots in a row in the bucket's name at character 10"));
  EXPECT_THAT(refusal("s3://-bucket"), HasSubstr("begins with"));
  EXPECT_THAT(refusal("s3://bucket-/x"), HasSubstr("ends with"));
  EXPECT_THAT(refusal("s3://" + std::string(256, 'b')), HasSubstr("too long"));
  EXPECT_THAT(refusal("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x"), HasSubstr("alias"));
}

TEST(Location, EmptyAndNulAreRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal(std::string_view("a\0b", 3)), HasSubstr("NUL byte at character 2"));
}

}  // namespace
}  // namespace haul::store

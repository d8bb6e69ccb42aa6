#include "stores/s3/object_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/time_format.h"

namespace haul::s3 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

using Lines = std::vector<std::pair<std::string, std::string>>;

store::Details details_of(const Lines& lines) {
  DetailsBuilder builder("k");
  for (const auto& [name, value] : lines)
    builder.add(name, value);
  return builder.finish();
}

std::string lines_of(const store::Properties& properties, std::vector<std::string>* losses = nullptr) {
  HeaderList headers;
  std::vector<std::string> ignored;
  add_properties(headers, properties, losses != nullptr ? *losses : ignored);
  std::string lines;
  headers.append_lines(lines);
  return lines;
}

TEST(ObjectHeaders, AnAnswerBecomesDetails) {
  const auto details = details_of({{"ETag", "\"abc-3\""},
                                   {"Content-Length", "12"},
                                   {"Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"},
                                   {"Content-Type", "text/plain"},
                                   {"x-amz-version-id", "v1"},
                                   {"X-Amz-Meta-Colour", "red"},
                                   {"x-amz-meta-file-mtime", "5ns"},
                                   {"x-amz-tagging-count", "2"},
                                   {"x-amz-checksum-crc64nvme", "rosUhgp5mIg="},
                                   {"x-amz-checksum-type", "FULL_OBJECT"},
                                   {"x-amz-server-side-encryption", "aws:kms"}});
  EXPECT_EQ(details.etag, "abc-3");
  EXPECT_EQ(details.part_count, 3U);
  EXPECT_EQ(details.size, 12U);
  EXPECT_EQ(details.modified, *parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"));
  EXPECT_EQ(details.properties.content.type, "text/plain");
  EXPECT_EQ(details.version, "v1");
  EXPECT_THAT(details.properties.metadata, ElementsAre(Pair("colour", "red"), Pair("file-mtime", "5ns")));
  EXPECT_EQ(details.properties.posix->mtime, Time(std::chrono::nanoseconds(5)));
  EXPECT_EQ(details.tag_count, 2U);
  ASSERT_NE(details.checksums.find(ChecksumAlgorithm::crc64nvme), nullptr);
  EXPECT_EQ(details.encryption, "aws:kms");
  EXPECT_FALSE(details.archived);
}

TEST(ObjectHeaders, TheSizeOfARangeIsThatOfTheObject) {
  EXPECT_EQ(details_of({{"Content-Length", "10"}, {"Content-Range", "bytes 0-9/123456"}}).size, 123456U);
}

TEST(ObjectHeaders, ACompositeChecksumIsNotOneOfTheObject) {
  const auto details =
      details_of({{"x-amz-checksum-crc32", "y/Q5Jg==-2"}, {"x-amz-checksum-type", "COMPOSITE"}});
  EXPECT_EQ(details.checksums.find(ChecksumAlgorithm::crc32), nullptr);
  EXPECT_NE(details.checksums.find(ChecksumAlgorithm::crc32, ChecksumType::composite), nullptr);
}

TEST(ObjectHeaders, ArchivedUntilRestored) {
  EXPECT_TRUE(details_of({{"x-amz-storage-class", "GLACIER"}}).archived);
  EXPECT_TRUE(
      details_of({{"x-amz-storage-class", "DEEP_ARCHIVE"}, {"x-amz-restore", "ongoing-request=\"true\""}})
          .archived);
  EXPECT_FALSE(details_of({{"x-amz-storage-class", "GLACIER"},
                           {"x-amz-restore", "ongoing-request=\"false\", expiry-date=\"Fri\""}})
                   .archived);
  EXPECT_FALSE(details_of({{"x-amz-storage-class", "GLACIER_IR"}}).archived);
  EXPECT_TRUE(
      details_of({{"x-amz-storage-class", "INTELLIGENT_TIERING"}, {"x-amz-archive-status", "ARCHIVE_ACCESS"}})
          .archived);
}

TEST(ObjectHeaders, PropertiesBecomeHeaders) {
  store::Properties properties;
  properties.content = {.type = "image/jpeg", .cache_control = "no-store"};
  properties.metadata = {{"Colour", "red"}, {"author", "Jos\xc3\xa9"}};
  properties.posix = store::PosixAttributes{.mode = 0100644};
  EXPECT_EQ(
      lines_of(properties),
      "cache-control: no-store\r\ncontent-type: image/jpeg\r\nx-amz-meta-author: =?UTF-8?B?Sm9zw6k=?=\r\n"
      "x-amz-meta-colour: red\r\nx-amz-meta-file-permissions: 0100644\r\n");
}

TEST(ObjectHeaders, AttributesThatMetadataHasAlreadyAreNotRewritten) {
  store::Properties properties;
  properties.metadata = {{"mtime", "1.5"}};
  properties.posix = store::PosixAttributes{.mtime = Time(std::chrono::milliseconds(1500))};
  EXPECT_EQ(lines_of(properties), "x-amz-meta-mtime: 1.5\r\n");
}

TEST(ObjectHeaders, AttributesThatDoNotFitAreANamedLoss) {
  store::Properties properties;
  properties.metadata = {{"big", std::string(2040, 'x')}};
  properties.posix = store::PosixAttributes{.mode = 0100644};
  std::vector<std::string> losses;
  EXPECT_EQ(lines_of(properties, &losses), "x-amz-meta-big: " + std::string(2040, 'x') + "\r\n");
  EXPECT_THAT(losses, ElementsAre("posix"));
}

TEST(ObjectHeaders, MetadataCannotSmuggleHeaders) {
  EXPECT_THROW(lines_of({.metadata = {{"a", "1\r\nx-amz-acl: public-read"}}}), Error);
  EXPECT_THROW(lines_of({.metadata = {{"a\r\nb", "1"}}}), Error);
  EXPECT_THROW(lines_of({.content = {.type = "a\nb"}}), Error);
}

TEST(ObjectHeaders, ValuesKeepTheirSpellingWhereTheyCan) {
  EXPECT_EQ(metadata_value("plain text"), "plain text");
  EXPECT_EQ(metadata_value("=?UTF-8?B?Sm9zw6k=?="), "=?UTF-8?B?Sm9zw6k=?=");
  EXPECT_EQ(metadata_value(" x"), "=?UTF-8?B?IHg=?=");
  EXPECT_THROW(metadata_value("\xff"), Error);
}

TEST(ObjectHeaders, LongValuesAreSeveralWordsOfWholeCharacters) {
  std::string value;
  for (int i = 0; i < 40; ++i)
    value += "\xe2\x82\xac";
  EXPECT_EQ(metadata_value(value).size(), 3 * 12 + 2 + 2 * 60 + 40U);
}

TEST(ObjectHeaders, TagsAreAQuery) {
  HeaderList headers;
  add_tags(headers, {{"a b", "1&2"}, {"c", ""}});
  EXPECT_EQ(headers.find("x-amz-tagging"), "a%20b=1%262&c=");
}

TEST(ObjectHeaders, EncryptionIsAsked) {
  BucketOptions options;
  options.encryption = {
      .kind = EncryptionKind::kms, .kms_key_id = "key", .kms_context = "{}", .bucket_key = true};
  options.storage_class = "STANDARD_IA";
  HeaderList headers;
  add_settings(headers, options, "");
  EXPECT_EQ(headers.find("x-amz-server-side-encryption"), "aws:kms");
  EXPECT_EQ(headers.find("x-amz-server-side-encryption-context"), "e30=");
  EXPECT_EQ(headers.find("x-amz-storage-class"), "STANDARD_IA");
  HeaderList other;
  add_settings(other, options, "GLACIER");
  EXPECT_EQ(other.find("x-amz-storage-class"), "GLACIER");
}

TEST(ObjectHeaders, ACustomerKeyGoesWithItsDigest) {
  HeaderList headers;
  add_customer_key(headers,
                   {.kind = EncryptionKind::customer, .customer_key = auth::Secret(std::string(32, 'k'))});
  EXPECT_EQ(headers.find("x-amz-server-side-encryption-customer-algorithm"), "AES256");
  EXPECT_EQ(headers.find("x-amz-server-side-encryption-customer-key-md5").size(), 24U);
  HeaderList none;
  add_customer_key(none, {});
  EXPECT_THAT(none.all(), IsEmpty());
}

TEST(ObjectHeaders, AwsChunkedIsNoEncodingOfTheContent) {
  EXPECT_EQ(details_of({{"content-encoding", "aws-chunked"}}).properties.content.encoding, "");
  EXPECT_EQ(details_of({{"content-encoding", "gzip,aws-chunked"}}).properties.content.encoding, "gzip");
  EXPECT_EQ(details_of({{"content-encoding", "aws-chunked, gzip"}}).properties.content.encoding, "gzip");
}

}  // namespace
}  // namespace haul::s3

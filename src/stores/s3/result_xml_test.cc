#include "stores/s3/result_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/time_format.h"

namespace haul::s3 {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ResultXml, ACopyAnswersWithEtagAndChecksums) {
  std::string body =
      "  \n  <?xml "
      "version=\"1.0\"?><CopyObjectResult><ETag>&quot;abc&quot;</ETag><LastModified>x</LastModified>"
      "<ChecksumCRC64NVME>rosUhgp5mIg=</ChecksumCRC64NVME><ChecksumType>FULL_OBJECT</ChecksumType></"
      "CopyObjectResult>";
  const auto result = parse_object_result(body);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->etag, "abc");
  EXPECT_NE(result->checksums.find(ChecksumAlgorithm::crc64nvme), nullptr);
}

TEST(ResultXml, AnErrorUnderStatus200IsAnError) {
  std::string body = "\n\n\n<Error><Code>InternalError</Code><Message>again</Message></Error>";
  const auto result = parse_object_result(body);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, "InternalError");
}

TEST(ResultXml, KeepAliveWhiteSpaceWithoutADocumentIsRetryable) {
  std::string body = " \n \n ";
  EXPECT_THROW(static_cast<void>(parse_object_result(body)), Error);
}

TEST(ResultXml, AnUploadHasAnId) {
  std::string body =
      "<InitiateMultipartUploadResult><Bucket>b</Bucket><UploadId>u+/=</UploadId></"
      "InitiateMultipartUploadResult>";
  EXPECT_EQ(parse_upload_id(body), "u+/=");
  std::string none = "<InitiateMultipartUploadResult></InitiateMultipartUploadResult>";
  EXPECT_THROW(static_cast<void>(parse_upload_id(none)), Error);
}

TEST(ResultXml, ADeleteNamesTheKeysThatFailed) {
  std::string body =
      "<DeleteResult><Deleted><Key>a</Key></Deleted><Error><Key>b&amp;&#13;</Key><VersionId>v</VersionId>"
      "<Code>SlowDown</Code><Message>m</Message></Error></DeleteResult>";
  const auto failures = parse_delete_result(body);
  ASSERT_TRUE(failures);
  ASSERT_EQ(failures->size(), 1U);
  EXPECT_EQ((*failures)[0].key, "b&\r");
  EXPECT_EQ((*failures)[0].code, "SlowDown");
  std::string empty = "<DeleteResult/>";
  EXPECT_THAT(*parse_delete_result(empty), IsEmpty());
}

TEST(ResultXml, TagsComeBackAsTheyWent) {
  const store::Tags tags{{"a&b", "<1>"}, {"c", ""}};
  std::string body = tagging_document(tags);
  EXPECT_EQ(*parse_tagging(body), tags);
}

TEST(ResultXml, PendingUploadsAreListed) {
  std::string body =
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>a%2Fb</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
      "<Upload><Key>a%2Fb</Key><UploadId>u</UploadId><Initiated>2024-01-01T00:00:00.000Z</Initiated></Upload>"
      "</ListMultipartUploadsResult>";
  const auto pending = parse_uploads(body);
  ASSERT_TRUE(pending);
  EXPECT_TRUE(pending->truncated);
  EXPECT_EQ(pending->key_marker, "a/b");
  ASSERT_EQ(pending->uploads.size(), 1U);
  EXPECT_EQ(pending->uploads[0].key, "a/b");
  EXPECT_EQ(pending->uploads[0].initiated, *parse_iso8601("2024-01-01T00:00:00Z"));
}

TEST(ResultXml, BucketsLocationsAndVersioning) {
  std::string buckets =
      "<ListAllMyBucketsResult><Owner><ID>x</ID></Owner><Buckets><Bucket><Name>one</"
      "Name><CreationDate>2024-01-01T00:00:00Z"
      "</CreationDate></Bucket><Bucket><Name>two</Name></Bucket></Buckets></ListAllMyBucketsResult>";
  const auto page = parse_buckets(buckets);
  ASSERT_EQ(page->buckets.size(), 2U);
  EXPECT_EQ(page->buckets[1].name, "two");
  std::string nowhere = "<LocationConstraint xmlns=\"x\"/>";
  EXPECT_EQ(*parse_location_constraint(nowhere), "us-east-1");
  std::string europe = "<LocationConstraint>EU</LocationConstraint>";
  EXPECT_EQ(*parse_location_constraint(europe), "eu-west-1");
  std::string versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  EXPECT_EQ(*parse_versioning_status(versioning), "Enabled");
}

TEST(ResultXml, PartsAreNumberedFromOne) {
  const std::vector<UploadedPart> parts{
      {"\"e1\"", {checksum_of(ChecksumAlgorithm::crc32, as_bytes("123456789"))}}, {"e2", {}}};
  EXPECT_EQ(complete_document(parts),
            "<CompleteMultipartUpload "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Part><PartNumber>1</PartNumber>"
            "<ETag>&quot;e1&quot;</ETag><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part><Part><PartNumber>2</"
            "PartNumber>"
            "<ETag>&quot;e2&quot;</ETag></Part></CompleteMultipartUpload>");
}

TEST(ResultXml, ADeleteDocumentEscapesKeys) {
  const store::RemoveItem first{.key = "a&b\r"};
  const store::RemoveItem second{.key = "c", .version = "v", .etag = "e"};
  const std::array items{&first, &second};
  EXPECT_EQ(delete_document(items),
            "<Delete "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet><Object><Key>a&amp;b&#13;</"
            "Key></Object>"
            "<Object><Key>c</Key><VersionId>v</VersionId><ETag>&quot;e&quot;</ETag></Object></Delete>");
}

}  // namespace
}  // namespace haul::s3

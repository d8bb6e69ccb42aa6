#include "stores/s3/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::s3 {
namespace {

using ::testing::HasSubstr;

std::optional<ErrorDocument> parse(std::string body) {
  return parse_error_document(body);
}

Error error_for(int status, std::string code) {
  ErrorDocument document;
  document.code = std::move(code);
  return make_error({.status = status}, document, "GetObject", "s3://b/k");
}

TEST(S3Errors, TheDocumentIsRead) {
  const auto document = parse(
      "<?xml version=\"1.0\" "
      "encoding=\"UTF-8\"?>\n<Error><Code>AuthorizationHeaderMalformed</Code><Message>the "
      "region 'a' is wrong &amp; more</Message><Region>eu-west-1</Region><RequestId>R1</RequestId>"
      "<HostId>H/+=</HostId></Error>");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->code, "AuthorizationHeaderMalformed");
  EXPECT_EQ(document->message, "the region 'a' is wrong & more");
  EXPECT_EQ(document->region, "eu-west-1");
  EXPECT_EQ(document->request_id, "R1");
  EXPECT_EQ(document->host_id, "H/+=");
}

TEST(S3Errors, ACutDocumentStillSaysItsCode) {
  EXPECT_EQ(parse("<Error><Code>SlowDown</Code><Mess")->code, "SlowDown");
}

TEST(S3Errors, OtherPagesAreNoErrorDocuments) {
  for (const char* body : {"", "<html>502</html>", "gateway timeout", "<Error><Co", "<CopyObjectResult/>"})
    EXPECT_FALSE(parse(body)) << body;
}

TEST(S3Errors, TheCodeDecidesAndNotTheStatus) {
  EXPECT_EQ(error_for(400, "RequestTimeout").error_class(), ErrorClass::timed_out);
  EXPECT_TRUE(error_for(400, "RequestTimeout").retryable());
  EXPECT_EQ(error_for(503, "SlowDown").error_class(), ErrorClass::throttled);
  EXPECT_EQ(error_for(503, "ServiceUnavailable").error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error_for(200, "InternalError").error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error_for(403, "RequestTimeTooSkewed").error_class(), ErrorClass::unauthenticated);
  EXPECT_FALSE(error_for(403, "AccessDenied").retryable());
  EXPECT_FALSE(error_for(404, "NoSuchKey").retryable());
  EXPECT_TRUE(error_for(400, "BadDigest").retryable());
  EXPECT_TRUE(error_for(409, "OperationAborted").retryable());
}

TEST(S3Errors, WithoutACodeTheStatusDecides) {
  EXPECT_EQ(error_for(404, "").error_class(), ErrorClass::not_found);
  EXPECT_EQ(error_for(403, "").error_class(), ErrorClass::permission_denied);
  EXPECT_EQ(error_for(412, "").error_class(), ErrorClass::precondition_failed);
  EXPECT_TRUE(error_for(500, "").retryable());
  EXPECT_TRUE(error_for(502, "Whatever").retryable());
  EXPECT_TRUE(error_for(429, "").retryable());
  EXPECT_FALSE(error_for(501, "").retryable());
}

TEST(S3Errors, AnErrorSaysWhatCameBackAndWhatToDo) {
  ErrorDocument document{.code = "NoSuchBucket", .message = "The specified bucket\ndoes not exist"};
  const Error error =
      make_error({.status = 404, .request_id = "R", .host_id = "H"}, document, "ListObjectsV2", "s3://b");
  EXPECT_THAT(error.what(), HasSubstr("ListObjectsV2: s3://b: The specified bucket\\ndoes not exist"));
  EXPECT_THAT(error.what(), HasSubstr("NoSuchBucket, HTTP 404, request id R / H"));
  EXPECT_THAT(error.what(), HasSubstr("haul mb"));
}

TEST(S3Errors, RemediesFollowTheReference) {
  const auto remedy = [](int status, std::string code, std::string header, std::string_view operation) {
    ErrorDocument document;
    document.code = std::move(code);
    return remedy_for({.status = status, .bucket_region = std::move(header)}, document, operation);
  };
  EXPECT_EQ(remedy(301, "PermanentRedirect", "", "GetObject"), Remedy::redirect);
  EXPECT_EQ(remedy(301, "", "eu-west-1", "HeadObject"), Remedy::redirect);
  EXPECT_EQ(remedy(400, "", "eu-west-1", "HeadObject"), Remedy::redirect);
  EXPECT_EQ(remedy(400, "", "", "HeadObject"), Remedy::none);
  EXPECT_EQ(remedy(400, "AuthorizationHeaderMalformed", "", "PutObject"), Remedy::redirect);
  EXPECT_EQ(remedy(400, "IllegalLocationConstraintException", "", "CreateBucket"), Remedy::none);
  EXPECT_EQ(remedy(403, "RequestTimeTooSkewed", "", "PutObject"), Remedy::fix_clock);
  EXPECT_EQ(remedy(400, "ExpiredToken", "", "PutObject"), Remedy::refresh);
  EXPECT_EQ(remedy(403, "AccessDenied", "eu-west-1", "PutObject"), Remedy::none);
}

TEST(S3Errors, RetryAfterIsHeededWithinAMinute) {
  using std::chrono::milliseconds;
  EXPECT_EQ(parse_retry_after("2", ""), milliseconds(2000));
  EXPECT_EQ(parse_retry_after("2", "150"), milliseconds(150));
  EXPECT_EQ(parse_retry_after("86400", ""), milliseconds(60'000));
  EXPECT_EQ(parse_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", ""), std::nullopt);
  EXPECT_EQ(parse_retry_after("", ""), std::nullopt);
}

}  // namespace
}  // namespace haul::s3

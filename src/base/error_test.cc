#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace haul {
namespace {

TEST(Error, says_in_one_line_what_was_tried_on_what_and_what_came_back) {
  const Error error = Error(ErrorClass::throttled, "reduce your request rate")
                          .during("PutObject")
                          .on("s3://b/k")
                          .with_code("SlowDown", 503)
                          .with_request_id("R1")
                          .with_attempts(7, std::chrono::seconds(3))
                          .with_hint("try later");
  EXPECT_STREQ(error.what(),
               "PutObject: s3://b/k: reduce your request rate (SlowDown, HTTP 503, request id R1, tried 7 "
               "times); try later");
}

TEST(Error, keeps_the_chain_of_causes) {
  const Error cause(ErrorClass::unavailable, "connection reset");
  const Error error = Error(ErrorClass::data_loss, "short body").caused_by(cause);
  ASSERT_NE(error.cause(), nullptr);
  EXPECT_EQ(error.cause()->error_class(), ErrorClass::unavailable);
}

TEST(Error, is_retryable_by_class_unless_told_otherwise) {
  EXPECT_TRUE(Error(ErrorClass::unavailable, "x").retryable());
  EXPECT_FALSE(Error(ErrorClass::permission_denied, "x").retryable());
  EXPECT_FALSE(Error(ErrorClass::unavailable, "x").with_retryable(false).retryable());
}

TEST(Error, names_of_classes_round_trip) {
  for (int i = 0; i <= static_cast<int>(ErrorClass::internal); ++i) {
    const auto error_class = static_cast<ErrorClass>(i);
    EXPECT_EQ(parse_error_class(to_string(error_class)), error_class);
  }
}

TEST(Error, errno_gets_a_class_and_a_remedy) {
  const Error error = errno_error(ENOSPC, "write", "/data/x");
  EXPECT_EQ(error.error_class(), ErrorClass::exhausted);
  EXPECT_NE(std::string(error.what()).find("free space"), std::string::npos);
}

}  // namespace
}  // namespace haul

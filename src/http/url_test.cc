#include "http/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::http {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string refusal(std::string_view text) {
  try {
    parse_url(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    EXPECT_NE(error.hint(), "");
    return error.what();
  }
  return "accepted";
}

TEST(UrlTest, ReadsSchemeHostPortAndPath) {
  const Url url = parse_url("HTTPS://S3.Example.com/a%20b?x=y#part");
  EXPECT_TRUE(url.endpoint.tls);
  EXPECT_EQ(url.endpoint.host, "s3.example.com");
  EXPECT_EQ(url.endpoint.port, 443);
  EXPECT_EQ(url.path, "/a%20b?x=y");
  EXPECT_EQ(parse_url("http://localhost:9000").endpoint, (Endpoint{.host = "localhost", .port = 9000}));
  EXPECT_EQ(parse_url("http://h").path, "");
  EXPECT_EQ(parse_url("http://h?q").path, "?q");
  EXPECT_EQ(parse_url("http://[FE80::1]:8080/").endpoint, (Endpoint{.host = "fe80::1", .port = 8080}));
}

TEST(UrlTest, WritesTheAuthorityAsTheHostHeaderWantsIt) {
  EXPECT_EQ(parse_url("http://h:80").endpoint.authority(), "h");
  EXPECT_EQ(parse_url("https://h:443").endpoint.authority(), "h");
  EXPECT_EQ(parse_url("https://h:80").endpoint.authority(), "h:80");
  EXPECT_EQ(parse_url("http://[::1]").endpoint.authority(), "[::1]");
  EXPECT_EQ(parse_url("http://[::1]:81").endpoint.authority(), "[::1]:81");
  EXPECT_EQ(parse_url("http://[::1]").endpoint.host_and_port(), "[::1]:80");
}

TEST(UrlTest, RefusesWithPlaceAndRemedy) {
  EXPECT_THAT(refusal("ftp://h"), HasSubstr("position 0"));
  EXPECT_THAT(refusal("s3.example.com"), HasSubstr("position 0"));
  EXPECT_THAT(refusal(""), HasSubstr("position 0"));
  EXPECT_THAT(refusal("http://"), HasSubstr("host is missing"));
  EXPECT_THAT(refusal("http://:80"), HasSubstr("host is missing"));
  EXPECT_THAT(refusal("http://a b/"), HasSubstr("position 8"));
  EXPECT_THAT(refusal("http://h:0"), HasSubstr("port"));
  EXPECT_THAT(refusal("http://h:65536"), HasSubstr("port"));
  EXPECT_THAT(refusal("http://h:"), HasSubstr("port"));
  EXPECT_THAT(refusal("http://h:80x"), HasSubstr("port"));
  EXPECT_THAT(refusal("http://[::1"), HasSubstr("IPv6"));
  EXPECT_THAT(refusal("http://[nonsense]"), HasSubstr("IPv6"));
  EXPECT_THAT(refusal("http://[::1]x"), HasSubstr("port"));
  EXPECT_THAT(refusal("http://h/a b"), HasSubstr("position 10"));
  EXPECT_THAT(refusal("http://h/\xc3\xa9"), HasSubstr("percent-encoded"));
  EXPECT_THAT(refusal("http://h/\r\nx: y"), Not(HasSubstr("\n")));
}

TEST(UrlTest, NeverRepeatsAPassword) {
  EXPECT_THAT(refusal("http://user:secret@h/"), Not(HasSubstr("secret")));
  EXPECT_THAT(refusal("user:secret@h/"), Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace haul::http

#include "http/head_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haul::http {
namespace {

constexpr std::string_view kListing =
    "HTTP/1.1 200 OK\r\n"
    "x-amz-request-id: tx01\r\n"
    "Content-Type:application/xml\r\n"
    "ETAG: \t \"abc\" \t\r\n"
    "Empty:\r\n"
    "Content-Length: 42\r\n"
    "\r\n";

HeadParse parse(std::string_view bytes, ResponseHead& head) {
  head.reset();
  return head.parse(bytes);
}

TEST(ResponseHeadTest, ReadsStatusLengthAndFields) {
  ResponseHead head;
  const std::string bytes = std::string(kListing) + "body";
  ASSERT_EQ(parse(bytes, head), HeadParse::complete);
  EXPECT_EQ(head.status(), 200);
  EXPECT_EQ(head.size(), kListing.size());
  EXPECT_EQ(head.content_length(), 42U);
  EXPECT_TRUE(head.keep_alive());
  EXPECT_FALSE(head.chunked());
  EXPECT_EQ(head.find(bytes, "X-Amz-Request-Id"), "tx01");
  EXPECT_EQ(head.find(bytes, "content-type"), "application/xml");
  EXPECT_EQ(head.find(bytes, "etag"), "\"abc\"");
  EXPECT_EQ(head.find(bytes, "empty"), "");
  EXPECT_EQ(head.find(bytes, "absent"), "");
  EXPECT_EQ(head.field_count(), 5U);
}

TEST(ResponseHeadTest, GivesTheSameWhereverTheBytesAreCut) {
  for (std::size_t cut = 0; cut < kListing.size(); ++cut) {
    ResponseHead head;
    EXPECT_EQ(head.parse(kListing.substr(0, cut)), HeadParse::incomplete) << cut;
    EXPECT_EQ(head.parse(kListing), HeadParse::complete) << cut;
    EXPECT_EQ(head.content_length(), 42U);
    EXPECT_EQ(head.field_count(), 5U);
  }
}

TEST(ResponseHeadTest, KnowsWhetherTheConnectionLivesOn) {
  ResponseHead head;
  const auto lives = [&head](std::string_view bytes) {
    EXPECT_EQ(parse(bytes, head), HeadParse::complete);
    return head.keep_alive();
  };
  EXPECT_TRUE(lives("HTTP/1.1 200 \r\n\r\n"));
  EXPECT_FALSE(lives("HTTP/1.0 200 OK\r\n\r\n"));
  EXPECT_TRUE(lives("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n\r\n"));
  EXPECT_FALSE(lives("HTTP/1.1 200 OK\r\nConnection: foo , CLOSE\r\n\r\n"));
  EXPECT_FALSE(lives("HTTP/1.1 200 OK\r\nConnection: close, keep-alive\r\n\r\n"));
  EXPECT_TRUE(lives("HTTP/1.1 200 OK\r\nConnection: closed\r\n\r\n"));
}

TEST(ResponseHeadTest, TakesChunksBeforeALengthAndThenDoesNotGoOn) {
  ResponseHead head;
  ASSERT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: Chunked\r\n\r\n", head),
            HeadParse::complete);
  EXPECT_TRUE(head.chunked());
  EXPECT_EQ(head.content_length(), std::nullopt);
  EXPECT_FALSE(head.keep_alive());
}

TEST(ResponseHeadTest, AcceptsARepeatedLengthThatIsTheSame) {
  ResponseHead head;
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", head),
            HeadParse::complete);
  EXPECT_EQ(head.content_length(), 5U);
}

TEST(ResponseHeadTest, RefusesWhatCouldBeReadInTwoWays) {
  const std::vector<std::string> bad{
      "HTTP/2 200\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 2000 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      "HTTP/1.1  200 OK\r\n\r\n",
      "HTTP/1.1 200 O\nK\r\n\r\n",
      "HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
      "HTTP/1.1 200 OK\r\n: value\r\n\r\n",
      "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
      std::string("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 26),
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
  };
  for (const std::string& bytes : bad) {
    ResponseHead head;
    EXPECT_EQ(head.parse(bytes), HeadParse::malformed) << bytes;
    EXPECT_NE(head.complaint(), "") << bytes;
  }
}

TEST(ResponseHeadTest, RefusesAnotherProtocolAtItsFirstBytes) {
  ResponseHead head;
  EXPECT_EQ(head.parse("HT"), HeadParse::incomplete);
  EXPECT_EQ(head.parse("HTM"), HeadParse::malformed);
}

}  // namespace
}  // namespace haul::http

#include "http/chunk_decoder.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace haul::http {
namespace {

struct Decoded {
  std::string data;
  std::size_t used = 0;
  bool done = false;
  bool malformed = false;
};

Decoded decode(std::string bytes, std::size_t piece) {
  ChunkDecoder decoder;
  Decoded decoded;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::size_t size = std::min(piece, bytes.size() - at);
    const auto [data, used] = decoder.decode(std::as_writable_bytes(std::span(bytes).subspan(at, size)));
    decoded.data.append(bytes, at, data);
    decoded.used += used;
    if (decoder.done() || decoder.malformed()) break;
  }
  decoded.done = decoder.done();
  decoded.malformed = decoder.malformed();
  return decoded;
}

TEST(ChunkDecoderTest, GivesTheSameInPiecesOfAnySize) {
  const std::string coded =
      "4\r\nWiki\r\n7;name=value\r\npedia i\r\nB \t \r\nn \r\nchunks.\r\n0\r\nDigest: x\r\nOther:\r\n\r\n";
  for (std::size_t piece = 1; piece <= coded.size(); ++piece) {
    const Decoded decoded = decode(coded, piece);
    EXPECT_EQ(decoded.data, "Wikipedia in \r\nchunks.") << piece;
    EXPECT_TRUE(decoded.done);
    EXPECT_EQ(decoded.used, coded.size());
  }
}

TEST(ChunkDecoderTest, LeavesAloneWhatFollowsTheEnd) {
  const Decoded decoded = decode("0\r\n\r\nHTTP/1.1", 100);
  EXPECT_TRUE(decoded.done);
  EXPECT_EQ(decoded.used, 5U);
}

TEST(ChunkDecoderTest, RefusesWhatIsNotChunked) {
  const std::vector<std::string> bad{
      "\r\n",
      "x\r\n",
      "-1\r\n",
      "0x5\r\n",
      " 5\r\n",
      "5\n",
      "5\r5",
      "5 5\r\n",
      "3\r\nabcd",
      "3\r\nabc\n",
      ";\r\n",
      "0\r\n\n",
      "0\r\na: b\n",
      "0\r\n\rx",
      "5;a\nb\r\n",
      "1234567890abcdef0\r\n",
      "fffffffffffffffff\r\n",
  };
  for (const std::string& bytes : bad)
    for (const std::size_t piece : {1UZ, 100UZ})
      EXPECT_TRUE(decode(bytes, piece).malformed) << bytes;
}

TEST(ChunkDecoderTest, DoesNotReadFramingForEver) {
  EXPECT_TRUE(decode("5;" + std::string(100'000, 'x'), 4096).malformed);
  EXPECT_TRUE(decode("0\r\n" + std::string(100'000, 'x'), 4096).malformed);
  EXPECT_TRUE(decode(std::string(100'000, '0'), 4096).malformed);
}

TEST(ChunkDecoderTest, CountsFramingBetweenPiecesOfDataOnly) {
  std::string coded;
  for (int i = 0; i < 30'000; ++i)
    coded += "1\r\nx\r\n";
  EXPECT_EQ(decode(coded + "0\r\n\r\n", 4096).data.size(), 30'000U);
}

}  // namespace
}  // namespace haul::http

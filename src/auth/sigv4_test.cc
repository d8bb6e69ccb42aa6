#include "auth/sigv4.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <type_traits>

#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"

namespace haul::auth {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Streamable<Secret>);
static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!std::is_convertible_v<Secret, std::string_view> &&
              !std::is_convertible_v<Secret, std::string>);

Snapshot example_credentials(std::string token = "") {
  Credentials credentials;
  credentials.access_key = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  credentials.session_token = Secret(std::move(token));
  return std::make_shared<const Credentials>(std::move(credentials));
}

Time at(std::string_view text) {
  return parse_basic_time(text).value();
}
const Time kExampleTime = at("20130524T000000Z");

std::string text_of(const Signature& signature) {
  return {signature.data(), signature.size()};
}

struct SigV4 : testing::Test {
  Signer signer{"us-east-1", "s3"};
  std::string lines;
};

TEST_F(SigV4, SignsThePublishedGetExample) {
  const std::array headers{HeaderView{"range", "bytes=0-9"}};
  const Signature signature = signer.sign(example_credentials(),
                                          {.method = "GET",
                                           .path = "/test.txt",
                                           .host = "examplebucket.s3.amazonaws.com",
                                           .headers = headers,
                                           .payload_hash = kEmptyPayload},
                                          kExampleTime, lines);
  EXPECT_EQ(text_of(signature), "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(lines,
            "Authorization: AWS4-HMAC-SHA256 "
            "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41\r\n"
            "x-amz-date: 20130524T000000Z\r\n"
            "x-amz-content-sha256: "
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\r\n");
}

TEST_F(SigV4, SignsThePublishedPutExample) {
  // PutObject of "Welcome to Amazon S3." to test$file.text, in the same chapter.
  const std::array headers{HeaderView{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                           HeaderView{"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  const Signature signature =
      signer.sign(example_credentials(),
                  {.method = "PUT",
                   .path = "/test%24file.text",
                   .host = "examplebucket.s3.amazonaws.com",
                   .headers = headers,
                   .payload_hash = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"},
                  kExampleTime, lines);
  EXPECT_EQ(text_of(signature), "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_F(SigV4, SignsThePublishedListExample) {
  const Signature signature = signer.sign(example_credentials(),
                                          {.method = "GET",
                                           .path = "/",
                                           .query = "max-keys=2&prefix=J",
                                           .host = "examplebucket.s3.amazonaws.com",
                                           .payload_hash = kEmptyPayload},
                                          kExampleTime, lines);
  EXPECT_EQ(text_of(signature), "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_F(SigV4, PresignsThePublishedExample) {
  const std::string query = signer.presign(
      example_credentials(), {.method = "GET", .path = "/test.txt", .host = "examplebucket.s3.amazonaws.com"},
      std::chrono::hours(24), kExampleTime);
  EXPECT_EQ(query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
            "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_F(SigV4, SignsThePublishedChunkedUpload) {
  const std::array headers{HeaderView{"content-encoding", "aws-chunked"},
                           HeaderView{"content-length", "66824"},
                           HeaderView{"x-amz-decoded-content-length", "66560"},
                           HeaderView{"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
  const Signature seed = signer.sign(example_credentials(),
                                     {.method = "PUT",
                                      .path = "/examplebucket/chunkObject.txt",
                                      .host = "s3.amazonaws.com",
                                      .headers = headers,
                                      .payload_hash = kChunkedPayload},
                                     kExampleTime, lines);
  EXPECT_EQ(text_of(seed), "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");

  const std::string content(66560, 'a');
  ChunkSigner chunks = signer.chunks(seed);
  std::string body;
  for (const std::string_view piece :
       {std::string_view(content).substr(0, 65536), std::string_view(content).substr(65536)}) {
    chunks.append_head(as_bytes(piece), body);
    body.append(piece).append("\r\n");
  }
  EXPECT_TRUE(body.starts_with(
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\naaa"));
  EXPECT_NE(body.find("\r\n400;chunk-signature="
                      "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\naaa"),
            std::string::npos);
  chunks.append_end(body);
  EXPECT_TRUE(body.ends_with(
      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n"));
  EXPECT_EQ(body.size(), 66824U);
  EXPECT_EQ(ChunkSigner::encoded_size(66560, 65536, 0), body.size());
}

TEST_F(SigV4, SignsThePublishedChunkedUploadWithATrailer) {
  const std::array headers{HeaderView{"content-encoding", "aws-chunked"},
                           HeaderView{"x-amz-decoded-content-length", "66560"},
                           HeaderView{"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                           HeaderView{"x-amz-trailer", "x-amz-checksum-crc32c"}};
  const Signature seed = signer.sign(example_credentials(),
                                     {.method = "PUT",
                                      .path = "/examplebucket/chunkObject.txt",
                                      .host = "s3.amazonaws.com",
                                      .headers = headers,
                                      .payload_hash = kChunkedTrailerPayload},
                                     kExampleTime, lines);
  EXPECT_EQ(text_of(seed), "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");

  const std::string content(66560, 'a');
  ChunkSigner chunks = signer.chunks(seed);
  std::string body;
  const auto frame = [&](std::string_view piece) {
    chunks.append_head(as_bytes(piece), body);
    body.append(piece).append("\r\n");
  };
  frame(std::string_view(content).substr(0, 65536));
  EXPECT_EQ(text_of(chunks.last()), "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  frame(std::string_view(content).substr(65536));
  EXPECT_EQ(text_of(chunks.last()), "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  chunks.append_end_with_trailer("x-amz-checksum-crc32c", "sOO8/Q==", body);
  EXPECT_TRUE(body.ends_with(
      "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n"
      "x-amz-checksum-crc32c:sOO8/Q==\r\n"
      "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n"));
  EXPECT_EQ(
      ChunkSigner::encoded_size(66560, 65536, std::string_view("x-amz-checksum-crc32c:sOO8/Q==").size()),
      body.size());
}

TEST(SigV4Key, IsDerivedAsInThePublishedExample) {
  // The chain that derive_key() walks, with the published inputs.
  const auto derive = [](const HmacSha256Key& key, std::string_view text) {
    return HmacSha256Key(key.sign(text));
  };
  const HmacSha256Key day = derive(HmacSha256Key("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), "20120215");
  const Sha256Bytes key = derive(derive(day, "us-east-1"), "iam").sign("aws4_request");
  std::string hex;
  append_hex(hex, key);
  EXPECT_EQ(hex, "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

// The suite that AWS publishes for other services: host example.amazonaws.com, service "service".
struct SigV4Suite : testing::Test {
  static Snapshot credentials() {
    Credentials suite;
    suite.access_key = "AKIDEXAMPLE";
    suite.secret_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    return std::make_shared<const Credentials>(std::move(suite));
  }
  std::string signature_of(std::string_view path, std::string_view query = {},
                           std::span<const HeaderView> headers = {}) {
    std::string lines;
    return text_of(signer.sign(credentials(),
                               {.method = "GET",
                                .path = path,
                                .query = query,
                                .host = "example.amazonaws.com",
                                .headers = headers,
                                .payload_hash = kEmptyPayload},
                               at("20150830T123600Z"), lines));
  }
  Signer signer{"us-east-1", "service"};
};

TEST_F(SigV4Suite, GetVanilla) {
  EXPECT_EQ(signature_of("/"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST_F(SigV4Suite, NormalisesPaths) {
  const std::string plain = signature_of("/");
  EXPECT_EQ(signature_of(""), plain);
  EXPECT_EQ(signature_of("//"), plain);
  EXPECT_EQ(signature_of("/./"), plain);
  EXPECT_EQ(signature_of("/example/.."), plain);
  EXPECT_EQ(signature_of("/example1/example2/../.."), plain);
  EXPECT_EQ(signature_of("//example//"), signature_of("/example/"));
  EXPECT_NE(signature_of("/example"), signature_of("/example/"));
}

TEST_F(SigV4Suite, EncodesThePathOnceMoreThanItIsSent) {
  // get-space of the suite, whose path is not encoded yet.
  EXPECT_EQ(signature_of("/example space/"),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
  // What is sent as %20 is signed as %2520; computed by another program.
  EXPECT_EQ(signature_of("/example%20space/"),
            "446b817944c553435b35e813c261ff4e161fff982d1bacdef1c87f6785dd1662");
}

TEST_F(SigV4, LeavesThePathOfAnObjectAlone) {
  const auto sign = [&](std::string_view path) {
    return text_of(signer.sign(example_credentials(), {.method = "GET", .path = path, .host = "h"},
                               kExampleTime, lines));
  };
  EXPECT_NE(sign("/b//k"), sign("/b/k"));
  EXPECT_NE(sign("/b/./k"), sign("/b/k"));
  EXPECT_NE(sign("/b/a/../k"), sign("/b/k"));
}

TEST_F(SigV4, AnyOrderOfHeadersGivesTheSameSignature) {
  const std::array sorted{HeaderView{"content-md5", "x"}, HeaderView{"range", "bytes=0-1"},
                          HeaderView{"x-amz-acl", "private"}, HeaderView{"x-amz-meta-a", "1"}};
  const std::array shuffled{sorted[2], sorted[0], sorted[3], sorted[1]};
  const auto sign = [&](std::span<const HeaderView> headers) {
    lines.clear();
    signer.sign(example_credentials("token"),
                {.method = "PUT", .path = "/k", .host = "h", .headers = headers}, kExampleTime, lines);
    return lines;
  };
  const std::string expected = sign(sorted);
  EXPECT_EQ(sign(shuffled), expected);
  EXPECT_NE(expected.find("SignedHeaders=content-md5;host;range;x-amz-acl;x-amz-content-sha256;x-amz-date;"
                          "x-amz-meta-a;x-amz-security-token,"),
            std::string::npos);
  EXPECT_NE(expected.find("\r\nx-amz-security-token: token\r\n"), std::string::npos);
}

TEST_F(SigV4, TrimsValuesAndJoinsRepeatedHeaders) {
  const auto sign = [&](std::span<const HeaderView> headers) {
    return text_of(signer.sign(example_credentials(),
                               {.method = "GET", .path = "/k", .host = "h", .headers = headers}, kExampleTime,
                               lines));
  };
  const std::array untidy{HeaderView{"x-amz-meta-a", "  two   words\t"}, HeaderView{"x-amz-meta-b", " "},
                          HeaderView{"x-amz-meta-c", "1"}, HeaderView{"x-amz-meta-c", "2"}};
  const std::array tidy{HeaderView{"x-amz-meta-a", "two words"}, HeaderView{"x-amz-meta-b", ""},
                        HeaderView{"x-amz-meta-c", "1,2"}};
  EXPECT_EQ(sign(untidy), sign(tidy));
}

TEST_F(SigV4, ANewDayAndNewCredentialsGiveANewKey) {
  const auto sign = [&](Signer& with, const Snapshot& credentials, std::string_view time) {
    return text_of(with.sign(credentials, {.method = "GET", .path = "/k", .host = "h"}, at(time), lines));
  };
  const Snapshot first = example_credentials();
  const Snapshot second = example_credentials("token");
  for (const auto& [credentials, time] :
       {std::pair(first, "20130524T235959Z"), std::pair(first, "20130525T000000Z"),
        std::pair(second, "20130525T000000Z"), std::pair(first, "20130524T235959Z")}) {
    Signer fresh("us-east-1", "s3");
    EXPECT_EQ(sign(signer, credentials, time), sign(fresh, credentials, time)) << time;
  }
}

TEST_F(SigV4, AddsNothingToAnonymousRequests) {
  const auto credentials = std::make_shared<const Credentials>();
  signer.sign(credentials, {.method = "GET", .path = "/k", .host = "h"}, kExampleTime, lines);
  EXPECT_EQ(lines, "");
  EXPECT_THROW(signer.presign(credentials, {.method = "GET", .path = "/k", .host = "h"},
                              std::chrono::hours(1), kExampleTime),
               Error);
}

TEST_F(SigV4, PresignedParametersAreSortedByName) {
  const std::array headers{HeaderView{"x-amz-acl", "private"}};
  const std::string query = signer.presign(
      example_credentials("to/ken"),
      {.method = "PUT", .path = "/k", .query = "partNumber=1&uploadId=x", .host = "h", .headers = headers},
      std::chrono::hours(1), kExampleTime);
  EXPECT_TRUE(query.starts_with("X-Amz-Algorithm=")) << query;
  EXPECT_NE(query.find("&X-Amz-Security-Token=to%2Fken&X-Amz-SignedHeaders=host%3Bx-amz-acl&partNumber=1&"
                       "uploadId=x&X-Amz-Signature="),
            std::string::npos)
      << query;
  EXPECT_THROW(signer.presign(example_credentials(), {.method = "GET", .path = "/k", .host = "h"},
                              std::chrono::hours(24 * 8), kExampleTime),
               Error);
}

}  // namespace
}  // namespace haul::auth

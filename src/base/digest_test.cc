#include "base/digest.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include <string>

#include "base/encoding.h"

namespace haul {
namespace {

std::string digest_hex(Digest& digest) {
  std::array<std::byte, 32> out{};
  digest.finish(out);
  return to_hex(ByteView(out).first(digest_size(digest.algorithm())));
}

std::string digest_hex_of(DigestAlgorithm algorithm, std::string_view text) {
  Digest digest(algorithm);
  digest.update(as_bytes(text));
  return digest_hex(digest);
}

TEST(Digest, has_the_published_values) {
  EXPECT_EQ(digest_hex_of(DigestAlgorithm::md5, "abc"), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(digest_hex_of(DigestAlgorithm::md5, ""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(digest_hex_of(DigestAlgorithm::sha1, "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(digest_hex_of(DigestAlgorithm::sha256, "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, is_the_same_in_pieces_and_starts_again_after_finishing) {
  Digest digest(DigestAlgorithm::sha1);
  for (int round = 0; round < 2; ++round) {
    digest.update(as_bytes("a"));
    digest.update({});
    digest.update(as_bytes("bc"));
    EXPECT_EQ(digest_hex(digest), "a9993e364706816aba3e25717850c26c9cd0d89d");
  }
}

TEST(Digest, forgets_what_it_read_when_reset) {
  Digest digest(DigestAlgorithm::md5);
  digest.update(as_bytes("something else"));
  digest.reset();
  digest.update(as_bytes("abc"));
  EXPECT_EQ(digest_hex(digest), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST(Sha256, has_the_published_values) {
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 hash;
  hash.update("abcdbcdecdefdefgefghfghighij");
  hash.update("hijkijkljklmklmnlmnomnopnopq");
  EXPECT_EQ(to_hex(std::move(hash).finish()),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(HmacSha256, has_the_values_of_rfc_4231) {
  const HmacSha256Key first(std::string(20, '\x0b'));
  EXPECT_EQ(to_hex(first.sign("Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const HmacSha256Key second("Jefe");
  EXPECT_EQ(to_hex(second.sign("what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const HmacSha256Key longer_than_a_block(std::string(131, '\xaa'));
  EXPECT_EQ(to_hex(longer_than_a_block.sign("Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, derives_the_signing_key_of_the_aws_example) {
  const auto date = HmacSha256Key("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").sign("20120215");
  const auto region = HmacSha256Key(date).sign("us-east-1");
  const auto service = HmacSha256Key(region).sign("iam");
  EXPECT_EQ(to_hex(HmacSha256Key(service).sign("aws4_request")),
            "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

TEST(HmacSha256, signs_again_and_again_with_one_key_and_its_copies) {
  const HmacSha256Key key("Jefe");
  const HmacSha256Key copy = key;
  EXPECT_EQ(key.sign("a"), copy.sign("a"));
  EXPECT_EQ(key.sign("a"), key.sign("a"));
  EXPECT_NE(key.sign("a"), key.sign("b"));
}

}  // namespace
}  // namespace haul

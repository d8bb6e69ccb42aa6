#include "base/encoding.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <utility>

namespace haul {
namespace {

std::string all_bytes() {
  std::string text;
  for (int c = 0; c < 256; ++c)
    text += static_cast<char>(c);
  return text;
}

TEST(Hex, is_written_in_lower_case_and_read_in_either) {
  EXPECT_EQ(to_hex(as_bytes(std::string_view("\x00\x9f\xFFz", 4))), "009fff7a");
  EXPECT_EQ(decode_hex("009FfF7a"), std::string("\x00\x9f\xFFz", 4));
  EXPECT_EQ(decode_hex(to_hex(as_bytes(all_bytes()))), all_bytes());
}

TEST(Hex, refuses_what_is_no_hex) {
  for (const auto* bad : {"0", "0g", "g0", "00 ", " 0", "0x"})
    EXPECT_FALSE(decode_hex(bad)) << bad;
  std::array<std::byte, 2> two{};
  EXPECT_FALSE(decode_hex("00", two));
  EXPECT_FALSE(decode_hex("000000", two));
  EXPECT_TRUE(decode_hex("0a0b", two));
  EXPECT_EQ(two[1], std::byte{11});
}

TEST(Base64, has_the_values_of_rfc_4648) {
  for (const auto& [plain, coded] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"", ""},
                                                                            {"f", "Zg=="},
                                                                            {"fo", "Zm8="},
                                                                            {"foo", "Zm9v"},
                                                                            {"foob", "Zm9vYg=="},
                                                                            {"fooba", "Zm9vYmE="},
                                                                            {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(as_bytes(plain)), coded);
    EXPECT_EQ(decode_base64(coded), plain);
  }
}

TEST(Base64, round_trips_any_bytes) {
  const std::string text = all_bytes();
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const auto part = std::string_view(text).substr(text.size() - size);
    ASSERT_EQ(decode_base64(to_base64(as_bytes(part))), part);
  }
}

TEST(Base64, refuses_what_is_malformed) {
  for (const auto* bad : {"Zg", "Zg=", "Zg==Zg==", "Z===", "====", "Zm9v====", "Zm9v\n", "Zm 9", "Zm-_",
                          "Zh==", "Zm9=", "=m9v", "Z=9v"}) {
    EXPECT_FALSE(decode_base64(bad)) << bad;
  }
  std::array<std::byte, 3> three{};
  EXPECT_FALSE(decode_base64("Zg==", three));
  EXPECT_FALSE(decode_base64("Zm9vYmFy", three));
}

TEST(PercentEncoding, keeps_only_unreserved_characters) {
  EXPECT_EQ(percent_encode("AZaz09-._~"), "AZaz09-._~");
  EXPECT_EQ(percent_encode("a/b c+d%"), "a%2Fb%20c%2Bd%25");
  EXPECT_EQ(percent_encode("a/b c", Slash::keep), "a/b%20c");
  EXPECT_EQ(percent_encode("\xc3\xa9\n"), "%C3%A9%0A");
  std::string out = "key=";
  append_percent_encoded(out, "x*y");
  EXPECT_EQ(out, "key=x%2Ay");
}

TEST(PercentEncoding, round_trips_any_bytes) {
  EXPECT_EQ(percent_decode(percent_encode(all_bytes())), all_bytes());
  EXPECT_EQ(percent_decode(percent_encode(all_bytes(), Slash::keep)), all_bytes());
  EXPECT_EQ(form_decode(percent_encode(all_bytes())), all_bytes());
}

TEST(PercentDecoding, takes_a_plus_for_a_space_only_in_forms) {
  EXPECT_EQ(percent_decode("a+b%2Bc%2f"), "a+b+c/");
  EXPECT_EQ(form_decode("a+b%2Bc%2f"), "a b+c/");
}

TEST(PercentDecoding, refuses_a_broken_escape) {
  for (const auto* bad : {"%", "a%", "a%4", "%zz", "%4z", "%z4", "0123456789%", "0123456789%a"}) {
    EXPECT_FALSE(percent_decode(bad)) << bad;
  }
}

TEST(PercentDecoding, works_in_place_wherever_the_escape_stands) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::string plain;
    for (std::size_t i = random() % 40; i != 0; --i)
      plain += random() % 8 == 0 ? "+ %/"[random() % 4] : 'x';
    std::string coded;
    for (const char c : plain) {
      if (c == ' ') {
        coded += '+';
      } else {
        append_percent_encoded(coded, std::string_view(&c, 1), Slash::keep);
      }
    }
    const auto size = form_decode_in_place(coded);
    ASSERT_TRUE(size);
    ASSERT_EQ(std::string_view(coded).substr(0, *size), plain);
  }
  std::string text = "a+b%20c";
  EXPECT_EQ(percent_decode_in_place(text), 5U);
  EXPECT_EQ(text.substr(0, 5), "a+b c");
}

}  // namespace
}  // namespace haul

#include "base/utf8.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

namespace haul {
namespace {

TEST(Utf8, accepts_what_rfc_3629_allows) {
  for (const auto* good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
                           "\xee\x80\x80", "\xf4\x8f\xbf\xbf",
                           "12345678\xc3\xa9"
                           "12345678"}) {
    EXPECT_TRUE(is_utf8(good)) << visible(good);
  }
}

TEST(Utf8, refuses_stray_overlong_cut_and_surrogate_sequences) {
  for (const auto* bad : {"\x80", "\xc3", "\xc3(", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                          "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
                          "\xe2\x82", "\xff", "12345678\x80", "\xf0\x9f\x98"}) {
    EXPECT_FALSE(is_utf8(bad)) << visible(bad);
  }
}

TEST(Utf8, gives_back_every_code_point) {
  for (char32_t c = 0; c <= 0x10ffff; ++c) {
    if (!is_scalar(c)) continue;
    std::string text;
    append_code_point(text, c);
    std::string_view rest = text;
    ASSERT_EQ(take_code_point(rest), c);
    ASSERT_TRUE(rest.empty());
  }
  std::string text;
  append_code_point(text, 0xd800);
  EXPECT_EQ(text, "\xef\xbf\xbd");
}

TEST(Utf8, stays_where_no_code_point_starts) {
  std::string_view rest = "\xffz";
  EXPECT_EQ(take_code_point(rest), std::nullopt);
  EXPECT_EQ(rest, "\xffz");
}

TEST(EscapedName, is_the_name_itself_when_that_is_utf8) {
  for (const auto* name : {"", "plain.txt", "caf\xc3\xa9", "new\nline", "\xef\xbf\xbd", "\xee\x80\x80"}) {
    EXPECT_EQ(escape_name(name), name);
    EXPECT_EQ(unescape_name(name), name);
  }
}

TEST(EscapedName, shows_a_stray_byte_as_a_private_character) {
  EXPECT_EQ(escape_name("caf\xe9"), "caf\xee\xbf\xa9");  // U+EFE9
  EXPECT_EQ(escape_name("\x80"), "\xee\xbe\x80");        // U+EF80
  EXPECT_EQ(unescape_name("caf\xee\xbf\xa9"), "caf\xe9");
}

TEST(EscapedName, keeps_a_name_apart_that_looks_like_an_escape) {
  const std::string looks_like_one = "\xee\xbe\x80";
  const std::string escaped = escape_name(looks_like_one);
  EXPECT_NE(escaped, looks_like_one);
  EXPECT_NE(escaped, escape_name("\x80"));
  EXPECT_EQ(unescape_name(escaped), looks_like_one);
}

TEST(EscapedName, leaves_alone_marks_that_no_escape_would_have_made) {
  // These two would be the bytes of a valid character, which is never escaped.
  const std::string key = "\xee\xbf\x83\xee\xbe\xa9";
  EXPECT_EQ(unescape_name(key), key);
  EXPECT_EQ(escape_name(key), key);
}

// Strings made of what is dangerous: stray bytes, marks, marks of marks, cut marks, and plain characters.
std::string unpleasant_name(std::mt19937& random) {
  static constexpr std::array<std::string_view, 14> kPieces{
      "a",        "\xee",         "\xbe", "\x80",     "\xbf",         "\xee\xbe\x80", "\xee\xbf\xae",
      "\xc3\xa9", "\xee\xbe\xbe", "\xc3", "\xee\xbf", "\xee\xbf\x83", "\xee\xbe\xa9", "\xff"};
  std::string name;
  for (std::size_t n = random() % 6; n != 0; --n)
    name += kPieces[random() % kPieces.size()];
  for (std::size_t n = random() % 3; n != 0; --n)
    name = random() % 2 == 0 ? escape_name(name) : unescape_name(name);
  return name;
}

TEST(EscapedName, brings_every_byte_string_back) {
  std::mt19937 random(1);
  for (int round = 0; round < 10000; ++round) {
    const std::string name = unpleasant_name(random);
    const std::string key = escape_name(name);
    ASSERT_TRUE(is_utf8(key)) << visible(name);
    ASSERT_EQ(unescape_name(key), name) << visible(name);
  }
  for (int round = 0; round < 5000; ++round) {
    std::string name;
    for (std::size_t n = random() % 20; n != 0; --n)
      name += static_cast<char>(random());
    ASSERT_EQ(unescape_name(escape_name(name)), name) << visible(name);
  }
}

TEST(EscapedName, brings_every_key_back) {
  std::mt19937 random(2);
  int tried = 0;
  while (tried < 10000) {
    const std::string key = unpleasant_name(random);
    if (!is_utf8(key)) continue;
    ++tried;
    ASSERT_EQ(escape_name(unescape_name(key)), key) << visible(key);
  }
}

TEST(EscapedName, is_different_for_different_names) {
  std::mt19937 random(3);
  std::set<std::string> names;
  std::set<std::string> keys;
  for (int round = 0; round < 20000; ++round) {
    const std::string name = unpleasant_name(random);
    names.insert(name);
    keys.insert(escape_name(name));
  }
  EXPECT_EQ(names.size(), keys.size());
}

TEST(Visible, shows_what_would_harm_a_terminal_or_a_log) {
  EXPECT_EQ(visible("a b\xc3\xa9"), "a b\xc3\xa9");
  EXPECT_EQ(visible("a\nb\rc\td\\e"), "a\\nb\\rc\\td\\\\e");
  EXPECT_EQ(visible("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(visible(std::string_view("\0", 1)), "\\x00");
  EXPECT_EQ(visible("\xff\xc3"), "\\xff\\xc3");
  EXPECT_EQ(visible("\xe2\x80\xae"
                    "gpj.exe"),
            "\\u{202e}gpj.exe");
  EXPECT_EQ(visible("\xc2\x85"), "\\u{85}");
}

}  // namespace
}  // namespace haul

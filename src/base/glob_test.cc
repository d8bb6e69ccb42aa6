#include "base/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace haul {
namespace {

using testing::HasSubstr;

struct GlobCase {
  std::string_view pattern;
  std::vector<std::string_view> matching;
  std::vector<std::string_view> other;
};

void expect_globs(GlobDialect dialect, const std::vector<GlobCase>& cases) {
  for (const auto& [pattern, matching, other] : cases) {
    const Glob glob(pattern, dialect);
    for (const auto key : matching)
      EXPECT_TRUE(glob.matches(key)) << pattern << " should match " << key;
    for (const auto key : other)
      EXPECT_FALSE(glob.matches(key)) << pattern << " should not match " << key;
  }
}

TEST(LocationGlob, covers_the_whole_key) {
  expect_globs(GlobDialect::location,
               {{"a", {"a"}, {"", "b", "aa", "a/"}},
                {"*", {"", "a", "a/b", "\xff"}, {}},
                {"logs/*.gz",
                 {"logs/a.gz", "logs/a/b.gz", "logs/.gz"},
                 {"logs/a.g", "log/a.gz", "logs/a.gz2", "xlogs/a.gz"}},
                {"a*b*c", {"abc", "aXbYc", "abcbc", "a/b/c"}, {"ab", "acb", "abcd"}},
                {"ab*ba", {"abba", "abxba"}, {"aba"}},
                {"a?c",
                 {"abc", "a/c",
                  "a\xc3\xa9"
                  "c",
                  "a\xe2\x82\xac"
                  "c",
                  "a\xf0\x9f\x98\x80"
                  "c"},
                 {"ac", "abbc",
                  "a\xff"
                  "c"}},
                {"???", {"abc", "\xc3\xa9\xc3\xa9\xc3\xa9"}, {"ab", "abcd", "\xc3\xa9\xc3\xa9"}},
                {"**", {"", "x/y"}, {}},
                {"{a,b}", {"{a,b}"}, {"a", "b"}},
                {"a]b}", {"a]b}"}, {"ab"}}});
}

TEST(LocationGlob, knows_classes) {
  expect_globs(
      GlobDialect::location,
      {{"[abc]x", {"ax", "cx"}, {"dx", "x", "abx"}},
       {"[a-c0-9]", {"b", "5"}, {"d", "-", ""}},
       {"[!a-c]", {"d", "/", "\xc3\xa9"}, {"a", "", "dd"}},
       {"[^a-c]", {"d"}, {"b"}},
       {"[]a]", {"]", "a"}, {"[", "b"}},
       {"[!]]", {"a"}, {"]"}},
       {"[a-]", {"a", "-"}, {"b"}},
       {"[-a]", {"a", "-"}, {"b"}},
       {"[\\]\\-z]", {"]", "-", "z"}, {"\\", "a"}},
       {"[\\[]", {"["}, {"\\"}},
       {"[\xc3\xa0-\xc3\xbc]", {"\xc3\xa9"}, {"e", "\xc3", "\xc3\xbd"}},
       {"[!\xc3\xa9]", {"e", "\xc3\xa8", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}, {"\xc3\xa9"}},
       {"[a-\xe2\x82\xac]", {"z", "\xc3\xa9", "\xe2\x82\xac", "\xe0\xa0\x80"}, {"A", "\xe2\x82\xad"}},
       {"[\xc3\xa9\xf0\x9f\x98\x80]", {"\xc3\xa9", "\xf0\x9f\x98\x80"}, {"\xf0\x9f\x98\x81", "x"}}});
}

TEST(LocationGlob, escapes_with_a_backslash) {
  expect_globs(GlobDialect::location, {{"\\*", {"*"}, {"a", "\\*"}},
                                       {"a\\?b*", {"a?b", "a?bc"}, {"axb"}},
                                       {"\\\\", {"\\"}, {"\\\\"}},
                                       {"\\[a]", {"[a]"}, {"a"}}});
}

TEST(FilterGlob, may_begin_after_any_slash_unless_anchored) {
  expect_globs(
      GlobDialect::filter,
      {{"file.jpg", {"file.jpg", "dir/file.jpg", "a/b/file.jpg"}, {"afile.jpg", "file.jpgx", "file.jpg/x"}},
       {"/file.jpg", {"file.jpg"}, {"dir/file.jpg", "/file.jpg"}},
       {"*.jpg", {"a.jpg", ".jpg", "dir/a.jpg"}, {"a.jpg/b", "a.jpe"}},
       {"/*.jpg", {"a.jpg"}, {"dir/a.jpg"}},
       {"dir/*.jpg", {"dir/a.jpg", "x/dir/a.jpg"}, {"xdir/a.jpg", "dir/x/a.jpg"}},
       {"a*c", {"abc", "x/ac"}, {"a/c", "xabc"}}});
}

TEST(FilterGlob, crosses_slashes_only_with_two_stars) {
  expect_globs(GlobDialect::filter, {{"**.jpg", {"a.jpg", "a/b.jpg", ".jpg"}, {"a.jpgx"}},
                                     {"/dir/**", {"dir/", "dir/a", "dir/a/b"}, {"dir", "x/dir/a", "dirx/a"}},
                                     {"dir/**", {"dir/a", "x/dir/a/b"}, {"dir", "xdir/a"}},
                                     {"a/**/z", {"a/b/z", "a/b/c/z", "a//z"}, {"a/z"}},
                                     {"**", {"", "a", "a/b"}, {}},
                                     {"*", {"a", "a/b", "a/"}, {}},
                                     {"/*", {"a", ""}, {"a/b"}},
                                     {"/a?c", {"abc"}, {"a/c"}},
                                     {"/a[!x]c", {"abc"}, {"a/c", "axc"}},
                                     {"/a[/b]c", {"abc"}, {"a/c"}}});
}

TEST(FilterGlob, takes_a_slash_at_the_end_for_everything_below) {
  expect_globs(GlobDialect::filter, {{"dir/", {"dir/", "dir/a", "x/dir/a/b"}, {"dir", "xdir/a", "dirx"}},
                                     {"/dir/", {"dir/a"}, {"x/dir/a"}},
                                     {"/", {"", "a", "a/b"}, {}},
                                     {"*.d/", {"x.d/a", "a/x.d/b"}, {"x.d"}}});
}

TEST(FilterGlob, offers_alternatives) {
  expect_globs(GlobDialect::filter, {{"*.{jpg,png}", {"a.jpg", "d/a.png"}, {"a.gif", "a.", "a.jpg,png"}},
                                     {"{a,b{c,d}*}x", {"ax", "bcx", "bdzx", "d/ax"}, {"bx", "cx"}},
                                     {"a{,b}", {"a", "ab"}, {"abb", "b"}},
                                     {"{a/,b/}x", {"a/x", "b/x", "q/b/x"}, {"c/x"}},
                                     {"a,b", {"a,b"}, {"a"}},
                                     {"a\\{b\\}", {"a{b}"}, {"ab"}},
                                     {"{a\\,b,c}", {"a,b", "c"}, {"a", "b"}}});
}

std::string glob_refusal(std::string_view pattern, GlobDialect dialect) {
  try {
    const Glob glob(pattern, dialect);
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    return error.message();
  }
  return "";
}

TEST(Glob, says_where_a_pattern_is_wrong) {
  const auto filter = [](std::string_view pattern) { return glob_refusal(pattern, GlobDialect::filter); };
  const auto location = [](std::string_view pattern) { return glob_refusal(pattern, GlobDialect::location); };
  EXPECT_THAT(location(""), HasSubstr("is empty"));
  EXPECT_THAT(filter(""), HasSubstr("is empty"));
  EXPECT_THAT(location("ab\\"), HasSubstr("backslash that escapes nothing at position 3"));
  EXPECT_THAT(location("ab[cd"), HasSubstr("never closed at position 3"));
  EXPECT_THAT(location("[]"), HasSubstr("never closed at position 1"));
  EXPECT_THAT(location("[a\\"), HasSubstr("never closed at position 1"));
  EXPECT_THAT(location("x[az-c]"), HasSubstr("runs backwards at position 4"));
  EXPECT_THAT(location("[\xff]"), HasSubstr("not UTF-8 at position 2"));
  EXPECT_THAT(filter("a{b,c"), HasSubstr("never closed at position 2"));
  EXPECT_THAT(filter("a}"), HasSubstr("never opened at position 2"));
  EXPECT_THAT(filter("{{a.*}}"), HasSubstr("regular expression"));
  EXPECT_THAT(filter("a***"), HasSubstr("more than two stars in a row at position 2"));
  EXPECT_THAT(filter(std::string(2000, '?')), HasSubstr("too long"));
  std::string deep;
  for (int i = 0; i < 1000; ++i)
    deep += "a{b,";
  EXPECT_THAT(filter(deep), HasSubstr("too deeply"));
}

TEST(Glob, knows_the_prefix_to_list) {
  const auto prefix = [](std::string_view pattern, GlobDialect dialect) {
    return Glob(pattern, dialect).literal_prefix();
  };
  EXPECT_EQ(prefix("logs/2024*/x", GlobDialect::location), "logs/2024");
  EXPECT_EQ(prefix("a\\*b[c]d?", GlobDialect::location), "a*bcd");
  EXPECT_EQ(prefix("*", GlobDialect::location), "");
  EXPECT_EQ(prefix("/dir/**", GlobDialect::filter), "dir/");
  EXPECT_EQ(prefix("/dir/", GlobDialect::filter), "dir/");
  EXPECT_EQ(prefix("dir/**", GlobDialect::filter), "");
  EXPECT_EQ(prefix("/a{b,c}", GlobDialect::filter), "a");
  EXPECT_TRUE(Glob("a\\*b", GlobDialect::location).is_literal());
  EXPECT_FALSE(Glob("a*b", GlobDialect::location).is_literal());
  EXPECT_TRUE(Glob("/a/b", GlobDialect::filter).is_literal());
  EXPECT_FALSE(Glob("a/b", GlobDialect::filter).is_literal());
}

TEST(Glob, knows_when_it_covers_a_whole_tree) {
  EXPECT_TRUE(Glob("dir/", GlobDialect::filter).covers_tree("x/dir/"));
  EXPECT_TRUE(Glob("/dir/**", GlobDialect::filter).covers_tree("dir/sub/"));
  EXPECT_TRUE(Glob("{a,b}/**", GlobDialect::filter).covers_tree("b/"));
  EXPECT_FALSE(Glob("/dir/**", GlobDialect::filter).covers_tree("other/"));
  EXPECT_FALSE(Glob("*.tmp", GlobDialect::filter).covers_tree("x.tmp/"));
  EXPECT_FALSE(Glob("/dir/*", GlobDialect::filter).covers_tree("dir/"));
  EXPECT_TRUE(Glob("logs/*", GlobDialect::location).covers_tree("logs/a/"));
  EXPECT_FALSE(Glob("logs/*.gz", GlobDialect::location).covers_tree("logs/a/"));
}

TEST(Glob, sees_wildcards_that_are_not_escaped) {
  EXPECT_TRUE(has_wildcards("a*"));
  EXPECT_TRUE(has_wildcards("a?b"));
  EXPECT_TRUE(has_wildcards("[a]"));
  EXPECT_TRUE(has_wildcards("\\\\*"));
  EXPECT_FALSE(has_wildcards("a\\*b"));
  EXPECT_FALSE(has_wildcards("plain/key\\"));
}

// The definition, by trying everything: slow, and evidently right.
bool tries_to_match(std::string_view pattern, std::string_view key, bool slash_too) {
  if (pattern.empty()) return key.empty();
  if (pattern[0] == '*') {
    const bool two = pattern.starts_with("**");
    const auto rest = pattern.substr(two ? 2 : 1);
    for (std::size_t n = 0; n <= key.size(); ++n) {
      if (tries_to_match(rest, key.substr(n), slash_too)) return true;
      if (n < key.size() && key[n] == '/' && !two && !slash_too) return false;
    }
    return false;
  }
  if (key.empty()) return false;
  const bool taken = pattern[0] == '?' ? slash_too || key[0] != '/' : pattern[0] == key[0];
  return taken && tries_to_match(pattern.substr(1), key.substr(1), slash_too);
}

std::string random_text(std::mt19937& random, std::string_view letters, std::size_t most) {
  std::string text;
  for (std::size_t n = random() % (most + 1); n != 0; --n)
    text += letters[random() % letters.size()];
  return text;
}

TEST(Glob, agrees_with_its_definition_on_random_patterns) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string pattern = random_text(random, "ab/**?", 8);
    while (pattern.find("***") != std::string::npos)
      pattern.erase(pattern.find("***"), 1);
    if (pattern.empty()) continue;
    const Glob location(pattern, GlobDialect::location);
    const Glob filter(pattern, GlobDialect::filter);
    for (int k = 0; k < 10; ++k) {
      const std::string key = random_text(random, "ab/", 8);
      ASSERT_EQ(location.matches(key), tries_to_match(pattern, key, true)) << pattern << " on " << key;
      std::string whole = pattern.ends_with('/') ? pattern + "**" : pattern;
      bool expected = false;
      if (whole.starts_with('/')) {
        expected = tries_to_match(std::string_view(whole).substr(1), key, false);
      } else {
        for (std::size_t i = 0; i <= key.size() && !expected; ++i) {
          if (i == 0 || key[i - 1] == '/')
            expected = tries_to_match(whole, std::string_view(key).substr(i), false);
        }
      }
      ASSERT_EQ(filter.matches(key), expected) << pattern << " on " << key;
    }
  }
}

TEST(Glob, is_not_slowed_down_by_hostile_patterns) {
  std::string stars;
  for (int i = 0; i < 200; ++i)
    stars += "a*";
  const std::string key(1024, 'a');
  EXPECT_FALSE(Glob(stars + "b?", GlobDialect::location).matches(key));
  EXPECT_TRUE(Glob(stars + "?", GlobDialect::location).matches(key));
  std::string braces;
  for (int i = 0; i < 100; ++i)
    braces += "{a,*a}";
  EXPECT_FALSE(Glob(braces + "[b]?", GlobDialect::filter).matches(key));
  EXPECT_TRUE(Glob(braces + "?", GlobDialect::filter).matches(key));
}

TEST(Glob, matches_patterns_of_more_than_a_word_of_places) {
  const std::string longer = "/" + std::string(100, 'a') + "{x,y}" + std::string(100, 'b') + "?";
  const Glob glob(longer, GlobDialect::filter);
  const auto key = [](std::string_view middle, std::string_view end) {
    return std::string(100, 'a') + std::string(middle) + std::string(100, 'b') + std::string(end);
  };
  EXPECT_TRUE(glob.matches(key("y", "c")));
  EXPECT_FALSE(glob.matches(key("z", "c")));
  EXPECT_FALSE(glob.matches(key("y", "")));
  EXPECT_TRUE(Glob("{" + std::string(100, 'a') + ",b}/", GlobDialect::filter).matches("x/b/c/d"));
}

}  // namespace
}  // namespace haul

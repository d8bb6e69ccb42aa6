#include "stores/local/file_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::local {
namespace {

using testing::HasSubstr;

TEST(FileKey, OrdinaryKeysAreFiles) {
  for (const std::string_view key :
       {"a", "a/b", "dir/", ".hidden", "...", "..a", "a b", "new\nline", "\xc3\xa9"})
    EXPECT_EQ(why_not_a_file(key), "") << key;
  EXPECT_EQ(why_not_a_file(std::string(255, 'n') + "/" + std::string(255, 'n')), "");
}

TEST(FileKey, SaysWhyAKeyCannotBeAFile) {
  EXPECT_THAT(why_not_a_file(""), HasSubstr("empty key"));
  EXPECT_THAT(why_not_a_file("/etc/passwd"), HasSubstr("begins with '/'"));
  EXPECT_THAT(why_not_a_file("a//b"), HasSubstr("empty part"));
  EXPECT_THAT(why_not_a_file("a//"), HasSubstr("empty part"));
  for (const std::string_view key : {".", "..", "a/..", "../a", "a/./b", "./"})
    EXPECT_THAT(why_not_a_file(key), HasSubstr("'.' or '..'")) << key;
  EXPECT_THAT(why_not_a_file(std::string_view("a\0b", 3)), HasSubstr("NUL"));
  EXPECT_THAT(why_not_a_file("a\xff"), HasSubstr("UTF-8"));
  EXPECT_THAT(why_not_a_file("d/" + std::string(256, 'n')), HasSubstr("255"));
  EXPECT_THAT(why_not_a_file(temporary_name("a", 1)), HasSubstr("under way"));
  std::string deep;
  while (deep.size() < 5000)
    deep += "directory/";
  EXPECT_THAT(why_not_a_file(deep + "a"), HasSubstr("4095"));
}

TEST(FileKey, SplitsIntoParentAndName) {
  EXPECT_EQ(to_path("a/b/c").parent(), "a/b");
  EXPECT_EQ(to_path("a/b/c").name(), "c");
  EXPECT_EQ(to_path("a").parent(), "");
  EXPECT_EQ(to_path("a").name(), "a");
  EXPECT_TRUE(to_path("a/b/").directory);
  EXPECT_EQ(to_path("a/b/").name(), "b");
}

TEST(FileKey, EscapedBytesBecomeThemselvesAgain) {
  EXPECT_EQ(to_path("d\uef80/\uefff").raw, "d\x80/\xff");
  EXPECT_EQ(to_path("\u00e9/\ue000").raw, "\u00e9/\ue000");
}

TEST(FileKey, TemporaryNamesAreKnownAndFit) {
  for (const std::size_t size : {1U, 231U, 232U, 255U}) {
    const std::string name = temporary_name(std::string(size, 'n'), 0xffff'ffff'ffff'ffff);
    EXPECT_LE(name.size(), kLongestName);
    EXPECT_TRUE(is_temporary_name(name)) << name;
  }
  EXPECT_NE(temporary_name("a", 1), temporary_name("a", 2));
  for (const std::string_view name : {"a", ".a.tmp", ".haul-.tmp", "a.haul-0123456789abc.tmp",
                                      ".haul-0123456789abC.tmp", ".haul-0123456789abc.tmq"})
    EXPECT_FALSE(is_temporary_name(name)) << name;
}

TEST(FileKey, ALinkStaysInsideIfItsTextDoes) {
  EXPECT_TRUE(link_stays_inside("a/b/link", "../../c"));
  EXPECT_TRUE(link_stays_inside("link", "x/../y"));
  EXPECT_FALSE(link_stays_inside("a/link", "../../c"));
  EXPECT_FALSE(link_stays_inside("link", "x/../../y"));
  EXPECT_FALSE(link_stays_inside("link", "/etc/passwd"));
  EXPECT_FALSE(link_stays_inside("link", ""));
}

}  // namespace
}  // namespace haul::local

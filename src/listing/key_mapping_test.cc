#include "listing/key_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::listing {
namespace {

std::string mapped(const KeyMapping& mapping, std::string_view key) {
  store::Entry entry;
  entry.key = key;
  entry.modified = Time(std::chrono::sys_days(std::chrono::year(2024) / 2 / 29) + std::chrono::hours(23));
  std::string out = "left over";
  const auto error = mapping.map(entry, out);
  return error ? "error: " + error->message() : out;
}

TEST(KeyMapping, AnotherPrefixKeepsTheOrder) {
  const auto mapping = KeyMapping::prefix("image/", "avatar/x-");
  EXPECT_TRUE(mapping.keeps_order());
  EXPECT_EQ(mapped(mapping, "image/a/b.png"), "avatar/x-a/b.png");
  EXPECT_EQ(mapped(mapping, "image/"), "avatar/x-");
  EXPECT_THAT(mapped(mapping, "imagx/a"), ::testing::StartsWith("error"));
  EXPECT_THAT(mapped(KeyMapping::prefix("a/", ""), "a/"), ::testing::HasSubstr("empty"));
}

TEST(KeyMapping, FlatteningLeavesTheName) {
  const auto mapping = KeyMapping::flatten("in/", "out/");
  EXPECT_FALSE(mapping.keeps_order());
  EXPECT_EQ(mapped(mapping, "in/a/b/c.txt"), "out/c.txt");
  EXPECT_EQ(mapped(mapping, "in/c.txt"), "out/c.txt");
  EXPECT_THAT(mapped(mapping, "in/a/"), ::testing::StartsWith("error"));
}

TEST(KeyMapping, TemplatesAreFilledFromKeyAndTime) {
  const auto of = [](std::string_view pattern, std::string_view key) {
    return mapped(KeyMapping::from_template("in/", "o/", pattern), key);
  };
  EXPECT_EQ(of("{year}/{month}/{day}/{name}", "in/a/b.txt"), "o/2024/02/29/b.txt");
  EXPECT_EQ(of("{ext}/{dir}/{name}", "in/a/b/c.tar.gz"), "o/gz/a/b/c.tar.gz");
  EXPECT_EQ(of("{stem}-old.{ext}", "in/a/c.tar.gz"), "o/c.tar-old.gz");
  EXPECT_EQ(of("{dir}/{name}", "in/top"), "o/top");
  EXPECT_EQ(of("{{{key}}}", "in/k"), "o/{k}");
  EXPECT_EQ(of("{ext}", "in/.profile"), "error: the key at the destination would be empty");
  EXPECT_TRUE(KeyMapping::from_template("", "", "new/{key}").keeps_order());
  EXPECT_EQ(KeyMapping::from_template("", "p/", "new/{key}").put(), "p/new/");
  EXPECT_FALSE(KeyMapping::from_template("", "", "{key}.bak").keeps_order());
}

TEST(KeyMapping, MalformedTemplatesSayWhere) {
  for (const auto& [pattern, what] :
       std::vector<std::pair<std::string, std::string>>{{"{nome}", "position 1"},
                                                        {"a{", "position 2"},
                                                        {"ab}c{key}", "position 3"},
                                                        {"constant", "one key"}}) {
    try {
      KeyMapping::from_template("", "", pattern);
      FAIL() << pattern;
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
      EXPECT_THAT(error.what(), ::testing::HasSubstr(what));
    }
  }
}

}  // namespace
}  // namespace haul::listing

#include "listing/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "listing/model_store.h"

namespace haul::listing {
namespace {

using ::testing::ElementsAre;

FilterPattern include(std::string glob) {
  return {true, std::move(glob)};
}
FilterPattern exclude(std::string glob) {
  return {false, std::move(glob)};
}

std::vector<std::string> accepted(const FilterOptions& options, const std::vector<std::string>& keys,
                                  const std::string& prefix = "") {
  Filter filter(options, prefix);
  store::ListPage page;
  page.entries = entries_of(keys);
  filter.apply(page);
  EXPECT_EQ(filter.filtered() + page.entries.size(), keys.size());
  std::vector<std::string> left;
  for (const store::Entry& entry : page.entries)
    left.emplace_back(entry.key);
  return left;
}

TEST(Filter, WithoutPatternsEverythingTakesPart) {
  EXPECT_THAT(accepted({}, {"a", "b/"}), ElementsAre("a", "b/"));
}

TEST(Filter, ExcludesLeaveOutAndTheRestTakesPart) {
  EXPECT_THAT(accepted({.patterns = {exclude("*.tmp")}}, {"a.tmp", "b/c.tmp", "d"}), ElementsAre("d"));
}

TEST(Filter, AnyIncludeMeansThatTheRestIsLeftOut) {
  EXPECT_THAT(accepted({.patterns = {include("*.jpg")}}, {"a.jpg", "b", "c/d.jpg"}),
              ElementsAre("a.jpg", "c/d.jpg"));
  EXPECT_THAT(accepted({.patterns = {exclude("tmp/**"), include("*.jpg")}}, {"tmp/a.jpg", "a.jpg", "b"}),
              ElementsAre("a.jpg"));
}

TEST(Filter, TheFirstPatternThatMatchesDecides) {
  EXPECT_THAT(accepted({.patterns = {include("/keep/*.tmp"), exclude("*.tmp"), include("**")}},
                       {"keep/a.tmp", "b.tmp", "c"}),
              ElementsAre("keep/a.tmp", "c"));
}

TEST(Filter, PatternsSeeTheKeyBelowThePrefix) {
  EXPECT_THAT(accepted({.patterns = {include("/a/*")}}, {"p/q/a/1", "p/q/b/a/1"}, "p/q/"),
              ElementsAre("p/q/a/1"));
}

TEST(Filter, CaseIsIgnoredWhenAsked) {
  EXPECT_THAT(accepted({.patterns = {include("*.JPG")}}, {"a.jpg", "b.JPG"}), ElementsAre("b.JPG"));
  EXPECT_THAT(accepted({.patterns = {include("*.[J]pG")}, .ignore_case = true}, {"a.jpg", "b.JPG", "c.png"}),
              ElementsAre("a.jpg", "b.JPG"));
}

TEST(Filter, SizesAndAgesIncludeTheirLimits) {
  store::Entry entry;
  entry.key = "k";
  entry.size = 10;
  entry.modified = Time(std::chrono::seconds(100));
  const auto judge = [&entry](FilterOptions options) { return Filter(options, "").judge(entry); };
  EXPECT_EQ(judge({.min_size = 10}), FilterReason::accepted);
  EXPECT_EQ(judge({.min_size = 11}), FilterReason::size);
  EXPECT_EQ(judge({.max_size = 10}), FilterReason::accepted);
  EXPECT_EQ(judge({.max_size = 9}), FilterReason::size);
  EXPECT_EQ(judge({.older_than = entry.modified}), FilterReason::accepted);
  EXPECT_EQ(judge({.older_than = entry.modified - Duration(1)}), FilterReason::age);
  EXPECT_EQ(judge({.newer_than = entry.modified}), FilterReason::accepted);
  EXPECT_EQ(judge({.newer_than = entry.modified + Duration(1)}), FilterReason::age);
  entry.kind = store::EntryKind::directory;
  EXPECT_EQ(judge({.min_size = 11}), FilterReason::accepted);
}

TEST(Filter, WhatNothingCanPassIsRefused) {
  EXPECT_THROW(Filter({.min_size = 2, .max_size = 1}, ""), Error);
  EXPECT_THROW(Filter({.older_than = Time{}, .newer_than = Time{} + Duration(1)}, ""), Error);
  EXPECT_THROW(Filter({.patterns = {include("[")}}, ""), Error);
}

TEST(Filter, CountsByReason) {
  Filter filter({.patterns = {exclude("b")}, .max_size = 2}, "");
  store::ListPage page;
  const std::vector<std::string> keys = {"a", "b", "c", "d"};
  page.entries = entries_of(keys);  // sizes 1 to 4
  filter.apply(page);
  EXPECT_EQ(filter.filtered(FilterReason::pattern), 1u);
  EXPECT_EQ(filter.filtered(FilterReason::size), 2u);
  EXPECT_EQ(filter.filtered(), 3u);
}

TEST(Filter, AnchoredIncludesNarrowTheListing) {
  const auto prefix = [](std::vector<FilterPattern> patterns) {
    return Filter({.patterns = std::move(patterns)}, "p/").listing_prefix();
  };
  EXPECT_EQ(prefix({include("/logs/2024/*.gz"), include("/logs/2023/**")}), "p/logs/202");
  EXPECT_EQ(prefix({include("/logs/*"), exclude("/x/*")}), "p/logs/");
  EXPECT_EQ(prefix({include("*.gz")}), "p/");
  EXPECT_EQ(prefix({exclude("/logs/*")}), "p/");
  EXPECT_EQ(prefix({include("/caf\xc3\xa9"), include("/caf\xc3\xa8")}), "p/caf");
}

}  // namespace
}  // namespace haul::listing

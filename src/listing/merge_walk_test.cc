#include "listing/merge_walk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "base/utf8.h"
#include "listing/model_store.h"
#include "listing/spill_sort.h"

namespace haul::listing {
namespace {

using ::testing::ElementsAre;

using Keys = std::vector<std::string>;

// "source=destination", with a sign for what is missing or wrong.
Task<Keys> walk(EntryStream& source, EntryStream& destination, const KeyMapping& mapping, OpContext context) {
  MergeWalk merge(source, destination, mapping);
  Keys seen;
  while (true) {
    const auto pairs = co_await merge.next(context);
    if (pairs.empty()) co_return seen;
    for (const SourceAndDestination& pair : pairs) {
      const char* const signs[] = {"=", "!", "?"};
      seen.push_back(std::string(pair.source != nullptr ? pair.source->key : "") +
                     signs[static_cast<std::size_t>(pair.problem)] +
                     std::string(pair.destination != nullptr ? pair.destination->key : ""));
    }
  }
}

class MergeWalkTest : public ::testing::Test {
 protected:
  Keys merge(const Keys& source, const Keys& destination, const KeyMapping& mapping, std::size_t page = 2) {
    VirtualTime time;
    ModelStream here(entries_of(source), page);
    ModelStream there(entries_of(destination), page + 1);
    return runtime_.run_for(walk(here, there, mapping, runtime_.context()));
  }
  // Sorted by the mapped key before.
  Keys sort_and_merge(const Keys& source, const Keys& destination, const KeyMapping& mapping) {
    ModelStream here(entries_of(source), 3);
    SortedStream sorted(here, {}, &mapping);
    ModelStream there(entries_of(destination), 2);
    return runtime_.run_for(walk(sorted, there, mapping, runtime_.context()));
  }

  ManualEnv env_;
  Runtime runtime_{env_, null_logger(), {.shards = 1, .blocking_threads = 1}};
};

TEST_F(MergeWalkTest, PairsWhatIsOnBothSidesAndGivesTheRestAlone) {
  const auto same = KeyMapping::prefix("", "");
  EXPECT_THAT(merge({"a", "b", "d"}, {"b", "c", "d", "e"}, same),
              ElementsAre("a=", "b=b", "=c", "d=d", "=e"));
  EXPECT_THAT(merge({}, {}, same), ElementsAre());
  EXPECT_THAT(merge({"a"}, {}, same), ElementsAre("a="));
  EXPECT_THAT(merge({}, {"a"}, same), ElementsAre("=a"));
}

TEST_F(MergeWalkTest, AListingOutOfOrderIsRefusedBeforeAnythingIsTakenForMissing) {
  const auto same = KeyMapping::prefix("", "");
  EXPECT_THROW(merge({"b", "a"}, {"a"}, same), Error);
  EXPECT_THROW(merge({"a"}, {"a", "b", "c", "b"}, same), Error);
  EXPECT_THROW(merge({"x/b", "y/a"}, {}, KeyMapping::flatten("", "")), Error);
}

TEST_F(MergeWalkTest, ComparesKeysBelowTheirPrefixes) {
  EXPECT_THAT(merge({"in/a", "in/a/", "in/a/b"}, {"z/a/", "z/a0"}, KeyMapping::prefix("in/", "z/")),
              ElementsAre("in/a=", "in/a/=z/a/", "in/a/b=", "=z/a0"));
}

TEST_F(MergeWalkTest, IsTheUnionOfBothSidesForAnyKeys) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 50; ++round) {
    std::set<std::string> here;
    std::set<std::string> there;
    Keys expected;
    std::map<std::string, int> all;
    for (int i = 0; i < 200; ++i) {
      std::string key;
      for (std::uint64_t j = 1 + random() % 3; j > 0; --j)
        append_code_point(key, std::u32string_view(U"a/\x7f\u00e9\U0010ffff\u0301")[random() % 6]);
      if (random() % 2 == 0) here.insert(key), all[key] |= 1;
      if (random() % 2 == 0) there.insert(key), all[key] |= 2;
    }
    for (const auto& [key, sides] : all)
      expected.push_back(((sides & 1) != 0 ? "s/" + key : "") + "=" + ((sides & 2) != 0 ? "d/" + key : ""));
    Keys source;
    Keys destination;
    for (const auto& key : here)
      source.push_back("s/" + key);
    for (const auto& key : there)
      destination.push_back("d/" + key);
    EXPECT_EQ(merge(source, destination, KeyMapping::prefix("s/", "d/"), 1 + random() % 40), expected);
  }
}

TEST_F(MergeWalkTest, KeysThatMeetAreACollisionOfAllButTheFirst) {
  EXPECT_THAT(
      sort_and_merge({"a/x", "b/w", "b/x", "c/x", "d/y"}, {"o/v", "o/x"}, KeyMapping::flatten("", "o/")),
      ElementsAre("=o/v", "b/w=", "a/x=o/x", "b/x!", "c/x!", "d/y="));
}

TEST_F(MergeWalkTest, ObjectsThatGetNoKeyAreNamed) {
  EXPECT_THAT(sort_and_merge({"a/", "a/x", "b/"}, {"x"}, KeyMapping::flatten("", "")),
              ElementsAre("a/?", "b/?", "a/x=x"));
}

TEST_F(MergeWalkTest, AMappingThatReordersPairsRightlyForAnyKeys) {
  std::mt19937_64 random(6);
  const auto mapping = KeyMapping::flatten("", "");
  for (int round = 0; round < 30; ++round) {
    std::set<std::string> source;
    std::set<std::string> destination;
    for (int i = 0; i < 60; ++i) {
      const auto letter = [&random] { return std::string(1, static_cast<char>('a' + random() % 6)); };
      source.insert(letter() + "/" + letter() + letter());
      destination.insert(letter() + letter());
    }
    std::map<std::string, Keys> by_name;
    for (const std::string& key : source)
      by_name[key.substr(2)].push_back(key);
    for (const std::string& key : destination)
      by_name[key];
    Keys expected;
    for (const auto& [name, keys] : by_name) {
      const std::string there = destination.contains(name) ? name : "";
      expected.push_back((keys.empty() ? "" : keys.front()) + "=" + there);
      for (std::size_t i = 1; i < keys.size(); ++i)
        expected.push_back(keys[i] + "!");
    }
    EXPECT_EQ(sort_and_merge(Keys(source.begin(), source.end()), Keys(destination.begin(), destination.end()),
                             mapping),
              expected);
  }
}

}  // namespace
}  // namespace haul::listing

#include "stores/local/sorted_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace haul::local {
namespace {

std::vector<std::string> drain(SortedNames& names) {
  std::vector<std::string> keys;
  for (; names.front() != nullptr; names.pop())
    keys.emplace_back(names.front()->key);
  return keys;
}

TEST(SortedNames, GivesNamesInTheOrderOfTheirBytes) {
  SortedNames names(1 << 20, "/tmp");
  for (const std::string_view key :
       {"b", "a/", "a0", "a-", "a", "\xc3\xa9", "B", "ab", "prefixed-1", "prefixed-10"})
    names.add(key, key.ends_with('/') ? NameKind::directory : NameKind::file, false);
  names.sort();
  EXPECT_EQ(names.front()->key, "B");
  DirectoryName third;
  ASSERT_TRUE(names.peek(3, third));
  EXPECT_EQ(third.key, "a/");
  EXPECT_EQ(third.kind, NameKind::directory);
  EXPECT_THAT(drain(names), testing::ElementsAre("B", "a", "a-", "a/", "a0", "ab", "b", "prefixed-1",
                                                 "prefixed-10", "\xc3\xa9"));
}

TEST(SortedNames, NothingIsAtItsEndFromTheStart) {
  SortedNames names(0, "/tmp");
  names.sort();
  EXPECT_EQ(names.front(), nullptr);
}

TEST(SortedNames, ManyNamesStayWithinTheBoundAndInOrder) {
  constexpr std::uint64_t kBound = 256 * 1024;
  SortedNames names(kBound, "/tmp");
  std::mt19937 random(5);
  std::set<std::string> expected;
  std::uint64_t peak = 0;
  while (expected.size() < 60'000) {
    std::string key = "IMG_" + std::to_string(random() % 100'000'000) + std::string(random() % 40, 'x');
    if (!expected.insert(key).second) continue;
    names.add(key, NameKind::file, false);
    peak = std::max(peak, names.memory());
  }
  EXPECT_TRUE(names.spilled());
  EXPECT_LE(peak, kBound);
  names.sort();
  EXPECT_EQ(drain(names), std::vector<std::string>(expected.begin(), expected.end()));
}

TEST(SortedNames, SpilledNamesKeepWhatTheyAreAndTheirTerminator) {
  SortedNames names(0, "/tmp");
  for (int i = 0; i < 20'000; ++i)
    names.add(std::to_string(1'000'000 + i) + (i % 3 == 0 ? "/" : ""),
              i % 3 == 0 ? NameKind::directory : NameKind::file, i % 5 == 0);
  names.sort();
  ASSERT_TRUE(names.spilled());
  for (int i = 0; i < 20'000; ++i, names.pop()) {
    ASSERT_NE(names.front(), nullptr);
    EXPECT_EQ(names.front()->kind == NameKind::directory, i % 3 == 0);
    EXPECT_EQ(names.front()->escaped, i % 5 == 0);
    EXPECT_EQ(names.front()->key.data()[names.front()->key.size()], '\0');
  }
  EXPECT_EQ(names.front(), nullptr);
}

TEST(SortedNames, SaysWhereItCannotSpill) {
  SortedNames names(0, "/nowhere/at/all");
  EXPECT_ANY_THROW({
    for (int i = 0; i < 100'000; ++i)
      names.add("name " + std::to_string(i), NameKind::file, false);
    names.sort();
  });
}

}  // namespace
}  // namespace haul::local

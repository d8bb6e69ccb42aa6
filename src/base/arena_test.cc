#include "base/arena.h"

#include <gtest/gtest.h>

#include <string>

namespace haul {
namespace {

TEST(TextArena, keeps_what_it_stored_while_it_grows_and_when_it_moves) {
  TextArena arena;
  std::vector<std::string_view> views;
  for (int i = 0; i < 20000; ++i)
    views.push_back(arena.store("key/" + std::to_string(i)));
  TextArena moved = std::move(arena);
  TextArena assigned;
  assigned.store("gone");
  assigned = std::move(moved);
  for (int i = 0; i < 20000; ++i) {
    ASSERT_EQ(views[static_cast<std::size_t>(i)], "key/" + std::to_string(i));
  }
}

TEST(TextArena, is_empty_and_usable_after_it_was_moved_from) {
  TextArena arena;
  arena.store("something");
  const TextArena moved = std::move(arena);
  EXPECT_EQ(arena.bytes(), 0U);  // NOLINT(bugprone-use-after-move): its state is part of the contract
  EXPECT_EQ(arena.store("again"), "again");
  EXPECT_GT(moved.bytes(), 0U);
}

TEST(TextArena, joins_two_texts) {
  TextArena arena;
  EXPECT_EQ(arena.store("dir/", "name"), "dir/name");
  EXPECT_EQ(arena.store("", "name"), "name");
  EXPECT_EQ(arena.store("dir/", ""), "dir/");
  EXPECT_EQ(arena.store("", ""), "");
}

TEST(TextArena, holds_little_more_than_it_was_given) {
  TextArena arena;
  EXPECT_EQ(arena.bytes(), 0U);
  const std::string key(100, 'k');
  for (int i = 0; i < 100000; ++i)
    arena.store(key);
  EXPECT_GE(arena.bytes(), 10'000'000U);
  EXPECT_LE(arena.bytes(), 10'500'000U);
  const std::string large(1 << 20, 'x');
  EXPECT_EQ(arena.store(large), large);
}

TEST(TextArena, starts_again_in_the_memory_it_has) {
  TextArena arena;
  for (int i = 0; i < 1000; ++i)
    arena.store("0123456789abcdef");
  arena.clear();
  const std::size_t kept = arena.bytes();
  EXPECT_GT(kept, 0U);
  EXPECT_EQ(arena.store("new"), "new");
  EXPECT_EQ(arena.bytes(), kept);
}

}  // namespace
}  // namespace haul

#include "job/catalogue_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/recorded_world_test.h"

namespace haul::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct CatalogueStreamTest : testing::Test, RecordedWorld {
  CatalogueStream stream(std::string key = "path", std::string cursor = "id") {
    return CatalogueStream({.catalog = catalog,
                            .selection = {.query = "SELECT id, path FROM files",
                                          .cursor = std::move(cursor),
                                          .page_rows = 2,
                                          .key = std::move(key)},
                            .prefix = "in/"});
  }
  std::optional<store::ListPage> next(CatalogueStream& from) { return world.run_for(from.next(context)); }
  std::vector<std::string> keys_of(CatalogueStream& from) {
    std::vector<std::string> keys;
    while (const auto page = next(from))
      for (const store::Entry& entry : page->entries)
        keys.emplace_back(entry.key);
    return keys;
  }
};

TEST_F(CatalogueStreamTest, gives_rows_as_objects_page_by_page) {
  catalog->paths = {{3, "in/c"}, {5, "in/a"}, {9, "in/b"}};
  CatalogueStream rows = stream();
  const auto page = next(rows);
  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 2U);
  EXPECT_EQ(page->entries[1].key, "in/a");
  EXPECT_EQ(page->entries[1].row, "[5,\"in/a\"]");
  EXPECT_FALSE(page->entries[1].facts_known);
  EXPECT_THAT(keys_of(rows), ElementsAre("in/b"));
  EXPECT_TRUE(rows.facts().complete());
  EXPECT_EQ(rows.facts().listed, 3U);
}

TEST_F(CatalogueStreamTest, goes_on_behind_the_last_row_that_another_has_given) {
  catalog->paths = {{3, "in/c"}, {5, "in/a"}, {9, "in/b"}};
  CatalogueStream first = stream();
  const auto start = first.place();
  next(first);
  const auto place = first.place();
  ASSERT_TRUE(start && place);
  EXPECT_EQ(place->find('\n'), std::string::npos);
  CatalogueStream second = stream();
  second.go_on_at(*place);
  EXPECT_THAT(keys_of(second), ElementsAre("in/b"));
  second.go_on_at(*start);
  EXPECT_THAT(keys_of(second), ElementsAre("in/c", "in/a", "in/b"));
}

TEST_F(CatalogueStreamTest, refuses_a_place_that_is_none) {
  CatalogueStream rows = stream();
  for (const char* place : {"[]", "[1,2]", "[null]", "7", "x"})
    EXPECT_THROW(rows.go_on_at(place), Error) << place;
}

TEST_F(CatalogueStreamTest, tells_of_rows_that_name_no_object_and_goes_on) {
  catalog->paths = {{1, "NULL"}, {2, ""}, {3, "elsewhere/x"}, {4, "in/a"}};
  CatalogueStream rows = stream();
  const auto first = next(rows);
  ASSERT_TRUE(first);
  EXPECT_THAT(first->entries, IsEmpty());
  ASSERT_EQ(first->broken.size(), 2U);
  EXPECT_THAT(first->broken[0].error.what(), HasSubstr("NULL"));
  EXPECT_THAT(first->broken[1].error.what(), HasSubstr("row with id [2]"));
  const auto second = next(rows);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->broken.size(), 1U);
  EXPECT_EQ(second->broken[0].key, "elsewhere/x");
  ASSERT_EQ(second->entries.size(), 1U);
  EXPECT_FALSE(next(rows));
  EXPECT_EQ(rows.facts().broken, 3U);
}

TEST_F(CatalogueStreamTest, refuses_a_key_or_cursor_that_is_not_selected) {
  catalog->paths = {{1, "in/a"}};
  CatalogueStream without_key = stream("file");
  EXPECT_THROW(next(without_key), Error);
  CatalogueStream without_cursor = stream("path", "number");
  try {
    next(without_cursor);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("its columns are id, path"));
  }
}

}  // namespace
}  // namespace haul::job

#include "catalog/sql_text.h"

#include <gmock/gmock.h>

namespace haul::catalog {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string numbered(const Statement& statement) {
  return statement.with([](std::size_t name) { return "$" + std::to_string(name + 1); });
}

TEST(StatementTest, names_are_given_once_in_order_of_appearance) {
  const Statement statement = Statement::parse(
      "UPDATE files SET path = :destination_key, old = :path WHERE id = :id AND path = :path");
  EXPECT_THAT(statement.names(), ElementsAre("destination_key", "path", "id"));
  EXPECT_THAT(statement.order(), ElementsAre(0, 1, 2, 1));
  EXPECT_EQ(numbered(statement), "UPDATE files SET path = $1, old = $2 WHERE id = $3 AND path = $2");
}

TEST(StatementTest, what_stands_in_quotes_and_comments_is_no_parameter) {
  const Statement statement = Statement::parse(
      "update t set a = ':no', \"b:no\" = 'it''s :no', `c:no` = $$ :no ' $$, d = $x$ :no $$ $x$ /* :no ' */\n"
      "-- :no '\n, e = '\\\\', f = 1::text, g := h where id=:id;  -- the end :no\n");
  EXPECT_THAT(statement.names(), ElementsAre("id"));
  EXPECT_THAT(statement.text(), testing::EndsWith("where id=:id"));
}

TEST(StatementTest, a_cast_may_follow_a_parameter) {
  const Statement statement = Statement::parse("UPDATE t SET a = :run::text WHERE b = ARRAY[:x]::int[]");
  EXPECT_THAT(statement.names(), ElementsAre("run", "x"));
  EXPECT_EQ(numbered(statement), "UPDATE t SET a = $1::text WHERE b = ARRAY[$2]::int[]");
}

TEST(StatementTest, what_cannot_be_read_is_refused_with_its_place) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "there is no statement"},
      {" -- nothing\n /* at all */ ", "there is no statement"},
      {"; UPDATE t SET a = :a", "no statement before"},
      {"UPDATE t SET a = :a; DROP TABLE t", "line 1, column 22: there is more than one statement"},
      {"UPDATE t\n  SET a = 'x WHERE b = :b", "line 2, column 11: this quote is not closed"},
      {"UPDATE t SET a = \"x WHERE b = :b", "not closed"},
      {"UPDATE t SET a = `x WHERE b = :b", "not closed"},
      {"UPDATE t SET a = $x$ WHERE b = :b", "not closed"},
      {"UPDATE t SET a = :a /* WHERE", "line 1, column 21: this comment is not closed"},
      {"UPDATE t SET a = :a /* /* */ */ WHERE x", "comments inside of comments"},
      {"UPDATE t SET a = :a /*! WHERE b */", "carried out by some servers"},
      {"UPDATE t SET a = 'x\\' WHERE b = :b -- '", "a backslash before a quote"},
      {"UPDATE t SET a = 1--:b", "two minus signs"},
      {"UPDATE t SET a = 1", "no parameter"},
      {"DELETE FROM t WHERE a = :a", "must be an UPDATE"},
  };
  for (const auto& [text, why] : cases) {
    try {
      Statement::parse(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
      EXPECT_THAT(error.what(), HasSubstr(why)) << text;
    }
  }
}

TEST(PageQueryTest, a_comment_or_semicolon_at_the_end_of_the_query_does_not_swallow_the_page) {
  const Selection selection{.query = "SELECT id FROM t; -- all of them", .cursor = "id", .page_rows = 10};
  EXPECT_EQ(page_query(selection, "`id`", "?"),
            "SELECT * FROM (\nSELECT id FROM t\n) AS page WHERE `id` > ? ORDER BY `id` LIMIT 11");
  EXPECT_EQ(page_query(selection, "`id`", std::nullopt),
            "SELECT * FROM (\nSELECT id FROM t\n) AS page ORDER BY `id` LIMIT 11");
}

TEST(PageQueryTest, a_selection_takes_no_parameters) {
  EXPECT_THROW(columns_query({.query = "SELECT id FROM t WHERE a = :a", .cursor = "id"}), Error);
}

TEST(PageQueryTest, names_are_quoted_so_that_they_stay_names) {
  EXPECT_EQ(quoted_name("a\"b; DROP", '"'), "\"a\"\"b; DROP\"");
}

}  // namespace
}  // namespace haul::catalog

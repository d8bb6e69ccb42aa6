#include "sqlite/database.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::sqlite {
namespace {

using namespace std::chrono_literals;

struct DatabaseTest : testing::Test {
  DatabaseTest() : database(":memory:", OpenMode::create, 0ms) {
    database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
  }
  std::int64_t rows() {
    Statement count = database.prepare("SELECT count(*) FROM t");
    count.step();
    return count.integer(0);
  }
  Database database;
};

TEST_F(DatabaseTest, values_come_back_as_they_were_bound) {
  Statement insert = database.prepare("INSERT INTO t VALUES (?, ?)");
  insert.bind(1, 7).bind(2, std::string_view("a\0b'; DROP TABLE t", 18)).run();
  insert.bind(1, 8).bind_null(2).run();
  insert.bind(1, 9).bind(2, std::string_view()).run();
  Statement select = database.prepare("SELECT id, name FROM t ORDER BY id");
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.integer(0), 7);
  EXPECT_EQ(select.text(1), std::string_view("a\0b'; DROP TABLE t", 18));
  ASSERT_TRUE(select.step());
  EXPECT_TRUE(select.is_null(1));
  ASSERT_TRUE(select.step());
  EXPECT_FALSE(select.is_null(1));
  EXPECT_FALSE(select.step());
}

TEST_F(DatabaseTest, a_transaction_that_is_not_committed_leaves_nothing) {
  {
    const Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1, 'x')");
  }
  EXPECT_EQ(rows(), 0);
  Transaction transaction(database);
  database.execute("INSERT INTO t VALUES (1, 'x')");
  transaction.commit();
  EXPECT_EQ(rows(), 1);
}

TEST_F(DatabaseTest, errors_say_what_is_wrong_and_where) {
  try {
    database.execute("SELECT x FROM nowhere");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("nowhere"), std::string::npos);
  }
  EXPECT_THROW(Database("/nonexistent/x.db", OpenMode::read_only, 0ms), Error);
}

}  // namespace
}  // namespace haul::sqlite

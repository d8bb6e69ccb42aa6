#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "catalog/catalog.h"
#include "runtime/manual_runtime.h"
#include "sqlite/database.h"

namespace haul::catalog {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using State = RowResult::State;

struct SqliteCatalogTest : testing::Test {
  SqliteCatalogTest() {
    database.execute("CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT UNIQUE)");
    database.execute("INSERT INTO files VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  }
  ~SqliteCatalogTest() override { std::filesystem::remove(path); }

  std::vector<RowResult> update(std::string text, const std::vector<RowUpdate>& rows) {
    const Statement statement = Statement::parse(std::move(text));
    OpContext context = runtime.context();
    return runtime.run_for(catalog->update(statement, rows, context));
  }
  std::string paths() {
    sqlite::Statement all = database.prepare("SELECT group_concat(path, ' ') FROM files");
    all.step();
    return std::string(all.text(0));
  }

  std::string path = testing::TempDir() + "sqlite_catalog_" + std::to_string(::getpid()) + ".db";
  sqlite::Database database{path, sqlite::OpenMode::create, 0ms};
  ManualRuntime runtime;
  CatalogOptions options{.url = "sqlite:" + path, .statement_timeout = 200ms, .patience = 2s};
  std::shared_ptr<Catalog> catalog = open_catalog(options);
};

TEST_F(SqliteCatalogTest, each_row_has_its_own_result) {
  const auto results = update(
      "UPDATE files SET path = :new WHERE path = :old",
      {{.values = {std::string("x"), std::string("a")}, .if_done = {}},
       {.values = {std::string("c"), std::string("b")}, .if_done = {}},
       {.values = {std::string("y"), std::string("c")}, .if_done = {}},
       {.values = {std::string("z"), std::string("gone")}, .if_done = {}},
       {.values = {std::string("x"), std::string("q")}, .if_done = {std::string("x"), std::string("x")}}});
  ASSERT_EQ(results.size(), 5U);
  EXPECT_EQ(results[0].state, State::updated);
  EXPECT_EQ(results[1].state, State::failed);
  EXPECT_THAT(results[1].error->what(), HasSubstr("UNIQUE"));
  EXPECT_EQ(results[2].state, State::updated);
  EXPECT_EQ(results[3].state, State::unmatched);
  EXPECT_EQ(results[4].state, State::already);
  EXPECT_EQ(paths(), "x b y");
}

TEST_F(SqliteCatalogTest, a_row_that_rolls_the_transaction_back_does_not_take_its_neighbours_with_it) {
  database.execute(
      "CREATE TRIGGER no AFTER UPDATE ON files WHEN new.path = 'bad' BEGIN SELECT RAISE(ROLLBACK, 'never'); "
      "END");
  const auto results = update("UPDATE files SET path = :path WHERE id = :id",
                              {{.values = {std::string("x"), std::int64_t{1}}, .if_done = {}},
                               {.values = {std::string("bad"), std::int64_t{2}}, .if_done = {}},
                               {.values = {std::string("z"), std::int64_t{3}}, .if_done = {}}});
  EXPECT_EQ(results[1].state, State::failed);
  EXPECT_EQ(paths(), "x b z");
}

TEST_F(SqliteCatalogTest, a_row_that_is_refused_at_the_commit_stands_alone) {
  database.execute("CREATE TABLE owner (id INTEGER PRIMARY KEY)");
  database.execute("INSERT INTO owner VALUES (1)");
  database.execute(
      "CREATE TABLE kept (id INTEGER PRIMARY KEY, owner REFERENCES owner DEFERRABLE INITIALLY DEFERRED)");
  database.execute("INSERT INTO kept VALUES (1, NULL), (2, NULL), (3, NULL)");
  const auto results = update("UPDATE kept SET owner = :owner WHERE id = :id",
                              {{.values = {std::int64_t{1}, std::int64_t{1}}, .if_done = {}},
                               {.values = {std::int64_t{77}, std::int64_t{2}}, .if_done = {}},
                               {.values = {std::int64_t{1}, std::int64_t{3}}, .if_done = {}}});
  EXPECT_EQ(results[0].state, State::updated);
  EXPECT_EQ(results[1].state, State::failed);
  EXPECT_EQ(results[2].state, State::updated);
}

TEST_F(SqliteCatalogTest, a_cursor_of_bytes_pages_as_bytes) {
  database.execute("CREATE TABLE raw (id BLOB PRIMARY KEY)");
  database.execute("INSERT INTO raw VALUES (x'61'), (x'62'), (x'ff'), (x'00')");
  const Selection selection{.query = "SELECT id FROM raw", .cursor = "id", .page_rows = 1};
  std::optional<Value> after;
  std::string seen;
  OpContext context = runtime.context();
  while (true) {
    const auto fresh = open_catalog(options);
    const SelectedPage page = runtime.run_for(fresh->page(selection, after, context));
    if (page.rows.empty()) break;
    after = page.rows[0][0];
    seen += std::get<std::string>(*after);
  }
  EXPECT_EQ(seen, std::string("\0ab\xff", 4));
}

TEST_F(SqliteCatalogTest, a_database_that_another_program_holds_is_waited_for) {
  database.execute("BEGIN EXCLUSIVE");
  try {
    update("UPDATE files SET path = :path WHERE id = :id",
           {{.values = {std::string("x"), std::int64_t{1}}, .if_done = {}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("another program holds it"));
    EXPECT_GT(error.attempts(), 1);
  }
  database.execute("COMMIT");
  EXPECT_EQ(update("UPDATE files SET path = :path WHERE id = :id",
                   {{.values = {std::string("x"), std::int64_t{1}}, .if_done = {}}})[0]
                .state,
            State::updated);
}

TEST_F(SqliteCatalogTest, the_rate_bounds_rows_selected_and_updated) {
  options.rows_per_second = 10;
  catalog = open_catalog(options);
  const Selection selection{.query = "SELECT * FROM files", .cursor = "id", .page_rows = 10};
  OpContext context = runtime.context();
  const SteadyTime begin = runtime.env().steady_now();
  runtime.run_for(catalog->page(selection, std::nullopt, context));
  update("UPDATE files SET path = :path WHERE id = :id",
         {{.values = {std::string("x"), std::int64_t{1}}, .if_done = {}},
          {.values = {std::string("y"), std::int64_t{2}}, .if_done = {}}});
  EXPECT_EQ(runtime.env().steady_now() - begin, 500ms);
  EXPECT_EQ(catalog->effort().rows_selected, 3U);
  EXPECT_EQ(catalog->effort().rows_updated, 2U);
  EXPECT_EQ(catalog->effort().waited_for_rate, 500ms);
}

TEST_F(SqliteCatalogTest, a_file_that_is_not_there_is_named) {
  options.url = "sqlite:/nonexistent/media.db";
  catalog = open_catalog(options);
  try {
    update("UPDATE files SET path = :path WHERE id = :id",
           {{.values = {std::string(), std::int64_t{1}}, .if_done = {}}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::not_found);
    EXPECT_THAT(error.what(), HasSubstr("/nonexistent/media.db"));
  }
}

}  // namespace
}  // namespace haul::catalog

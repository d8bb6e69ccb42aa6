// What every catalogue does, whatever the server.
#include <atomic>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "catalog/catalog_fixture.h"
#include "catalog/sql_text.h"

namespace haul::catalog {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kById = "UPDATE files SET path = :path WHERE id = :id";
constexpr const char* kByPath = "UPDATE files SET path = :destination_key WHERE path = :source_key";

// Text as it arrives in SQL that was put together by hand would break it.
const std::vector<std::string> kUnpleasant = {
    "'; DROP TABLE files; --",
    "\" OR 1=1 --",
    "\\'; DROP TABLE files; --",
    "back\\slash\\",
    "`backtick`",
    "$1 ? :id %s {0}",
    "/* comment */ -- #",
    "line\nbreak\r\n\ttab",
    "\xF0\x9F\x90\x98 elephant \xE2\x80\xAE override",
    "\xC3\xA9 and e\xCC\x81",
    " leading and trailing ",
    "NULL",
    "0x61",
    std::string(690, 'x'),
};

struct CatalogTest : CatalogFixture {
  static RowUpdate by_id(std::int64_t id, std::string path) {
    return {.values = {std::move(path), id}, .if_done = {}};
  }
  static RowUpdate by_path(std::string from, std::string to) {
    return {.values = {to, std::move(from)}, .if_done = {to, to}};
  }
  Selection all{.query = "SELECT id, path FROM files", .cursor = "id", .page_rows = 100};
};

TEST_F(CatalogTest, looking_at_statements_gives_columns_and_changes_nothing) {
  fill(3);
  const Statement statement = Statement::parse(kById);
  EXPECT_THAT(check(&all, &statement), ElementsAre("id", "path"));
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE path LIKE 'image/%'"), "3");
}

TEST_F(CatalogTest, statements_that_the_server_does_not_take_are_refused_in_its_words) {
  const auto refusal = [&](const Selection* selection, const char* update) {
    try {
      const Statement statement = Statement::parse(update == nullptr ? kById : update);
      check(selection, update == nullptr ? nullptr : &statement);
      return std::string("taken");
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument) << error.what();
      return std::string(error.what());
    }
  };
  all.query = "SELECT id FROM no_such_table";
  EXPECT_THAT(refusal(&all, nullptr), HasSubstr("no_such_table"));
  all = {.query = "SELECT id, path FROM files", .cursor = "number"};
  EXPECT_THAT(refusal(&all, nullptr), AllOf(HasSubstr("number"), HasSubstr("id, path")));
  EXPECT_THAT(refusal(nullptr, "UPDATE files SET nonsense = :a WHERE id = :id"), HasSubstr("nonsense"));
  EXPECT_THAT(refusal(nullptr, "UPDATE files SET SET path = :a"), HasSubstr("near"));
}

TEST_F(CatalogTest, pages_hold_every_row_once_in_the_order_of_the_cursor) {
  fill(1003);
  for (const std::uint32_t page_rows : {1U, 7U, 1003U, 5000U}) {
    all.page_rows = page_rows;
    const std::vector<Row> rows = select(all);
    ASSERT_EQ(rows.size(), 1003U);
    for (std::size_t i = 0; i < rows.size(); ++i)
      ASSERT_EQ(rows[i][0], Value(static_cast<std::int64_t>(i + 1)));
    if (page_rows == 1) EXPECT_EQ(rows[9][1], Value("image/10"));
  }
}

TEST_F(CatalogTest, numbers_are_compared_as_numbers_and_text_as_the_server_sorts_it) {
  database->execute(
      "INSERT INTO files (id, path) VALUES (-5, 'b'), (2, 'a10'), (10, 'a9'), (9007199254740993, 'a2'), "
      "(9007199254740994, 'z'), (9223372036854775807, 'c')");
  all.page_rows = 1;
  std::vector<std::int64_t> ids;
  for (const Row& row : select(all))
    ids.push_back(std::get<std::int64_t>(row[0]));
  EXPECT_THAT(ids, ElementsAre(-5, 2, 10, 9007199254740993, 9007199254740994, INT64_MAX));
  all.cursor = "path";
  std::vector<std::string> paths;
  for (const Row& row : select(all))
    paths.push_back(std::get<std::string>(row[1]));
  EXPECT_THAT(paths, ElementsAre("a10", "a2", "a9", "b", "c", "z"));
}

TEST_F(CatalogTest, reals_page_by_their_exact_value) {
  database->execute("DROP TABLE IF EXISTS reals");
  database->execute("CREATE TABLE reals (at DOUBLE PRECISION PRIMARY KEY)");
  database->execute(
      "INSERT INTO reals VALUES (0.1), (0.30000000000000004), (0.3), (1e300), (-2.5), (5e-324)");
  const std::vector<Row> rows = select({.query = "SELECT at FROM reals", .cursor = "at", .page_rows = 1});
  EXPECT_THAT(rows,
              ElementsAre(Row{-2.5}, Row{5e-324}, Row{0.1}, Row{0.3}, Row{0.30000000000000004}, Row{1e300}));
}

TEST_F(CatalogTest, pages_go_along_the_index_of_the_cursor) {
  fill(20'000);
  database->execute(database->is_server() && database->quoted("") == "``" ? "ANALYZE TABLE files"
                                                                          : "ANALYZE files");
  all.query = "SELECT id, path, size FROM files WHERE path LIKE 'image/%'";
  const std::string query = page_query(all, database->quoted("id"), database->placeholder());
  const std::string plan = database->plan(query);
  EXPECT_TRUE(database->goes_along_primary_key(plan)) << query << "\n" << plan;
}

TEST_F(CatalogTest, rows_that_come_and_go_meanwhile_neither_double_nor_hide_others) {
  constexpr int kRows = 100'000;
  fill(kRows);
  // Odd rows stay; even ones are deleted, and new ones inserted beyond, while pages are read.
  std::atomic<bool> done = false;
  std::thread writer([&] {
    const std::unique_ptr<TestDatabase> other = database->is_server() ? open_test_database() : nullptr;
    for (int i = 2; i <= kRows && !done && other; i += 200) {
      std::string some;
      for (int j = i; j < i + 200; j += 2)
        some += (some.empty() ? "" : ", ") + std::to_string(j);
      other->execute("DELETE FROM files WHERE id IN (" + some + ")");
      const std::string fresh = std::to_string(kRows + i);
      other->execute("INSERT INTO files (id, path) VALUES (" + fresh + ", 'new/" + fresh + "')");
    }
  });
  all.page_rows = 1000;
  const std::vector<Row> rows = select(all);
  done = true;
  writer.join();
  std::int64_t last = 0, odd = 0;
  for (const Row& row : rows) {
    const auto id = std::get<std::int64_t>(row[0]);
    ASSERT_GT(id, last);
    last = id;
    if (id <= kRows && id % 2 == 1) ++odd;
  }
  EXPECT_EQ(odd, kRows / 2);
}

TEST_F(CatalogTest, a_cursor_that_would_leave_rows_out_is_refused) {
  fill(50);
  database->execute(
      "UPDATE files SET size = 7 WHERE id IN (10, 11); UPDATE files SET size = id + 100 WHERE size = 10");
  all = {.query = "SELECT id, size FROM files", .cursor = "size", .page_rows = 1};
  EXPECT_THAT([&] { select(all); }, testing::ThrowsMessage<Error>(HasSubstr("same value in two rows")));
  database->execute("UPDATE files SET size = id");
  EXPECT_EQ(select(all).size(), 50U);
  database->execute("UPDATE files SET size = NULL WHERE id = 25");
  EXPECT_THAT([&] { select(all); }, testing::ThrowsMessage<Error>(HasSubstr("NULL")));
}

TEST_F(CatalogTest, text_goes_through_unharmed_whatever_it_looks_like) {
  std::vector<RowUpdate> there, back;
  fill(static_cast<int>(kUnpleasant.size()));
  for (std::size_t i = 0; i < kUnpleasant.size(); ++i) {
    there.push_back(by_path("image/" + std::to_string(i + 1), kUnpleasant[i]));
    back.push_back(by_path(kUnpleasant[i], "back/" + std::to_string(i + 1)));
  }
  EXPECT_THAT(states(update(kByPath, there)), Each(State::updated));
  const std::vector<Row> rows = select(all);
  ASSERT_EQ(rows.size(), kUnpleasant.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i][1], Value(kUnpleasant[i]));
  EXPECT_EQ(database->value("SELECT count(*) FROM files"), std::to_string(kUnpleasant.size()));
  EXPECT_THAT(states(update(kByPath, back)), Each(State::updated));
  all.cursor = "path";
  all.page_rows = 1;
  EXPECT_EQ(select(all).size(), kUnpleasant.size());
}

TEST_F(CatalogTest, unpleasant_text_can_be_paged_by) {
  fill(static_cast<int>(kUnpleasant.size()));
  std::vector<RowUpdate> there;
  for (std::size_t i = 0; i < kUnpleasant.size(); ++i)
    there.push_back(by_id(static_cast<std::int64_t>(i + 1), kUnpleasant[i]));
  update(kById, there);
  all.cursor = "path";
  all.page_rows = 1;
  std::vector<std::string> paths;
  for (const Row& row : select(all))
    paths.push_back(std::get<std::string>(row[1]));
  EXPECT_THAT(paths, testing::UnorderedElementsAreArray(kUnpleasant));
}

TEST_F(CatalogTest, one_bad_row_in_a_thousand_fails_alone) {
  fill(1001);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 1000; ++i)
    rows.push_back(by_id(i, i == 500 ? "image/1001" : "avatar/" + std::to_string(i)));
  const std::vector<RowResult> results = update(kById, rows);
  ASSERT_EQ(results.size(), 1000U);
  for (std::size_t i = 0; i < results.size(); ++i)
    ASSERT_EQ(results[i].state, i == 499 ? State::failed : State::updated) << i;
  ASSERT_TRUE(results[499].error);
  EXPECT_EQ(results[499].error->error_class(), ErrorClass::invalid_argument);
  EXPECT_EQ(results[0].matched, 1U);
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE path LIKE 'avatar/%'"), "999");
  EXPECT_EQ(database->value("SELECT path FROM files WHERE id = 500"), "image/500");
}

TEST_F(CatalogTest, bad_rows_everywhere_fail_alone) {
  fill(300);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 300; ++i)
    rows.push_back({.values = {std::int64_t{i % 3 == 0 ? -1 : i}, std::int64_t{i}}, .if_done = {}});
  const std::vector<RowResult> results = update("UPDATE files SET size = :size WHERE id = :id", rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    ASSERT_EQ(results[i].state, (i + 1) % 3 == 0 ? State::failed : State::updated) << i;
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE size = id"), "200");
  for (RowUpdate& row : rows)
    row.values[0] = std::int64_t{-1};
  EXPECT_THAT(states(update("UPDATE files SET size = :size WHERE id = :id", rows)), Each(State::failed));
}

TEST_F(CatalogTest, what_matches_nothing_is_said_and_what_was_done_before_is_known) {
  fill(20);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 30; ++i)
    rows.push_back(by_path("image/" + std::to_string(i), "avatar/" + std::to_string(i)));
  database->execute("UPDATE files SET path = 'avatar/7' WHERE id = 7");
  std::vector<RowResult> results = update(kByPath, rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].state, i == 6 ? State::already : i < 20 ? State::updated : State::unmatched) << i;
  // Repeating changes nothing more.
  results = update(kByPath, rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].state, i < 20 ? State::already : State::unmatched) << i;
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE path LIKE 'avatar/%'"), "20");
}

TEST_F(CatalogTest, a_trial_of_what_may_be_done_already_leaves_nothing_behind) {
  fill(20);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 20; ++i)
    rows.push_back({.values = {std::string("x"), std::int64_t{i + 1000}},
                    .if_done = {std::string("y" + std::to_string(i)), std::int64_t{i}}});
  EXPECT_THAT(states(update(kById, rows)), Each(State::already));
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE path LIKE 'image/%'"), "20");
}

TEST_F(CatalogTest, a_row_that_has_its_value_already_is_matched_and_two_rows_count_as_two) {
  fill(20);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 20; ++i)
    rows.push_back(by_id(i, "image/" + std::to_string(i)));
  EXPECT_THAT(states(update(kById, rows)), Each(State::updated));
  rows.clear();
  for (int i = 1; i <= 10; ++i)
    rows.push_back({.values = {std::string("n"), std::int64_t{2 * i}}, .if_done = {}});
  const auto results = update("UPDATE files SET note = :note WHERE id = :id OR id = :id - 1", rows);
  for (const RowResult& result : results) {
    EXPECT_EQ(result.state, State::updated);
    EXPECT_EQ(result.matched, 2U);
  }
}

TEST_F(CatalogTest, values_of_many_kinds_share_a_batch) {
  fill(40);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 40; ++i) {
    Value note = std::monostate{};
    if (i % 4 == 1) note = std::string("text " + std::to_string(i));
    if (i % 4 == 2) note = std::int64_t{i};
    if (i % 4 == 3) note = 0.5;
    rows.push_back({.values = {note, std::int64_t{i}}, .if_done = {}});
  }
  EXPECT_THAT(states(update("UPDATE files SET note = :note WHERE id = :id", rows)), Each(State::updated));
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE note IS NULL"), "10");
  EXPECT_EQ(database->value("SELECT note FROM files WHERE id = 1"), "text 1");
  EXPECT_EQ(database->value("SELECT note FROM files WHERE id = 2"), "2");
  EXPECT_EQ(database->value("SELECT note FROM files WHERE id = 3"), "0.5");
}

TEST_F(CatalogTest, bytes_that_are_no_text_are_kept_or_refused_never_changed) {
  fill(20);
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 20; ++i)
    rows.push_back(by_id(i, i == 3   ? "bad\xff\xfe"
                            : i == 4 ? std::string("nul\0", 4) + "x"
                                     : "good/" + std::to_string(i)));
  const auto results = update(kById, rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    if (i != 2 && i != 3) EXPECT_EQ(results[i].state, State::updated) << i;
  all.page_rows = 1000;
  const std::vector<Row> there = select(all);
  for (const std::size_t i : {2U, 3U}) {
    const Value before("image/" + std::to_string(i + 1));
    EXPECT_EQ(there[i][1], results[i].state == State::updated ? rows[i].values[0] : before) << i;
    EXPECT_TRUE(results[i].state == State::updated || results[i].state == State::failed);
  }
}

TEST_F(CatalogTest, one_row_and_no_row_are_batches_too) {
  fill(1);
  EXPECT_THAT(states(update(kById, {by_id(1, "x")})), ElementsAre(State::updated));
  EXPECT_TRUE(update(kById, {}).empty());
}

TEST_F(CatalogTest, batches_that_lock_each_other_out_both_end_well) {
  fill(400);
  const Statement statement = Statement::parse(kById);
  std::vector<RowUpdate> up, down;
  for (int i = 1; i <= 400; ++i) {
    up.push_back(by_id(i, "up/" + std::to_string(i)));
    down.push_back(by_id(401 - i, "down/" + std::to_string(401 - i)));
  }
  struct Both {
    Catalog& catalog;
    const Statement& statement;
    int rounds = 0;
    static Task<> repeat(Both& both, std::span<const RowUpdate> rows, OpContext context) {
      for (int i = 0; i < 5; ++i) {
        for (const RowResult& result : co_await both.catalog.update(both.statement, rows, context))
          EXPECT_EQ(result.state, State::updated);
        ++both.rounds;
      }
    }
    static Task<> run(Both& both, std::span<const RowUpdate> up, std::span<const RowUpdate> down,
                      OpContext context) {
      boost::asio::co_spawn(context.executor(), repeat(both, up, context), boost::asio::detached);
      co_await repeat(both, down, context);
      for (int i = 0; both.rounds < 10 && i < 3000; ++i)
        co_await context.sleep(10ms);
      EXPECT_EQ(both.rounds, 10);
    }
  } both{*catalog, statement};
  runtime.run(Both::run(both, up, down, runtime.context()));
  const std::string ups = database->value("SELECT count(*) FROM files WHERE path LIKE 'up/%'");
  const std::string downs = database->value("SELECT count(*) FROM files WHERE path LIKE 'down/%'");
  EXPECT_TRUE((ups == "400" && downs == "0") || (ups == "0" && downs == "400")) << ups << " " << downs;
}

TEST_F(CatalogTest, a_statement_that_takes_too_long_is_stopped) {
  fill(20);
  options.statement_timeout = 500ms;
  catalog = open_catalog(options);
  const auto stopped = [](const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::timed_out) << error.what();
    EXPECT_FALSE(error.retryable());
  };
  try {
    select({.query = "SELECT id, " + database->slow_zero() + " AS slow FROM files", .cursor = "id"});
    ADD_FAILURE();
  } catch (const Error& error) {
    stopped(error);
  }
  for (const int count : {1, 20}) {
    std::vector<RowUpdate> rows;
    for (int i = 1; i <= count; ++i)
      rows.push_back({.values = {std::int64_t{i}}, .if_done = {}});
    try {
      update("UPDATE files SET size = " + database->slow_zero() + " WHERE id = :id", rows);
      ADD_FAILURE() << count;
    } catch (const Error& error) {
      stopped(error);
    }
  }
  EXPECT_EQ(database->value("SELECT count(*) FROM files WHERE size = 10"), "20");
  // And the connection is as good as before.
  EXPECT_THAT(states(update(kById, {by_id(1, "x")})), ElementsAre(State::updated));
}

// What other rows name, of rows 1 to `count` of `files`.
struct NamedTest : CatalogTest {
  NamedTest() {
    database->execute("DROP TABLE IF EXISTS named");
    database->execute("CREATE TABLE named (id BIGINT NOT NULL PRIMARY KEY, path VARCHAR(300) NOT NULL)");
    database->execute("CREATE INDEX named_by_path ON named (path)");
  }
  ~NamedTest() override { database->execute("DROP TABLE named"); }

  void add(int first, int count, const std::string& path) {
    std::string sql;
    for (int i = first; i < first + count; ++i)
      sql += (sql.empty() ? "INSERT INTO named (id, path) VALUES (" : ", (") + std::to_string(i) + ", '" +
             path + "')";
    database->execute(sql);
  }
  std::vector<bool> others(const std::vector<NamingRow>& rows) {
    OpContext context = runtime.context();
    return runtime.run_for(catalog->named_by_others(selection, rows, context));
  }
  bool finds() {
    OpContext context = runtime.context();
    return runtime.run_for(catalog->finds_by_key(selection, context));
  }
  static NamingRow row(std::int64_t id, std::string path) { return {.key = std::move(path), .cursor = id}; }

  Selection selection{
      .query = "SELECT id, path FROM named WHERE path LIKE 'image/%'", .cursor = "id", .key = "path"};
};

TEST_F(NamedTest, other_rows_that_name_an_object_are_found_and_the_known_ones_do_not_count) {
  add(1, 1, "image/a");
  add(2, 1, "image/b");
  add(3, 1, "image/b");
  add(4, 1, "image/c");
  add(5, 1, "image/c");
  add(6, 1, "other/d");
  EXPECT_THAT(others({row(1, "image/a"), row(2, "image/b"), row(4, "image/c"), row(5, "image/c"),
                      row(7, "other/d"), row(8, "image/nowhere")}),
              ElementsAre(false, true, false, false, false, false));
  EXPECT_THAT(others({{.key = "image/a", .cursor = {}}}), ElementsAre(true));
  EXPECT_THAT(others({}), testing::IsEmpty());
}

TEST_F(NamedTest, keys_are_the_same_byte_by_byte_only) {
  add(1, 1, "image/A");
  add(2, 1, "image/b ");
  add(3, 1, "image/\xC3\xA9");
  EXPECT_THAT(others({row(9, "image/a"), row(9, "image/b"), row(9, "image/e"), row(9, "image/A"),
                      row(9, "image/b "), row(9, "image/\xC3\xA9")}),
              ElementsAre(false, false, false, true, true, true));
}

TEST_F(NamedTest, unpleasant_keys_are_found) {
  std::vector<NamingRow> asked;
  selection.query = "SELECT id, path FROM files";
  fill(static_cast<int>(kUnpleasant.size()));
  std::vector<RowUpdate> rows;
  for (std::size_t i = 0; i < kUnpleasant.size(); ++i) {
    rows.push_back(by_id(static_cast<std::int64_t>(i + 1), kUnpleasant[i]));
    asked.push_back(row(1000, kUnpleasant[i]));
  }
  update(kById, rows);
  EXPECT_THAT(others(asked), Each(true));
}

TEST_F(NamedTest, an_object_that_thousands_of_rows_name_hides_no_other) {
  add(1, 9000, "image/a-default");
  add(10'001, 2, "image/shared");
  add(10'003, 1, "image/own");
  std::vector<NamingRow> asked{row(10'001, "image/shared"), row(10'003, "image/own")};
  for (int i = 1; i <= 3000; ++i)
    asked.push_back(row(i, "image/a-default"));
  const std::vector<bool> named = others(asked);
  EXPECT_TRUE(named[0]);
  EXPECT_FALSE(named[1]);
  EXPECT_TRUE(named[2] && named.back());
}

TEST_F(NamedTest, more_keys_than_one_statement_takes_are_all_asked_for) {
  fill(2300);
  selection.query = "SELECT id, path FROM files";
  std::vector<NamingRow> asked;
  for (int i = 1; i <= 2300; ++i)
    asked.push_back(row(i % 7 == 0 ? 5000 : i, "image/" + std::to_string(i)));
  const std::vector<bool> named = others(asked);
  for (int i = 1; i <= 2300; ++i)
    ASSERT_EQ(named[static_cast<std::size_t>(i - 1)], i % 7 == 0) << i;
  EXPECT_LT(catalog->effort().statements, 20U);
}

TEST_F(NamedTest, numbers_are_keys_too) {
  database->execute("DROP TABLE IF EXISTS numbered");
  database->execute("CREATE TABLE numbered (id BIGINT PRIMARY KEY, object BIGINT NOT NULL)");
  database->execute("INSERT INTO numbered VALUES (1, 70), (2, 70), (3, 71)");
  selection = {.query = "SELECT id, object FROM numbered", .cursor = "id", .key = "object"};
  EXPECT_TRUE(finds());
  EXPECT_THAT(others({{.key = std::int64_t{70}, .cursor = std::int64_t{1}},
                      {.key = std::int64_t{71}, .cursor = std::int64_t{3}}}),
              ElementsAre(true, false));
  database->execute("DROP TABLE numbered");
}

TEST_F(NamedTest, rows_are_found_by_an_indexed_key_and_in_a_small_table_without) {
  for (int first = 1; first < 60'000; first += 10'000) {
    std::string sql = "INSERT INTO named (id, path) VALUES ";
    for (int i = first; i < first + 10'000; ++i)
      sql += (i == first ? "(" : ", (") + std::to_string(i) + ", 'image/" + std::string(150, 'x') +
             std::to_string(i) + "')";
    database->execute(sql);
  }
  database->execute(database->is_server() && database->quoted("") == "``" ? "ANALYZE TABLE named"
                                                                          : "ANALYZE named");
  EXPECT_TRUE(finds());
  selection.query = "SELECT id, CONCAT('image/', path) AS path FROM named";
  if (!database->is_server()) selection.query = "SELECT id, 'image/' || path AS path FROM named";
  EXPECT_FALSE(finds());
  selection.query = "SELECT id, note AS path FROM files";
  EXPECT_TRUE(finds()) << "there is nothing to be read";
  selection = {.query = "SELECT id, path, id + 1 AS other FROM named", .cursor = "id", .key = "other"};
  EXPECT_FALSE(finds());
  selection.key = "id";
  EXPECT_TRUE(finds());
}

TEST_F(NamedTest, a_plan_that_the_server_refuses_to_make_is_no_failure_and_does_not_stand_in_the_way) {
  const Selection sound = selection;
  Selection unsound = selection;
  unsound.query += " AND 1 / 0 = id";
  for (int i = 0; i < 2; ++i) {
    selection = unsound;
    EXPECT_NO_THROW(finds());
    selection = sound;
    EXPECT_TRUE(finds());
  }
}

TEST_F(CatalogTest, effort_is_counted) {
  fill(30);
  select(all);
  std::vector<RowUpdate> rows;
  for (int i = 21; i <= 40; ++i)
    rows.push_back(by_id(i, "x" + std::to_string(i)));
  update(kById, rows);
  const CatalogEffort effort = catalog->effort();
  EXPECT_EQ(effort.rows_selected, 30U);
  EXPECT_EQ(effort.rows_updated, 10U);
  EXPECT_GT(effort.statements, 2U);
  EXPECT_EQ(effort.reconnects, 0U);
}

}  // namespace
}  // namespace haul::catalog

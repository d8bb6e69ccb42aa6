// What only servers have: accounts, TLS, sockets, and being killed in the middle of everything.
#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include "catalog/catalog_fixture.h"

namespace haul::catalog {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kByPath = "UPDATE files SET path = :destination_key WHERE path = :source_key";

struct CatalogServerTest : CatalogFixture {
  bool is_mariadb() const { return database->quoted("") == "``"; }
  Error refusal() {
    catalog = open_catalog(options);
    try {
      const Selection all{.query = "SELECT id FROM files", .cursor = "id"};
      check(&all, nullptr);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorClass::internal, "connected"};
  }
  // Opens the catalogue anew for an account that may do so much with one table, or view, and no more.
  void log_in_as(const std::string& name, const std::string& privileges, const std::string& table) {
    const std::string grant = "GRANT " + privileges + " ON ";
    if (is_mariadb()) {
      const std::string account = name + "@'127.0.0.1'";
      database->service("sql -e \"CREATE OR REPLACE USER " + account + " IDENTIFIED BY '" + name + "'; " +
                        grant + "app." + table + " TO " + account + "\"");
    } else {
      database->execute("DROP ROLE IF EXISTS " + name + "; CREATE ROLE " + name + " LOGIN PASSWORD '" + name +
                        "'; " + grant + table + " TO " + name);
    }
    options.url.replace(options.url.find("app@"), 4, name + "@");
    options.password = name;
    catalog = open_catalog(options);
  }
  // The statement that shows whether this connection is encrypted, as a selection.
  bool encrypted() {
    catalog = open_catalog(options);
    const Selection shown{
        .query = is_mariadb()
                     ? "SELECT 1 AS id, VARIABLE_VALUE <> '' AS tls FROM information_schema.SESSION_STATUS "
                       "WHERE VARIABLE_NAME = 'Ssl_cipher'"
                     : "SELECT 1 AS id, ssl AS tls FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
        .cursor = "id"};
    return page(shown, std::nullopt).rows.at(0).at(1) == Value(std::int64_t{1});
  }
};

TEST_F(CatalogServerTest, a_wrong_password_names_user_and_host_and_never_the_password) {
  options.password = "hunter2-wrong";
  const Error error = refusal();
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated) << error.what();
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), AllOf(HasSubstr("app@127.0.0.1"), Not(HasSubstr("hunter2"))));
}

TEST_F(CatalogServerTest, a_database_that_is_not_there_is_not_waited_for) {
  options.url.replace(options.url.rfind('/'), std::string::npos, "/nowhere");
  const Error error = refusal();
  EXPECT_THAT(error.what(), HasSubstr("nowhere"));
  EXPECT_FALSE(error.retryable());
}

TEST_F(CatalogServerTest, a_server_that_is_away_is_waited_for_as_long_as_patience_lasts) {
  options.url.replace(options.url.rfind(':'), std::string::npos, ":1/app");
  options.patience = 1s;
  const SteadyTime begin = std::chrono::steady_clock::now();
  const Error error = refusal();
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 900ms);
  EXPECT_GT(error.attempts(), 2);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("127.0.0.1"), HasSubstr("onnect")));
}

TEST_F(CatalogServerTest, tls_is_verified_where_it_is_required) {
  options.tls = TlsMode::required;
  options.ca_file = database->setting("CA");
  // The certificate is for localhost.
  const std::string by_address = options.url;
  options.url.replace(options.url.find("127.0.0.1"), 9, "localhost");
  EXPECT_TRUE(encrypted());
  // Signed by nobody that the system trusts.
  options.ca_file.clear();
  Error error = refusal();
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated) << error.what();
  EXPECT_THAT(error.what(), HasSubstr("certificate"));
  // For another name.
  options.ca_file = database->setting("CA");
  options.url = by_address;
  error = refusal();
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated) << error.what();
}

TEST_F(CatalogServerTest, tls_is_used_where_offered_and_left_out_on_demand) {
  EXPECT_TRUE(encrypted());
  options.tls = TlsMode::off;
  EXPECT_FALSE(encrypted());
}

TEST_F(CatalogServerTest, a_socket_of_this_machine_serves_as_well) {
  options.url = options.url.substr(0, options.url.find('@')) + "@/app?socket=" + database->setting("SOCKET");
  if (!is_mariadb()) options.url += "/.s.PGSQL." + database->setting("PORT");
  options.tls = TlsMode::required;
  EXPECT_FALSE(encrypted());
}

TEST_F(CatalogServerTest, a_server_that_is_killed_in_the_middle_of_updates_ends_up_with_every_row_right) {
  constexpr int kRows = 40'000, kBatch = 500;
  fill(kRows);
  const Statement statement = Statement::parse(kByPath);
  std::atomic<int> batches = 0;
  std::atomic<bool> ended = false;
  std::future<void> killer = std::async(std::launch::async, [&] {
    try {
      for (const int at : {5, 30, 60}) {
        while (batches < at && !ended)
          std::this_thread::yield();
        database->service("kill");
        database->service("start");
      }
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();  // now: the updates would wait for the server, and hide it
    }
  });
  std::vector<RowResult> results;
  for (int first = 1; first <= kRows; first += kBatch) {
    std::vector<RowUpdate> rows;
    for (int i = first; i < first + kBatch; ++i) {
      const std::string to = "avatar/" + std::to_string(i);
      rows.push_back({.values = {to, "image/" + std::to_string(i)}, .if_done = {to, to}});
    }
    OpContext context = runtime.context();
    std::ranges::move(runtime.run_for(catalog->update(statement, rows, context)),
                      std::back_inserter(results));
    ++batches;
  }
  ended = true;
  killer.get();
  // A batch whose commit was cut off may have been done: then it is known to be.
  EXPECT_THAT(states(results), Each(testing::AnyOf(State::updated, State::already)));
  EXPECT_GE(catalog->effort().reconnects, 3U);
  EXPECT_EQ(database->value("SELECT count(*) FROM files"), std::to_string(kRows));
  EXPECT_EQ(database->value(is_mariadb() ? "SELECT count(*) FROM files WHERE path = CONCAT('avatar/', id)"
                                         : "SELECT count(*) FROM files WHERE path = 'avatar/' || id"),
            std::to_string(kRows));
}

TEST_F(CatalogServerTest, pages_go_on_where_they_were_after_a_restart) {
  fill(3000);
  const Selection all{.query = "SELECT id FROM files", .cursor = "id", .page_rows = 1000};
  const SelectedPage first = page(all, std::nullopt);
  database->service("kill");
  database->service("start");
  const SelectedPage second = page(all, first.rows.back()[0]);
  ASSERT_EQ(second.rows.size(), 1000U);
  EXPECT_EQ(second.rows.front()[0], Value(std::int64_t{1001}));
  EXPECT_EQ(catalog->effort().reconnects, 1U);
}

TEST_F(CatalogServerTest, a_connection_that_the_server_ended_is_made_anew) {
  fill(20);
  const Selection all{.query = "SELECT id FROM files", .cursor = "id"};
  select(all);
  if (is_mariadb()) {
    database->service("sql -e \"KILL USER app@'127.0.0.1'\"");
  } else {
    database->execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'haul'");
  }
  EXPECT_EQ(select(all).size(), 20U);
  EXPECT_EQ(catalog->effort().reconnects, 1U);
}

TEST_F(CatalogServerTest, a_table_that_is_altered_meanwhile_is_no_reason_to_fail) {
  fill(20);
  const Selection all{.query = "SELECT * FROM files", .cursor = "id", .page_rows = 5};
  const SelectedPage first = page(all, page(all, std::nullopt).rows.back()[0]);
  const Statement statement = Statement::parse(kByPath);
  OpContext context = runtime.context();
  const std::vector<RowUpdate> rows(10,
                                    RowUpdate{.values = {std::string("x"), std::string("y")}, .if_done = {}});
  runtime.run_for(catalog->update(statement, rows, context));
  database->execute("ALTER TABLE files ADD COLUMN extra BIGINT");
  const SelectedPage second = page(all, first.rows.back()[0]);
  ASSERT_EQ(second.rows.size(), 5U);
  EXPECT_EQ(second.rows.front()[0], Value(std::int64_t{11}));
  EXPECT_EQ(second.rows.front().size(), second.columns.size());
  EXPECT_THAT(states(runtime.run_for(catalog->update(statement, rows, context))), Each(State::unmatched));
}

TEST_F(CatalogServerTest, a_value_that_does_not_fit_is_refused_and_not_cut) {
  fill(20);
  if (is_mariadb()) database->service("sql -e \"SET GLOBAL sql_mode = ''\"");
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 20; ++i)
    rows.push_back(
        {.values = {std::string(i == 7 ? 701 : 5, 'a') + std::to_string(i), "image/" + std::to_string(i)},
         .if_done = {}});
  const auto results = update(kByPath, rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].state, i == 6 ? State::failed : State::updated) << i;
}

TEST_F(CatalogServerTest, cursors_of_every_type_page_natively) {
  struct Case {
    const char* type;
    std::vector<std::string> values;  // ascending, in SQL
  };
  const std::vector<Case> mariadb = {
      {"BIGINT UNSIGNED",
       {"1", "9007199254740993", "9223372036854775808", "18446744073709551614", "18446744073709551615"}},
      {"DECIMAL(30,2)", {"-1.5", "2", "10", "90071992547409930000.01", "90071992547409930000.02"}},
      {"DATETIME(6)", {"'2020-01-01 00:00:00'", "'2020-01-01 00:00:00.000001'", "'2021-12-31 23:59:59'"}},
      {"VARBINARY(20)", {"x'00'", "x'0061'", "x'61'", "x'FE'", "x'FF00'"}},
      {"FLOAT", {"0.1", "0.2", "0.3"}},
      {"YEAR", {"1999", "2024"}},
      {"VARCHAR(20) CHARACTER SET latin1", {"'a'", "'B'", "'c'"}},
      {"DATE", {"'2020-01-01'", "'2020-01-02'"}},
      {"TIME(3)", {"'-01:00:00.5'", "'00:00:00.001'", "'10:00:00'", "'100:00:00'"}}};
  const std::vector<Case> postgres = {
      {"NUMERIC", {"-1.5", "2", "10", "90071992547409930000.01", "90071992547409930000.02"}},
      {"TIMESTAMPTZ",
       {"'2020-01-01 00:00:00+02'", "'2020-01-01 00:00:00+01'", "'2020-01-01 00:00:00.000001+01'"}},
      {"BYTEA", {"'\\x00'", "'\\x0061'", "'\\x61'", "'\\xff00'"}},
      {"UUID", {"'00000000-0000-0000-0000-000000000001'", "'a0000000-0000-0000-0000-000000000001'"}},
      {"REAL", {"0.1", "0.2", "0.3"}},
      {"SMALLINT", {"-3", "9", "10"}},
      {"BOOLEAN", {"false", "true"}},
      {"DATE", {"'2020-01-01'", "'2020-01-02'"}}};
  for (const Case& tested : is_mariadb() ? mariadb : postgres) {
    database->execute("DROP TABLE IF EXISTS typed");
    database->execute(std::string("CREATE TABLE typed (at ") + tested.type + " PRIMARY KEY, place INT)");
    for (std::size_t i = 0; i < tested.values.size(); ++i)
      database->execute("INSERT INTO typed VALUES (" + tested.values[i] + ", " + std::to_string(i) + ")");
    // What the catalogue knows of the table is of the type before.
    catalog = open_catalog(options);
    const std::vector<Row> rows =
        select({.query = "SELECT place, at FROM typed", .cursor = "at", .page_rows = 1});
    ASSERT_EQ(rows.size(), tested.values.size()) << tested.type;
    for (std::size_t i = 0; i < rows.size(); ++i)
      EXPECT_EQ(rows[i][0], Value(static_cast<std::int64_t>(i))) << tested.type;
    // And rows are found again by what was selected.
    std::vector<RowUpdate> found;
    for (int round = 0; round < 10; ++round)
      for (const Row& row : rows)
        found.push_back({.values = {row[1]}, .if_done = {}});
    if (std::string(tested.type) == "FLOAT") continue;  // no decimal equals a FLOAT of MariaDB
    EXPECT_THAT(states(update("UPDATE typed SET place = 7 WHERE at = :at", found)), Each(State::updated))
        << tested.type;
  }
}

TEST_F(CatalogServerTest, an_account_that_may_only_select_and_update_is_enough) {
  fill(31);
  log_in_as("plain", "SELECT, UPDATE", "files");
  std::vector<RowUpdate> rows;
  for (int i = 1; i <= 32; ++i)
    rows.push_back(
        {.values = {"image/" + std::to_string(i == 5 ? 31 : i + 100), "image/" + std::to_string(i)},
         .if_done = {}});
  rows.erase(rows.begin() + 30);
  const auto results = update(kByPath, rows);
  for (std::size_t i = 0; i < results.size(); ++i)
    EXPECT_EQ(results[i].state, i == 4 ? State::failed : i == 30 ? State::unmatched : State::updated) << i;
  if (!is_mariadb()) database->execute("DROP OWNED BY plain; DROP ROLE plain");
}

// MariaDB explains a statement only to those who may look behind its views.
TEST_F(CatalogServerTest, a_view_that_an_account_may_select_from_and_not_look_behind_can_be_looked_at) {
  database->execute("DROP VIEW IF EXISTS shown; CREATE VIEW shown AS SELECT id, path FROM files");
  log_in_as("viewer", "SELECT", "shown");
  const Selection selection{.query = "SELECT id, path FROM shown", .cursor = "id", .key = "path"};
  EXPECT_NO_THROW(check(&selection, nullptr));
  OpContext context = runtime.context();
  EXPECT_EQ(runtime.run_for(catalog->finds_by_key(selection, context)), !is_mariadb());
  database->execute("DROP VIEW shown");
  if (!is_mariadb()) database->execute("DROP ROLE viewer");
}

}  // namespace
}  // namespace haul::catalog

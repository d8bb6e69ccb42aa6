#include "catalog/database.h"

#include <libpq-fe.h>
#include <mysql.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "sqlite/database.h"

namespace haul::catalog {
namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string joined(const Rows& rows) {
  std::string text;
  for (const auto& row : rows) {
    for (const std::string& value : row)
      text += value + " | ";
    text += '\n';
  }
  return text;
}

class SqliteTestDatabase final : public TestDatabase {
 public:
  SqliteTestDatabase()
      : path_(std::filesystem::temp_directory_path() /
              ("haul_catalog_test_" + std::to_string(::getpid()) + ".db")),
        database_(path_, sqlite::OpenMode::create, std::chrono::seconds(10)) {
    database_.execute("PRAGMA journal_mode = WAL");
  }
  ~SqliteTestDatabase() override {
    for (const char* end : {"", "-wal", "-shm"})
      std::filesystem::remove(path_ + end);
  }
  CatalogOptions options() const override { return {.url = "sqlite:" + path_}; }
  void execute(const std::string& sql) override { database_.execute(sql); }
  Rows rows(const std::string& sql) override {
    sqlite::Statement statement = database_.prepare(sql);
    Rows rows;
    while (statement.step()) {
      auto& row = rows.emplace_back();
      for (int i = 0; i < statement.columns(); ++i)
        row.emplace_back(statement.is_null(i) ? "NULL" : statement.text(i));
    }
    return rows;
  }
  std::string plan(const std::string& sql) override { return joined(rows("EXPLAIN QUERY PLAN " + sql)); }
  bool goes_along_primary_key(const std::string& plan) const override {
    return plan.find("INTEGER PRIMARY KEY (rowid>?)") != std::string::npos &&
           plan.find("TEMP B-TREE") == std::string::npos;
  }
  std::string quoted(const std::string& name) const override { return '"' + name + '"'; }
  std::string placeholder() const override { return "?"; }
  std::string slow_zero() const override {
    return "(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT min(i) * 0 FROM n WHERE "
           "i < "
           "0)";
  }
  bool is_server() const override { return false; }
  void service(const std::string&) override { throw std::runtime_error("SQLite is no server"); }
  std::string setting(const std::string&) const override { throw std::runtime_error("SQLite is no server"); }

 private:
  std::string path_;
  sqlite::Database database_;
};

class ServerTestDatabase : public TestDatabase {
 public:
  explicit ServerTestDatabase(std::string service) : service_(std::move(service)) {
    const char* data = std::getenv("HAUL_SERVICES_DATA");
    if (data == nullptr) throw std::runtime_error("HAUL_SERVICES_DATA is not set");
    const std::string path = std::string(data) + "/" + service_ + "/" + service_ + ".env";
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line)) {
      const std::size_t mark = line.find('=');
      const std::size_t name = std::string("HAUL_").size() + service_.size() + 1;
      settings_[line.substr(name, mark - name)] = line.substr(mark + 1);
    }
    if (settings_.empty()) throw std::runtime_error("no server is up: " + path + " is missing");
  }
  CatalogOptions options() const override {
    return {.url = scheme() + "://" + setting("USER") + "@" + setting("HOST") + ":" + setting("PORT") + "/" +
                   setting("DATABASE"),
            .password = setting("PASSWORD")};
  }
  bool is_server() const override { return true; }
  void service(const std::string& command) override {
    const std::string line = std::string(HAUL_SERVICE_SCRIPTS) + "/" + service_ + " " + command;
    if (std::system(line.c_str()) != 0) throw std::runtime_error("failed: " + line);
  }
  std::string setting(const std::string& name) const override { return settings_.at(name); }
  virtual std::string scheme() const = 0;

 private:
  std::string service_;
  std::map<std::string, std::string> settings_;
};

class MariadbTestDatabase final : public ServerTestDatabase {
 public:
  MariadbTestDatabase() : ServerTestDatabase("mariadb") {}
  ~MariadbTestDatabase() override { close(); }
  std::string scheme() const override { return "mariadb"; }

  void execute(const std::string& sql) override { rows(sql); }

  Rows rows(const std::string& sql) override {
    if (mysql_ != nullptr && ::mysql_ping(mysql_) != 0) close();
    if (mysql_ == nullptr) open();
    if (::mysql_real_query(mysql_, sql.data(), sql.size()) != 0)
      throw std::runtime_error(::mysql_error(mysql_));
    Rows rows;
    int more = 0;
    do {
      if (MYSQL_RES* result = ::mysql_store_result(mysql_)) {
        while (MYSQL_ROW row = ::mysql_fetch_row(result)) {
          const unsigned long* lengths = ::mysql_fetch_lengths(result);
          auto& values = rows.emplace_back();
          for (unsigned i = 0; i < ::mysql_num_fields(result); ++i)
            values.push_back(row[i] == nullptr ? "NULL" : std::string(row[i], lengths[i]));
        }
        ::mysql_free_result(result);
      }
      more = ::mysql_next_result(mysql_);
    } while (more == 0);
    if (more > 0) throw std::runtime_error(::mysql_error(mysql_));
    return rows;
  }

  // Placeholders are filled in, as the server does when it carries out what is prepared.
  std::string plan(const std::string& sql) override {
    std::string filled = sql;
    if (const std::size_t at = filled.find('?'); at != std::string::npos) filled.replace(at, 1, "500");
    return joined(rows("EXPLAIN " + filled));
  }
  // id, select_type, table, type, possible_keys, key: one line means that the query was merged.
  bool goes_along_primary_key(const std::string& plan) const override {
    return plan.find("| SIMPLE | files | range | ") != std::string::npos &&
           plan.find(" | PRIMARY | 8 | ") != std::string::npos &&
           plan.find("filesort") == std::string::npos && plan.find("DERIVED") == std::string::npos;
  }
  std::string quoted(const std::string& name) const override { return '`' + name + '`'; }
  std::string placeholder() const override { return "?"; }
  std::string slow_zero() const override { return "SLEEP(20)"; }

 private:
  void open() {
    mysql_ = ::mysql_init(nullptr);
    if (::mysql_real_connect(mysql_, nullptr, setting("USER").c_str(), setting("PASSWORD").c_str(),
                             setting("DATABASE").c_str(), 0, setting("SOCKET").c_str(),
                             CLIENT_MULTI_STATEMENTS) == nullptr)
      throw std::runtime_error(::mysql_error(mysql_));
    ::mysql_set_character_set(mysql_, "utf8mb4");
  }
  void close() {
    if (mysql_ != nullptr) ::mysql_close(mysql_);
    mysql_ = nullptr;
  }
  MYSQL* mysql_ = nullptr;
};

class PostgresTestDatabase final : public ServerTestDatabase {
 public:
  PostgresTestDatabase() : ServerTestDatabase("postgres") {}
  ~PostgresTestDatabase() override { ::PQfinish(connection_); }
  std::string scheme() const override { return "postgresql"; }

  void execute(const std::string& sql) override { rows(sql); }

  Rows rows(const std::string& sql) override {
    if (connection_ == nullptr || ::PQstatus(connection_) != CONNECTION_OK) open();
    PGresult* result = ::PQexec(connection_, sql.c_str());
    if (::PQstatus(connection_) != CONNECTION_OK) {
      // The server was killed since.
      ::PQclear(result);
      open();
      result = ::PQexec(connection_, sql.c_str());
    }
    Rows rows;
    const ExecStatusType status = ::PQresultStatus(result);
    for (int row = 0; row < ::PQntuples(result); ++row) {
      auto& values = rows.emplace_back();
      for (int i = 0; i < ::PQnfields(result); ++i)
        values.push_back(::PQgetisnull(result, row, i) != 0 ? "NULL" : ::PQgetvalue(result, row, i));
    }
    ::PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
      throw std::runtime_error(::PQerrorMessage(connection_));
    return rows;
  }

  // As planned for any value, which is what a prepared statement comes to.
  std::string plan(const std::string& sql) override {
    execute("SET plan_cache_mode = force_generic_plan; PREPARE planned AS " + sql);
    std::string text = joined(rows("EXPLAIN EXECUTE planned(500)"));
    execute("DEALLOCATE planned; RESET plan_cache_mode");
    return text;
  }
  bool goes_along_primary_key(const std::string& plan) const override {
    return plan.find("Index Scan using files_pkey") != std::string::npos &&
           plan.find("Index Cond: (id > $1)") != std::string::npos && plan.find("Sort") == std::string::npos;
  }
  std::string quoted(const std::string& name) const override { return '"' + name + '"'; }
  std::string placeholder() const override { return "$1"; }
  std::string slow_zero() const override { return "(SELECT 0 FROM pg_sleep(20))"; }

 private:
  void open() {
    ::PQfinish(connection_);
    const std::string options = "host=" + setting("SOCKET") + " port=" + setting("PORT") +
                                " user=" + setting("USER") + " password=" + setting("PASSWORD") +
                                " dbname=" + setting("DATABASE");
    connection_ = ::PQconnectdb(options.c_str());
    if (::PQstatus(connection_) != CONNECTION_OK) throw std::runtime_error(::PQerrorMessage(connection_));
    ::PQsetNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
  }
  PGconn* connection_ = nullptr;
};

}  // namespace

std::unique_ptr<TestDatabase> open_test_database() {
  const char* which = std::getenv("HAUL_TEST_CATALOG");
  const std::string name = which == nullptr ? "sqlite" : which;
  if (name == "mariadb") return std::make_unique<MariadbTestDatabase>();
  if (name == "postgres") return std::make_unique<PostgresTestDatabase>();
  if (name == "sqlite") return std::make_unique<SqliteTestDatabase>();
  throw std::runtime_error("HAUL_TEST_CATALOG is sqlite, mariadb or postgres");
}

}  // namespace haul::catalog

// SQLite with its errors as haul::Error and its handles owned: a connection, statements, transactions.
// Not thread-safe: a Database and its statements are used by one thread at a time. Calls block.
// SQLite 3.40, https://sqlite.org/c3ref/intro.html
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace haul::sqlite {

enum class OpenMode : std::uint8_t { read_only, read_write, create };

class Statement;

class Database {
 public:
  // busy_timeout: how long a lock of another process is waited for. Throws not_found, permission_denied,
  // exhausted, data_loss (not a database), unavailable (locked).
  Database(std::string path, OpenMode mode, std::chrono::milliseconds busy_timeout);

  const std::string& path() const noexcept { return path_; }
  // One statement or several, without parameters and rows.
  void execute(const std::string& sql);
  Statement prepare(std::string_view sql);
  // Rows changed (for UPDATE: matched) by the last statement.
  std::uint64_t changes() const noexcept;
  std::int64_t last_row_id() const noexcept;
  sqlite3* handle() const noexcept { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// Bound values are copied by SQLite before step(); texts of columns are views that the next step() ends.
class Statement {
 public:
  Statement(sqlite3* database, std::string_view sql, const std::string& path);

  // index counts from 1.
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::uint64_t value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind(int index, std::string_view text);
  Statement& bind(int index, const char* text) { return bind(index, std::string_view(text)); }
  Statement& bind_bytes(int index, std::string_view bytes);
  Statement& bind_null(int index);

  // True if there is a row. After false, and before new values are bound, reset().
  bool step();
  void reset();
  // reset, and for statements without rows: bind..., run().
  void run() {
    step();
    reset();
  }

  int parameters() const noexcept;  // the highest index there is
  // column counts from 0.
  int columns() const noexcept;
  std::string_view column_name(int column) const;
  bool is_null(int column) const;
  int type(int column) const;  // SQLITE_INTEGER ...
  std::int64_t integer(int column) const;
  std::uint64_t count(int column) const { return static_cast<std::uint64_t>(integer(column)); }
  double real(int column) const;
  std::string_view text(int column) const;  // text or bytes

 private:
  [[noreturn]] void fail(int code, const char* operation) const;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  sqlite3* database_;
  std::string_view path_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Rolled back unless committed.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(&database) { database.execute("BEGIN IMMEDIATE"); }
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database* database_;
};

}  // namespace haul::sqlite

#include "catalog/sqlite_connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <type_traits>

#include "base/utf8.h"
#include "catalog/sql_text.h"
#include "sqlite/database.h"

namespace haul::catalog {
namespace {

using Milliseconds = std::chrono::milliseconds;

void bind_value(sqlite::Statement& statement, int index, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value))
    statement.bind(index, *integer);
  else if (const auto* real = std::get_if<double>(&value))
    statement.bind(index, *real);
  else if (const auto* text = std::get_if<std::string>(&value); text == nullptr)
    statement.bind_null(index);
  else if (is_utf8(*text))
    statement.bind(index, *text);
  else
    statement.bind_bytes(index, *text);
}

Value column_value(const sqlite::Statement& statement, int column) {
  switch (statement.type(column)) {
    case SQLITE_INTEGER: return statement.integer(column);
    case SQLITE_FLOAT: return statement.real(column);
    case SQLITE_NULL: return std::monostate{};
    default: return std::string(statement.text(column));
  }
}

class SqliteConnection final : public Connection {
 public:
  SqliteConnection(const Address& address, const CatalogOptions& options)
      : description_(address.description()),
        timeout_(std::chrono::duration_cast<Milliseconds>(options.statement_timeout)),
        database_(address.path, sqlite::OpenMode::read_write, timeout_) {
    ::sqlite3_progress_handler(database_.handle(), 10'000, &SqliteConnection::interrupt, this);
    // The job deletes objects once their rows are committed: a commit must survive a power cut, whatever the
    // journal mode that the owner of the file chose.
    database_.execute("PRAGMA synchronous = FULL");
    // What the schema declares holds for us too; SQLite asks every connection to say so.
    database_.execute("PRAGMA foreign_keys = ON");
  }

  std::vector<std::string> columns(const Selection& selection) override {
    return spoken([&] {
      const auto statement = prepared(columns_query(selection), 0);
      return names_of(statement);
    });
  }

  void prepare(const Statement& statement) override {
    spoken([&] { prepared(numbered(statement), statement.names().size()); });
  }

  SelectedPage page(const Selection& selection, const std::optional<Value>& after) override {
    return spoken([&] {
      if (paged_ != selection) look_at(selection);
      sqlite::Statement statement =
          prepared(page_query(selection, cursor_, after ? std::optional("?1") : std::nullopt), after ? 1 : 0);
      if (after) {
        const auto* text = std::get_if<std::string>(&*after);
        if (text != nullptr && cursor_is_bytes_)
          statement.bind_bytes(1, *text);
        else
          bind_value(statement, 1, *after);
      }
      SelectedPage page{.columns = names_of(statement), .rows = {}};
      const int width = statement.columns();
      while (statement.step()) {
        Row& row = page.rows.emplace_back();
        row.reserve(static_cast<std::size_t>(width));
        for (int column = 0; column < width; ++column)
          row.push_back(column_value(statement, column));
      }
      return page;
    });
  }

  // An index is used whatever the size of the table. A condition on `+key` can use none: what is planned
  // otherwise with `key` is found by it.
  bool finds_by_key(const Selection& selection) override {
    return spoken([&] {
      const std::string key = column_name(selection, selection.key);
      const std::string found = plan_of(selection, key), read_through = plan_of(selection, "+" + key);
      const auto has = [&found](std::string_view word) { return found.find(word) != std::string::npos; };
      if (found != read_through && !has("SCAN") && !has("AUTOMATIC")) return true;
      sqlite::Statement rows = prepared("SELECT count(*) FROM (SELECT 1 " + from_selection(selection) +
                                            " LIMIT " + std::to_string(kRowsReadForKey + 1) + ")",
                                        0);
      rows.step();
      return static_cast<std::uint64_t>(rows.integer(0)) <= kRowsReadForKey;
    });
  }

  // Text and bytes are different values, whatever they are declared as, and one key.
  std::vector<NamingRow> named(const Selection& selection, std::span<const Value* const> keys,
                               std::size_t limit) override {
    return spoken([&] {
      const auto numbered_place = [](std::size_t i) { return "?" + std::to_string(i + 1); };
      const std::size_t places = 2 * keys.size();
      sqlite::Statement statement = prepared(named_query(selection, column_name(selection, selection.key),
                                                         column_name(selection, selection.cursor), places,
                                                         numbered_place, std::to_string(limit)),
                                             places);
      int place = 0;
      for (const Value* key : keys) {
        bind_value(statement, ++place, *key);
        if (const auto* text = std::get_if<std::string>(key))
          statement.bind_bytes(++place, *text);
        else
          bind_value(statement, ++place, *key);
      }
      std::vector<NamingRow> rows;
      while (statement.step())
        rows.push_back({.key = column_value(statement, 0), .cursor = column_value(statement, 1)});
      return rows;
    });
  }

  std::vector<RowOutcome> run(const Statement& statement, std::span<const Row* const> rows) override {
    return spoken([&] {
      std::vector<RowOutcome> outcomes(rows.size());
      // Once more for each row that took the whole transaction with it (RAISE(ROLLBACK) in a trigger),
      // without that row.
      while (!run_once(statement, rows, outcomes)) {
      }
      return outcomes;
    });
  }

  std::optional<Error> commit() override {
    try {
      spoken([&] { database_.execute("COMMIT"); });
      return std::nullopt;
    } catch (const Error& error) {
      if (error.retryable() || error.error_class() != ErrorClass::invalid_argument) throw;
      return error;  // a deferred foreign key
    }
  }

  void roll_back() noexcept override {
    until_ = std::chrono::steady_clock::time_point::max();
    if (::sqlite3_get_autocommit(database_.handle()) == 0)
      ::sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }

  bool alive() const noexcept override { return true; }

 private:
  // SQLite has no clock of its own: the one of the machine bounds a call, as a server's would.
  static int interrupt(void* self) {
    return std::chrono::steady_clock::now() >= static_cast<SqliteConnection*>(self)->until_ ? 1 : 0;
  }

  template <class Work>
  std::invoke_result_t<Work&> spoken(Work work) {
    until_ = std::chrono::steady_clock::now() + timeout_;
    try {
      return work();
    } catch (const Error& error) {
      if (error.error_class() == ErrorClass::timed_out)
        throw Error(ErrorClass::timed_out, "the statement took longer than " +
                                               std::to_string(timeout_.count()) + " ms and was stopped")
            .on(description_)
            .with_retryable(false);
      throw error.on(description_);
    }
  }

  sqlite::Statement prepared(std::string_view text, std::size_t parameters) {
    ++statements_;
    sqlite::Statement statement = database_.prepare(text);
    if (const auto there = static_cast<std::size_t>(statement.parameters()); there != parameters)
      throw Error(ErrorClass::invalid_argument, "the statement holds a parameter without a name of its own")
          .with_hint("parameters are written :name; ?, @name and $name are not known");
    return statement;
  }

  // Numbers sort before text, and text before bytes, whatever a column is declared as: the place after a
  // value is found only if it is bound as what it was.
  void look_at(const Selection& selection) {
    const std::vector<std::string> names = columns(selection);
    cursor_ = quoted_name(names[find_column(names, selection.cursor)], '"');
    const std::string first = first_type(selection, ""), last = first_type(selection, " DESC");
    if (first == "text" && last == "blob")
      throw Error(ErrorClass::invalid_argument,
                  "the cursor column " + cursor_ + " holds text in some rows and bytes in others");
    cursor_is_bytes_ = last == "blob";
    paged_ = selection;
  }

  std::string column_name(const Selection& selection, const std::string& name) {
    const auto statement = prepared(columns_query(selection), 0);
    const std::vector<std::string> names = names_of(statement);
    return quoted_name(names[find_column(names, name)], '"');
  }

  // How the rows that name two keys would be found.
  std::string plan_of(const Selection& selection, const std::string& key) {
    sqlite::Statement statement = prepared(
        "EXPLAIN QUERY PLAN SELECT 1 " + from_selection(selection) + " WHERE " + key + " IN (?1, ?2)", 2);
    std::string plan;
    while (statement.step())
      plan.append(statement.text(3)).append("\n");
    return plan;
  }

  std::string first_type(const Selection& selection, std::string_view direction) {
    std::string text = "SELECT typeof(" + cursor_ + ") " + from_selection(selection);
    text.append(" ORDER BY ").append(cursor_).append(direction).append(" LIMIT 1");
    sqlite::Statement statement = prepared(text, 0);
    return statement.step() ? std::string(statement.text(0)) : std::string();
  }

  static std::string numbered(const Statement& statement) {
    return statement.with([](std::size_t name) { return "?" + std::to_string(name + 1); });
  }

  static std::vector<std::string> names_of(const sqlite::Statement& statement) {
    std::vector<std::string> names;
    names.reserve(static_cast<std::size_t>(statement.columns()));
    for (int column = 0; column < statement.columns(); ++column)
      names.emplace_back(statement.column_name(column));
    return names;
  }

  bool run_once(const Statement& text, std::span<const Row* const> rows, std::vector<RowOutcome>& outcomes) {
    database_.execute("BEGIN IMMEDIATE");
    sqlite::Statement statement = prepared(numbered(text), text.names().size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (outcomes[i].refused) continue;
      ++statements_;
      try {
        for (std::size_t name = 0; name < rows[i]->size(); ++name)
          bind_value(statement, static_cast<int>(name + 1), (*rows[i])[name]);
        while (statement.step()) {  // rows of RETURNING
        }
        statement.reset();
        outcomes[i].matched = database_.changes();
      } catch (const Error& error) {
        if (error.error_class() != ErrorClass::invalid_argument) throw;
        outcomes[i].refused = error.on(description_);
        if (::sqlite3_get_autocommit(database_.handle()) != 0) return false;
        statement.reset();
      }
    }
    return true;
  }

  std::string description_;
  Milliseconds timeout_;
  std::chrono::steady_clock::time_point until_ = std::chrono::steady_clock::time_point::max();
  sqlite::Database database_;
  std::optional<Selection> paged_;  // what the two below belong to
  std::string cursor_;
  bool cursor_is_bytes_ = false;
};

}  // namespace

std::unique_ptr<Connection> connect_sqlite(const Address& address, const CatalogOptions& options) {
  return std::make_unique<SqliteConnection>(address, options);
}

}  // namespace haul::catalog

// What the catalogue's tests share: the database, the catalogue on it, and a table of files.
#pragma once

#include <gmock/gmock.h>

#include "base/log.h"
#include "catalog/catalog.h"
#include "catalog/database.h"
#include "runtime/shard.h"

namespace haul::catalog {

using State = RowResult::State;

struct CatalogFixture : testing::Test {
  CatalogFixture() {
    database->execute("DROP TABLE IF EXISTS files");
    database->execute(
        "CREATE TABLE files (id BIGINT NOT NULL PRIMARY KEY, path VARCHAR(700) NOT NULL UNIQUE, "
        "size BIGINT CHECK (size >= 0), note VARCHAR(700))");
    if (!database->is_server()) {
      // Only this spelling makes the primary key the table's own order.
      database->execute("DROP TABLE files");
      database->execute(
          "CREATE TABLE files (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, "
          "size BIGINT CHECK (size >= 0), note TEXT)");
    }
    options = database->options();
    options.patience = std::chrono::seconds(30);
    catalog = open_catalog(options);
  }

  // Rows 1 to count: "image/1", size 10.
  void fill(int count) {
    std::string sql;
    for (int i = 1; i <= count; ++i) {
      sql += sql.empty() ? "INSERT INTO files (id, path, size) VALUES " : ", ";
      sql += "(" + std::to_string(i) + ", 'image/" + std::to_string(i) + "', 10)";
      if (i % 10'000 != 0 && i != count) continue;
      database->execute(sql);
      sql.clear();
    }
  }

  std::vector<std::string> check(const Selection* selection, const Statement* statement) {
    OpContext context = runtime.context();
    return runtime.run_for(catalog->check(selection, statement, context));
  }
  SelectedPage page(const Selection& selection, const std::optional<Value>& after) {
    OpContext context = runtime.context();
    return runtime.run_for(catalog->page(selection, after, context));
  }
  // All pages.
  std::vector<Row> select(const Selection& selection) {
    std::vector<Row> rows;
    std::optional<Value> after;
    while (true) {
      SelectedPage next = page(selection, after);
      if (next.rows.empty()) return rows;
      EXPECT_LE(next.rows.size(), selection.page_rows);
      const auto cursor = std::ranges::find(next.columns, selection.cursor) - next.columns.begin();
      after = next.rows.back().at(static_cast<std::size_t>(cursor));
      std::ranges::move(next.rows, std::back_inserter(rows));
    }
  }
  std::vector<RowResult> update(std::string text, const std::vector<RowUpdate>& rows) {
    const Statement statement = Statement::parse(std::move(text));
    OpContext context = runtime.context();
    return runtime.run_for(catalog->update(statement, rows, context));
  }
  static std::vector<State> states(const std::vector<RowResult>& results) {
    std::vector<State> states;
    for (const RowResult& result : results)
      states.push_back(result.state);
    return states;
  }

  std::unique_ptr<TestDatabase> database = open_test_database();
  Runtime runtime{system_env(), null_logger(), {.shards = 1, .blocking_threads = 4, .memory = 64ULL << 20}};
  CatalogOptions options;
  std::shared_ptr<Catalog> catalog;
};

inline void PrintTo(const State& state, std::ostream* out) {
  *out << std::array{"updated", "already", "unmatched", "failed"}.at(static_cast<std::size_t>(state));
}

}  // namespace haul::catalog

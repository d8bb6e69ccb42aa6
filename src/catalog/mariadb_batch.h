// Many rows of one statement at the price of three round trips (docs/decisions/0011): the values are loaded
// into a temporary table by array binding, and a block of SQL goes over it on the server, carrying out the
// user's own statement, prepared and with bound values, once a row. What it cannot carry is left to the
// caller. MariaDB only: MySQL knows no anonymous blocks.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/connection.h"
#include "catalog/mariadb_session.h"

namespace haul::catalog {

class MariadbBatch {
 public:
  explicit MariadbBatch(MariadbSession& session) : session_(session) {}

  // False if this server or account does not allow it: then nothing else here may be called.
  bool prepare(const Statement& statement);

  // Which of the rows fit into the table; they are loaded. Not within a transaction.
  std::vector<std::size_t> load(std::span<const Row* const> rows);

  // Within a transaction: carries out what was loaded. Throws if more than rows were refused.
  void run(std::span<const std::size_t> loaded, std::span<RowOutcome> outcomes);

 private:
  enum class Kind : std::uint8_t { integer, real, text };
  struct ColumnArrays;

  std::vector<Kind> kinds_of(std::span<const Row* const> rows) const;
  static bool fits(const Row& row, std::span<const Kind> kinds);
  void make_table(std::vector<Kind> kinds);
  void make_block();
  void insert(std::span<const Row* const> rows, std::span<const std::size_t> places, std::size_t first);
  void read_log(std::string_view log, std::span<const std::size_t> loaded, std::span<RowOutcome> outcomes);

  MariadbSession& session_;
  bool refused_ = false;
  std::string statement_;           // what is prepared on the server
  std::vector<std::size_t> order_;  // of its parameters
  std::size_t names_ = 0;
  std::optional<std::vector<Kind>> kinds_;  // of the table's columns; nothing: there is no table
  std::string block_;
  std::optional<MariadbStatement> insert_;
};

}  // namespace haul::catalog

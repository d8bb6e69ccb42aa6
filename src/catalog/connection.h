// What the catalogue asks of one server, and what a driver has to do: one connection, used by one thread at a
// time, whose calls block. All failures are thrown as haul::Error with the description of the server;
// retryable where another attempt, on a new connection if this one is not alive() any more, may succeed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "catalog/catalog.h"

namespace haul::catalog {

// What became of one row of a statement within a transaction.
struct RowOutcome {
  std::uint64_t matched = 0;
  std::optional<Error> refused;  // the server took back what this row did, and nothing else
};

class Connection {
 public:
  virtual ~Connection() = default;

  // Both let the server parse without carrying out.
  virtual std::vector<std::string> columns(const Selection& selection) = 0;
  virtual void prepare(const Statement& statement) = 0;

  // Up to page_rows + 1 rows, ascending by the cursor.
  virtual SelectedPage page(const Selection& selection, const std::optional<Value>& after) = 0;

  // Whether a statement as named() sends it reads no more than kRowsReadForKey rows beside those it gives.
  virtual bool finds_by_key(const Selection& selection) = 0;
  // Rows whose key is one of `keys`, or what the server's collation takes for it; `limit` at the most.
  // 1 to kKeysAskedFor keys.
  virtual std::vector<NamingRow> named(const Selection& selection, std::span<const Value* const> keys,
                                       std::size_t limit) = 0;

  // Begins a transaction and carries out the statement once for each row of values. The transaction stays
  // open for commit or roll_back; after a throw it is to be rolled back.
  virtual std::vector<RowOutcome> run(const Statement& statement, std::span<const Row* const> rows) = 0;
  // What the server refused to commit (a constraint that is checked at the end), if it did. Throws if it is
  // not known whether it committed.
  virtual std::optional<Error> commit() = 0;
  // Never throws: a connection that cannot is not alive afterwards.
  virtual void roll_back() noexcept = 0;

  virtual bool alive() const noexcept = 0;
  std::uint64_t statements() const noexcept { return statements_; }  // sent so far

 protected:
  std::uint64_t statements_ = 0;
};

// Keys that are looked for by one statement. Servers plan longer lists in other ways, and not in better ones.
inline constexpr std::size_t kKeysAskedFor = 500;
// As many rows as may be read to find a few by their key.
inline constexpr std::uint64_t kRowsReadForKey = 10'000;

using Connect = std::function<std::unique_ptr<Connection>()>;

// The column that `name` names: as it is written, or else in another case if only one is. Throws
// invalid_argument with the columns there are.
std::size_t find_column(std::span<const std::string> columns, std::string_view name);

// A page as the caller gets it: without the row too many. Throws invalid_argument if the cursor is NULL in a
// row or the same in two: paging would silently leave rows out; and if it does not get beyond `after`.
SelectedPage checked_page(SelectedPage page, const Selection& selection, const std::optional<Value>& after);

// A key, and which rows are known to name it.
struct AskedKey {
  std::string text;
  std::vector<const NamingRow*> rows;
  bool named_by_others = false;
};

// Fills in named_by_others. kKeysAskedFor keys at the most, each once.
void find_others(Connection& connection, const Selection& selection, std::span<AskedKey> keys);

// The bulk update of catalog.h on one connection: in one transaction, unless the server refuses the commit;
// then in halves until the rows it does not take stand alone.
std::vector<RowResult> update_rows(Connection& connection, const Statement& statement,
                                   std::span<const RowUpdate> rows);

}  // namespace haul::catalog

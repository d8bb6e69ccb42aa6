#include "catalog/connection.h"

#include <algorithm>
#include <unordered_map>

#include "base/utf8.h"

namespace haul::catalog {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Rolled back unless committed.
class OpenTransaction {
 public:
  explicit OpenTransaction(Connection& connection) : connection_(&connection) {}
  ~OpenTransaction() {
    if (connection_ != nullptr) connection_->roll_back();
  }
  OpenTransaction(const OpenTransaction&) = delete;
  OpenTransaction& operator=(const OpenTransaction&) = delete;

  std::optional<Error> commit() {
    std::optional<Error> refused = connection_->commit();
    if (!refused) connection_ = nullptr;
    return refused;
  }

 private:
  Connection* connection_;
};

// The outcomes of rows and where the results of these rows go.
struct Batch {
  std::span<const Row* const> rows;
  std::span<RowResult> results;
};

void update_batch(Connection& connection, const Statement& statement, Batch batch) {
  std::optional<Error> refused;
  {
    OpenTransaction transaction(connection);
    std::vector<RowOutcome> outcomes = connection.run(statement, batch.rows);
    refused = transaction.commit();
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      RowResult& result = batch.results[i];
      using State = RowResult::State;
      result.matched = outcomes[i].matched;
      result.state = outcomes[i].refused  ? State::failed
                     : result.matched > 0 ? State::updated
                                          : State::unmatched;
      result.error = std::move(outcomes[i].refused);
    }
  }
  if (!refused) return;
  if (batch.rows.size() == 1) {
    batch.results[0] = {.state = RowResult::State::failed, .matched = 0, .error = std::move(refused)};
    return;
  }
  const std::size_t half = batch.rows.size() / 2;
  update_batch(connection, statement, {batch.rows.first(half), batch.results.first(half)});
  update_batch(connection, statement, {batch.rows.subspan(half), batch.results.subspan(half)});
}

// Tries what would match if it had been done, and takes all of it back.
void find_done(Connection& connection, const Statement& statement, std::span<const RowUpdate> rows,
               std::span<RowResult> results) {
  std::vector<const Row*> tried;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (results[i].state != RowResult::State::unmatched || rows[i].if_done.empty()) continue;
    tried.push_back(&rows[i].if_done);
    places.push_back(i);
  }
  if (tried.empty()) return;
  const OpenTransaction never_committed(connection);
  const std::vector<RowOutcome> outcomes = connection.run(statement, tried);
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (outcomes[i].matched > 0)
      results[places[i]] = {.state = RowResult::State::already, .matched = outcomes[i].matched, .error = {}};
}

// Takes note of what rows say of keys that they name beside the rows that are known.
void take_others(std::span<const NamingRow> rows, std::span<AskedKey* const> asked) {
  std::unordered_map<std::string_view, AskedKey*> keys;
  if (!rows.empty())
    for (AskedKey* key : asked)
      keys.emplace(key->text, key);
  for (const NamingRow& row : rows) {
    const std::optional<std::string> text = key_of(row.key);
    const auto found = text ? keys.find(*text) : keys.end();
    if (found == keys.end() || found->second->named_by_others) continue;
    found->second->named_by_others = std::ranges::none_of(
        found->second->rows, [&row](const NamingRow* known) { return known->cursor == row.cursor; });
  }
}

}  // namespace

std::size_t find_column(std::span<const std::string> columns, std::string_view name) {
  if (const auto found = std::ranges::find(columns, name); found != columns.end())
    return static_cast<std::size_t>(found - columns.begin());
  std::optional<std::size_t> only;
  bool several = false;
  std::string known;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    known.append(known.empty() ? "" : ", ").append(visible(columns[i]));
    if (!std::ranges::equal(columns[i], name, {}, lower, lower)) continue;
    several = only.has_value();
    only = i;
  }
  if (only && !several) return *only;
  throw Error(ErrorClass::invalid_argument,
              "the selection has no column '" + visible(name) + "'; it has " + known);
}

SelectedPage checked_page(SelectedPage page, const Selection& selection, const std::optional<Value>& after) {
  const std::size_t cursor = find_column(page.columns, selection.cursor);
  const auto refuse = [&](std::string_view why) {
    throw Error(ErrorClass::invalid_argument, "the cursor column '" + visible(selection.cursor) + "' " +
                                                  std::string(why) + ": rows would be left out")
        .with_hint("page by a column that is unique and never NULL, such as the primary key");
  };
  if (after && !page.rows.empty() && page.rows.front()[cursor] == *after)
    throw Error(ErrorClass::invalid_argument, "the server does not find the place after the cursor column '" +
                                                  visible(selection.cursor) + "': pages would not end");
  for (std::size_t i = 0; i < page.rows.size(); ++i) {
    if (page.rows[i][cursor].index() == 0) refuse("is NULL in a row");
    if (i > 0 && page.rows[i][cursor] == page.rows[i - 1][cursor]) refuse("has the same value in two rows");
  }
  if (page.rows.size() > selection.page_rows) page.rows.resize(selection.page_rows);
  return page;
}

// An object may be named by any number of rows, and one is enough: where there are more than fit, the others
// are asked for once more without the keys that are settled.
void find_others(Connection& connection, const Selection& selection, std::span<AskedKey> keys) {
  constexpr std::size_t kOthers = 1000;
  std::vector<AskedKey*> asked;
  std::vector<const Value*> values;
  for (AskedKey& key : keys)
    asked.push_back(&key);
  for (std::size_t others = kOthers; !asked.empty();) {
    std::size_t limit = others;
    values.clear();
    for (const AskedKey* key : asked) {
      values.push_back(&key->rows.front()->key);
      limit += key->rows.size();
    }
    const std::vector<NamingRow> rows = connection.named(selection, values, limit);
    take_others(rows, asked);
    if (rows.size() < limit) return;
    // Only what a collation takes for these keys can fill a whole answer without settling any.
    if (std::erase_if(asked, [](const AskedKey* key) { return key->named_by_others; }) == 0) others *= 8;
  }
}

std::vector<RowResult> update_rows(Connection& connection, const Statement& statement,
                                   std::span<const RowUpdate> rows) {
  std::vector<RowResult> results(rows.size());
  if (rows.empty()) return results;
  std::vector<const Row*> values;
  values.reserve(rows.size());
  for (const RowUpdate& row : rows) {
    if (row.values.size() != statement.names().size() ||
        (!row.if_done.empty() && row.if_done.size() != statement.names().size()))
      throw Error(ErrorClass::internal, "a row has not one value for each parameter");
    values.push_back(&row.values);
  }
  update_batch(connection, statement, {values, results});
  find_done(connection, statement, rows, results);
  return results;
}

}  // namespace haul::catalog

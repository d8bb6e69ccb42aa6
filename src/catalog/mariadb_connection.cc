#include "catalog/mariadb_connection.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "catalog/mariadb_batch.h"
#include "catalog/mariadb_session.h"
#include "catalog/server_connection.h"
#include "catalog/sql_text.h"

namespace haul::catalog {
namespace {

// Fewer rows are quicker one by one.
constexpr std::size_t kBatchRows = 8;

class MariadbConnection final : public ServerConnection<MariadbSession> {
 public:
  MariadbConnection(const Address& address, const CatalogOptions& options)
      : ServerConnection(address, options), batch_(session_) {}

  std::vector<std::string> columns(const Selection& selection) override {
    return counted([&] {
      const MariadbStatement statement(session_, columns_query(selection), 0);
      std::vector<std::string> names;
      for (MariadbStatement::Column& column : statement.columns())
        names.push_back(std::move(column.name));
      return names;
    });
  }

  void prepare(const Statement& statement) override {
    counted([&] { prepare_update(statement); });
  }

  SelectedPage page(const Selection& selection, const std::optional<Value>& after) override {
    return counted([&] {
      if (paged_ != selection) look_at(selection);
      if (!after) {
        MariadbStatement first(session_, page_query(selection, cursor_name_, std::nullopt), 0);
        first.execute();
        return SelectedPage{.columns = columns_, .rows = first.rows()};
      }
      if (!page_) page_.emplace(session_, page_query(selection, cursor_name_, cursor_placeholder()), 1);
      std::uint64_t beyond = 0;
      std::vector<MYSQL_BIND> binds{bind_cursor(*after, beyond)};
      page_->bind(binds);
      page_->execute();
      return SelectedPage{.columns = columns_, .rows = page_->rows()};
    });
  }

  bool finds_by_key(const Selection& selection) override {
    return counted([&] {
      if (paged_ != selection) look_at(selection);
      const auto two_keys = [](std::size_t i) { return i == 0 ? "'a'" : "'b'"; };
      const std::string text =
          "EXPLAIN " + named_query(selection, key_name(), cursor_name_, 2, two_keys, "1000");
      return by_plan([this, &text] {
        MariadbStatement plan(session_, text, 0);
        plan.execute();
        std::vector<std::string> names;
        for (MariadbStatement::Column& column : plan.columns())
          names.push_back(std::move(column.name));
        const std::size_t estimate = find_column(names, "rows");
        std::uint64_t read = 0;
        for (const Row& step : plan.rows())
          read += rows_read(step.at(estimate));
        return read <= kRowsReadForKey;
      });
    });
  }

  std::vector<NamingRow> named(const Selection& selection, std::span<const Value* const> keys,
                               std::size_t limit) override {
    return counted([&] {
      if (paged_ != selection) look_at(selection);
      if (!named_)
        named_.emplace(
            session_,
            named_query(
                selection, key_name(), cursor_name_, kKeysAskedFor, [](std::size_t) { return "?"; }, "?"),
            kKeysAskedFor + 1);
      // Always as many, so that the statement is prepared once: the last one again and again.
      std::vector<MYSQL_BIND> binds;
      binds.reserve(kKeysAskedFor + 1);
      for (std::size_t i = 0; i < kKeysAskedFor; ++i)
        binds.push_back(i < keys.size() ? mariadb_bind(*keys[i]) : binds.back());
      const Value most = static_cast<std::int64_t>(limit);
      binds.push_back(mariadb_bind(most));
      named_->bind(binds);
      named_->execute();
      std::vector<NamingRow> rows;
      for (Row& row : named_->rows())
        rows.push_back({.key = std::move(row[0]), .cursor = std::move(row[1])});
      return rows;
    });
  }

  std::vector<RowOutcome> run(const Statement& statement, std::span<const Row* const> rows) override {
    return counted([&] {
      prepare_update(statement);
      std::vector<RowOutcome> outcomes(rows.size());
      std::vector<std::size_t> loaded;
      if (rows.size() >= kBatchRows && batch_.prepare(statement)) loaded = batch_.load(rows);
      session_.execute("START TRANSACTION");
      if (!loaded.empty()) batch_.run(loaded, outcomes);
      auto next = loaded.begin();
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (next != loaded.end() && *next == i)
          ++next;
        else
          outcomes[i] = run_alone(*rows[i]);
      }
      return outcomes;
    });
  }

 private:
  void prepare_update(const Statement& statement) {
    if (update_ && update_text_ == statement.text()) return;
    update_.reset();
    order_ = statement.order();
    update_.emplace(session_, statement.with([](std::size_t) { return "?"; }), order_.size());
    update_text_ = statement.text();
  }

  void look_at(const Selection& selection) {
    page_.reset();
    named_.reset();
    paged_.reset();
    const MariadbStatement statement(session_, columns_query(selection), 0);
    const std::vector<MariadbStatement::Column> columns = statement.columns();
    columns_.clear();
    for (const MariadbStatement::Column& column : columns)
      columns_.push_back(column.name);
    cursor_ = columns[find_column(columns_, selection.cursor)];
    cursor_name_ = quoted_name(cursor_.name, '`');
    paged_ = selection;
  }

  std::string key_name() const { return quoted_name(columns_[find_column(columns_, paged_->key)], '`'); }

  // What the server estimates for one step of its plan.
  static std::uint64_t rows_read(const Value& estimate) {
    if (const auto* number = std::get_if<std::int64_t>(&estimate)) return static_cast<std::uint64_t>(*number);
    std::uint64_t rows = 0;
    if (const auto* text = std::get_if<std::string>(&estimate))
      std::from_chars(text->data(), text->data() + text->size(), rows);
    return rows;
  }

  // An exact number as text would be compared as a double too.
  std::string cursor_placeholder() const {
    if (cursor_.type != MYSQL_TYPE_NEWDECIMAL) return "?";
    return "CAST(? AS DECIMAL(65, " + std::to_string(cursor_.decimals) + "))";
  }

  // With the column's own type: a number as text would be compared as a double, and beyond 2^53 wrongly.
  MYSQL_BIND bind_cursor(const Value& after, std::uint64_t& beyond) const {
    MYSQL_BIND bind = mariadb_bind(after);
    const auto* text = std::get_if<std::string>(&after);
    if (text == nullptr) return bind;
    if (cursor_.is_bytes) bind.buffer_type = MYSQL_TYPE_BLOB;
    if (cursor_.type == MYSQL_TYPE_LONGLONG && cursor_.is_unsigned) {
      std::from_chars(text->data(), text->data() + text->size(), beyond);
      bind.buffer_type = MYSQL_TYPE_LONGLONG;
      bind.buffer = &beyond;
      bind.is_unsigned = 1;
    }
    return bind;
  }

  RowOutcome run_alone(const Row& row) {
    std::vector<MYSQL_BIND> binds;
    binds.reserve(order_.size());
    for (const std::size_t name : order_)
      binds.push_back(mariadb_bind(row[name]));
    update_->bind(binds);
    std::optional<Error> error = update_->try_execute();
    if (!error) return {.matched = update_->matched(), .refused = {}};
    if (error->error_class() != ErrorClass::invalid_argument) throw *std::move(error);
    return {.matched = 0, .refused = std::move(error)};
  }

  MariadbBatch batch_;
  std::string update_text_;
  std::vector<std::size_t> order_;
  std::optional<MariadbStatement> update_;

  std::optional<Selection> paged_;  // what all below belong to
  std::vector<std::string> columns_;
  MariadbStatement::Column cursor_{};
  std::string cursor_name_;
  std::optional<MariadbStatement> page_, named_;
};

}  // namespace

std::unique_ptr<Connection> connect_mariadb(const Address& address, const CatalogOptions& options) {
  return std::make_unique<MariadbConnection>(address, options);
}

}  // namespace haul::catalog

#include "catalog/postgres_connection.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "catalog/postgres_session.h"
#include "catalog/server_connection.h"
#include "catalog/sql_text.h"

namespace haul::catalog {
namespace {

constexpr const char* kUpdate = "haul_update";
constexpr const char* kPage = "haul_page";
constexpr const char* kNamed = "haul_named";
constexpr const char* kPlanned = "haul_planned";

// In the server's own units, the reading of one page from a disk: that of some ten thousand rows in a row.
constexpr double kCostOfFinding = 1000;

// Of the parameter counted from 0.
std::string placeholder(std::size_t index) {
  return "$" + std::to_string(index + 1);
}

class PostgresConnection final : public ServerConnection<PostgresSession> {
 public:
  PostgresConnection(const Address& address, const CatalogOptions& options)
      : ServerConnection(address, options) {}

  std::vector<std::string> columns(const Selection& selection) override {
    return counted([&] {
      std::vector<std::string> names;
      for (PostgresSession::Column& column : session_.columns_of(columns_query(selection)))
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
        refuse_null_cursor(selection);
        return read(session_.execute(page_query(selection, cursor_, std::nullopt).c_str()));
      }
      const auto parameter = postgres_parameter(*after, cursor_type_);
      if (!parameter) throw Error(ErrorClass::invalid_argument, "PostgreSQL's text cannot hold a NUL byte");
      return read(session_.execute_prepared(kPage, {*parameter}));
    });
  }

  bool finds_by_key(const Selection& selection) override {
    return counted([&] {
      if (paged_ != selection) look_at(selection);
      // A generic plan, with parameters of whatever type the key has.
      const std::string text = named_query(selection, key_, cursor_, 2, placeholder, "1000");
      session_.prepare(kPlanned, text, 2);
      const bool finds = by_plan([this] {
        const PostgresSession::Result plan = session_.execute(
            "SET LOCAL plan_cache_mode = force_generic_plan; EXPLAIN EXECUTE haul_planned (NULL, NULL)");
        return cost_of(::PQgetvalue(plan.get(), 0, 0)) <= kCostOfFinding;
      });
      session_.execute("DEALLOCATE haul_planned");
      return finds;
    });
  }

  std::vector<NamingRow> named(const Selection& selection, std::span<const Value* const> keys,
                               std::size_t limit) override {
    return counted([&] {
      if (paged_ != selection) look_at(selection);
      if (named_types_.empty())
        named_types_ = session_.prepare(
            kNamed,
            named_query(selection, key_, cursor_, kKeysAskedFor, placeholder, placeholder(kKeysAskedFor)),
            kKeysAskedFor + 1);
      // Always as many, so that the statement is prepared once: the last one again and again.
      std::vector<PostgresParameter> parameters;
      parameters.reserve(kKeysAskedFor + 1);
      for (std::size_t i = 0; i < kKeysAskedFor; ++i) {
        const auto parameter = postgres_parameter(*keys[std::min(i, keys.size() - 1)], named_types_[i]);
        if (!parameter) throw Error(ErrorClass::invalid_argument, "PostgreSQL's text cannot hold a NUL byte");
        parameters.push_back(*parameter);
      }
      parameters.push_back(*postgres_parameter(static_cast<std::int64_t>(limit), named_types_.back()));
      const PostgresSession::Result result = session_.execute_prepared(kNamed, parameters);
      std::vector<NamingRow> rows(static_cast<std::size_t>(::PQntuples(result.get())));
      for (std::size_t row = 0; row < rows.size(); ++row)
        rows[row] = {.key = postgres_value(result.get(), static_cast<int>(row), 0),
                     .cursor = postgres_value(result.get(), static_cast<int>(row), 1)};
      return rows;
    });
  }

  // One round trip for all rows. The server stops at the first row that it refuses, and the transaction with
  // it: then back to the savepoint, the rows before that one once more, and on behind it.
  std::vector<RowOutcome> run(const Statement& statement, std::span<const Row* const> rows) override {
    return counted([&] {
      prepare_update(statement);
      std::vector<RowOutcome> outcomes(rows.size());
      session_.execute("BEGIN; SAVEPOINT haul_rows");
      std::size_t first = 0, window = rows.size();
      while (first < rows.size()) {
        const std::size_t end = std::min(rows.size(), first + window);
        const std::size_t refused = run_pipeline(rows, {first, end}, outcomes);
        if (refused == end) {
          first = end;
          window *= 2;
          if (first < rows.size()) session_.execute("RELEASE SAVEPOINT haul_rows; SAVEPOINT haul_rows");
        } else {
          session_.execute("ROLLBACK TO SAVEPOINT haul_rows");
          window = refused > first ? refused - first : std::max<std::size_t>(1, window / 4);
        }
      }
      return outcomes;
    });
  }

 private:
  void prepare_update(const Statement& statement) {
    if (update_text_ == statement.text()) return;
    if (!std::exchange(update_text_, {}).empty()) session_.execute("DEALLOCATE haul_update");
    order_ = statement.order();
    // One number for each use: the same name may stand where different types are wanted.
    std::size_t use = 0;
    const std::string text = statement.with([&use](std::size_t) { return placeholder(use++); });
    update_types_ = session_.prepare(kUpdate, text, order_.size());
    update_text_ = statement.text();
  }

  void look_at(const Selection& selection) {
    if (std::exchange(paged_, std::nullopt)) session_.execute("DEALLOCATE haul_page");
    if (!std::exchange(named_types_, {}).empty()) session_.execute("DEALLOCATE haul_named");
    columns_ = columns(selection);
    cursor_ = quoted_name(columns_[find_column(columns_, selection.cursor)], '"');
    if (!selection.key.empty()) key_ = quoted_name(columns_[find_column(columns_, selection.key)], '"');
    cursor_type_ = session_.prepare(kPage, page_query(selection, cursor_, "$1"), 1).at(0);
    paged_ = selection;
  }

  // Of a plan's first line, such as "Limit  (cost=0.42..16.88 rows=2 width=12)": all of it.
  static double cost_of(const char* line) {
    const std::string_view text(line);
    const std::size_t range = text.find("cost="), end = text.find("..", range);
    if (end == std::string_view::npos) return HUGE_VAL;
    return std::strtod(text.data() + end + 2, nullptr);
  }

  // They sort last here, where no page would ever reach them.
  void refuse_null_cursor(const Selection& selection) {
    const std::string text =
        "SELECT 1 " + from_selection(selection) + " WHERE " + cursor_ + " IS NULL LIMIT 1";
    if (::PQntuples(session_.execute(text.c_str()).get()) != 0)
      throw Error(ErrorClass::invalid_argument,
                  "the cursor column " + cursor_ + " is NULL in a row: rows would be left out")
          .on(session_.description())
          .with_hint("page by a column that is unique and never NULL, such as the primary key");
  }

  SelectedPage read(const PostgresSession::Result& result) const {
    SelectedPage page{.columns = columns_, .rows = {}};
    const int rows = ::PQntuples(result.get()), width = ::PQnfields(result.get());
    page.rows.resize(static_cast<std::size_t>(rows));
    for (int row = 0; row < rows; ++row) {
      page.rows[static_cast<std::size_t>(row)].reserve(static_cast<std::size_t>(width));
      for (int column = 0; column < width; ++column)
        page.rows[static_cast<std::size_t>(row)].push_back(postgres_value(result.get(), row, column));
    }
    return page;
  }

  // All parameters of a row; nothing if a value does not fit its type.
  bool fill(const Row& row) {
    parameters_.clear();
    for (std::size_t use = 0; use < order_.size(); ++use) {
      const auto parameter = postgres_parameter(row[order_[use]], update_types_[use]);
      if (!parameter) return false;
      parameters_.push_back(*parameter);
    }
    return true;
  }

  struct Range {
    std::size_t begin, end;
  };

  // Carries out the rows of the range that are not refused yet. Gives the place of the first that is refused
  // now, or the end. Throws what concerns more than a row.
  std::size_t run_pipeline(std::span<const Row* const> rows, Range range, std::span<RowOutcome> outcomes) {
    std::vector<std::size_t> sent;
    sent.reserve(range.end - range.begin);
    session_.begin_pipeline();
    for (std::size_t i = range.begin; i < range.end; ++i) {
      if (outcomes[i].refused) continue;
      if (!fill(*rows[i])) {
        outcomes[i].refused = Error(ErrorClass::invalid_argument, "PostgreSQL's text cannot hold a NUL byte")
                                  .on(session_.description());
        continue;
      }
      session_.send_prepared(kUpdate, parameters_);
      sent.push_back(i);
    }
    session_.finish_sending();
    std::optional<Error> failure;
    std::size_t stopped = range.end;
    for (const std::size_t i : sent) {
      const PostgresSession::Result result = session_.next_result();
      const ExecStatusType status = ::PQresultStatus(result.get());
      if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        outcomes[i].matched = std::strtoull(::PQcmdTuples(result.get()), nullptr, 10);
        continue;
      }
      outcomes[i].matched = 0;
      if (status == PGRES_PIPELINE_ABORTED || failure) continue;
      failure = session_.failure(result.get());
      stopped = i;
    }
    session_.end_pipeline();
    if (!failure) return range.end;
    if (failure->error_class() != ErrorClass::invalid_argument) throw *std::move(failure);
    outcomes[stopped].refused = std::move(failure);
    return stopped;
  }

  std::string update_text_;
  std::vector<std::size_t> order_;
  std::vector<Oid> update_types_;
  std::vector<PostgresParameter> parameters_;  // of the row at hand

  std::optional<Selection> paged_;  // what all below belong to
  std::vector<std::string> columns_;
  std::string cursor_, key_;
  Oid cursor_type_ = 0;
  std::vector<Oid> named_types_;  // none: not prepared
};

}  // namespace

std::unique_ptr<Connection> connect_postgres(const Address& address, const CatalogOptions& options) {
  return std::make_unique<PostgresConnection>(address, options);
}

}  // namespace haul::catalog

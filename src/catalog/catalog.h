// The user's own database that knows the objects: paged selection and bulk update, alike for MariaDB and
// MySQL, PostgreSQL and SQLite.
//
// Load on the server is bounded: at most `connections` connections, at most `rows_per_second` rows selected
// and updated. A connection that breaks is made anew, with back-off, until `patience` ends; what is thrown
// then is retryable, what the server refuses is not. Every value is bound, never pasted into a statement.
// Thread safety: a Catalog may be used from any shard. Calls to the server run on the blocking pool.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::catalog {

// NULL, integer, real, text or bytes.
using Value = std::variant<std::monostate, std::int64_t, double, std::string>;
using Row = std::vector<Value>;

// A row as one line of text (a JSON array; bytes that are no UTF-8 as {"hex": ...}), for manifests and
// reports. decode_row throws invalid_argument.
std::string encode_row(const Row& row);
Row decode_row(std::string_view text);

// The key that a value of a key column names; nothing for what names no object.
std::optional<std::string> key_of(const Value& value);

enum class TlsMode : std::uint8_t {
  preferred,  // where the server offers it; not verified
  off,
  required,  // and verified: the certificate and the host's name
};

struct CatalogOptions {
  // mariadb://user@host:port/database (mysql:// alike), postgresql://user@host:port/database, sqlite:path.
  // `?socket=/path` for a server on a Unix socket. A password in it is refused.
  std::string url;
  std::string password;  // never in a message
  unsigned connections = 2;
  Duration connect_timeout = std::chrono::seconds(10);
  Duration statement_timeout = std::chrono::seconds(60);
  TlsMode tls = TlsMode::preferred;
  std::string ca_file;                          // PEM; empty: the system's
  double rows_per_second = 0;                   // 0: not bounded
  Duration patience = std::chrono::minutes(2);  // how long a server that is away is waited for, per call
};

// What of the server's time a catalogue took; shown by status and in the summary.
struct CatalogEffort {
  std::uint64_t rows_selected = 0, rows_updated = 0, statements = 0, reconnects = 0;
  Duration waited_for_rate{};  // by rows_per_second
};

// An UPDATE with named parameters (`:id`, `:destination_key`). Names stand outside of quotes and comments;
// `::` is PostgreSQL's cast.
class Statement {
 public:
  // Throws invalid_argument with the place: no statement, several, an unclosed quote, no parameter.
  static Statement parse(std::string text);

  const std::string& text() const noexcept { return text_; }
  const std::vector<std::string>& names() const noexcept {
    return names_;
  }  // each once, in order of appearance
  // The text with each parameter replaced by placeholder(index into names()).
  template <class Placeholder>
  std::string with(Placeholder placeholder) const {
    std::string out;
    std::size_t from = 0;
    for (const Use& use : uses_) {
      out.append(text_, from, use.begin - from);
      out += placeholder(use.name);
      from = use.end;
    }
    return out.append(text_, from);
  }
  // Indices into names(), in order of appearance in the text: what positional placeholders are bound by.
  std::vector<std::size_t> order() const;

 private:
  struct Use {
    std::size_t begin, end;  // of `:name` in the text
    std::size_t name;
  };
  std::string text_;
  std::vector<std::string> names_;
  std::vector<Use> uses_;
};

// A query whose rows name objects. It is paged by `cursor`, a column of the result that is unique and
// ascends: `SELECT * FROM (query) AS page WHERE cursor > :last ORDER BY cursor LIMIT :rows`.
struct Selection {
  std::string query;
  std::string cursor;
  std::uint32_t page_rows = 1000;
  std::string key;  // its column with the object's key; needed only where rows are looked for by it

  bool operator==(const Selection&) const = default;
};

struct SelectedPage {
  std::vector<std::string> columns;  // the same on every page
  std::vector<Row> rows;             // empty: the end
};

// One row of a bulk update.
struct RowUpdate {
  Row values;  // by Statement::names()
  // The values under which the statement would match if it had been carried out already (`:source_key` as the
  // destination's): tried, and rolled back, where `values` match nothing. Empty: not tried.
  Row if_done;
};

struct RowResult {
  enum class State : std::uint8_t { updated, already, unmatched, failed } state = State::unmatched;
  std::uint64_t matched = 0;   // rows; more than one is the user's affair
  std::optional<Error> error;  // of this row alone
};

// What a row of a selection says of itself.
struct NamingRow {
  Value key, cursor;
};

class Catalog {
 public:
  virtual ~Catalog() = default;

  // For messages, without secrets: "mariadb app@db.internal/media".
  virtual const std::string& description() const noexcept = 0;

  // Connects, and lets the server look at the statements without carrying them out. Throws
  // invalid_argument in the server's words for one that it does not take, or for a cursor or key that is no
  // column of the selection. Gives the selection's columns.
  virtual Task<std::vector<std::string>> check(const Selection* selection, const Statement* update,
                                               OpContext& context) = 0;

  // The rows behind `after`; from the first without. Rows that are inserted, changed or deleted meanwhile
  // neither double nor hide others.
  virtual Task<SelectedPage> page(const Selection& selection, const std::optional<Value>& after,
                                  OpContext& context) = 0;

  // Carries out the statement for all rows, by the fastest way the server has, committed durably when it
  // returns. One result a row, in order. A row that the server refuses is isolated: the others are updated.
  // Repeating a call changes nothing more. Throws if the server as a whole does not answer: then nothing, or
  // everything, was committed.
  virtual Task<std::vector<RowResult>> update(const Statement& statement, std::span<const RowUpdate> rows,
                                              OpContext& context) = 0;

  // Whether the server finds rows of the selection by their key without reading many others: through an
  // index, or because there are only some thousands. Asks for its plan; one that it does not tell finds none.
  virtual Task<bool> finds_by_key(const Selection& selection, OpContext& context) = 0;

  // For each of the rows whether the selection has, at this moment, a row that names the same object and is
  // none of `rows`. Keys are compared byte by byte, whatever the server's collation. Some hundred keys a
  // statement; each key counts as a row against the rate.
  virtual Task<std::vector<bool>> named_by_others(const Selection& selection, std::span<const NamingRow> rows,
                                                  OpContext& context) = 0;

  virtual CatalogEffort effort() const = 0;
};

// Throws invalid_argument for a URL of no known kind. Connects at first use.
std::shared_ptr<Catalog> open_catalog(const CatalogOptions& options);

}  // namespace haul::catalog

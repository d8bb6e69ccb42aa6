// libmariadb with owned handles and our errors: a session with a MariaDB or MySQL server, and prepared
// statements. Used by one thread at a time; calls block.
#pragma once

#include <mysql.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "catalog/address.h"
#include "catalog/catalog.h"

namespace haul::catalog {

// Server errors that concern more than the row at hand: the transaction, the connection, the server. After
// them nothing may be carried out as if nothing had been; all others are the row's own.
ErrorClass mariadb_error_class(unsigned code);
// Those of the above that a server may report in the middle of a transaction, as "1205, 1213".
std::string mariadb_general_errors();

class MariadbSession {
 public:
  // Connects. Throws unauthenticated (also for a certificate that is not trusted), unavailable, throttled,
  // not_found.
  MariadbSession(const Address& address, const CatalogOptions& options);

  MYSQL* handle() const noexcept { return handle_.get(); }
  const std::string& description() const noexcept { return description_; }
  bool is_mariadb() const noexcept { return ::mariadb_connection(handle_.get()) != 0; }
  bool alive() const noexcept { return alive_; }
  std::uint64_t statements() const noexcept { return statements_; }

  void execute(std::string_view text);
  // What the server refused, as a value.
  std::optional<Error> try_execute(std::string_view text);
  // The only value of the only row.
  std::string ask(std::string_view text);

  // Notes the loss of the connection.
  Error failure(unsigned code, const char* state, const char* words);
  void count_statement() noexcept { ++statements_; }

 private:
  struct Close {
    void operator()(MYSQL* handle) const noexcept { ::mysql_close(handle); }
  };
  void connect(const Address& address, const CatalogOptions& options);
  void settle(const CatalogOptions& options);
  Error failure();

  std::string description_;
  std::unique_ptr<MYSQL, Close> handle_;
  std::uint64_t statements_ = 0;
  bool alive_ = true;
};

class MariadbStatement {
 public:
  // Throws what the server says. `parameters`: as many as the statement must have.
  MariadbStatement(MariadbSession& session, std::string_view text, std::size_t parameters);

  // Binds are read by execute(): what they point to lives until then.
  void bind(std::vector<MYSQL_BIND>& binds);
  // For binds that are arrays, MariaDB only.
  void set_rows(unsigned rows);
  void execute();
  std::optional<Error> try_execute();  // what the server refused, as a value
  std::uint64_t matched() const noexcept { return ::mysql_stmt_affected_rows(handle_.get()); }

  struct Column {
    std::string name;
    enum_field_types type;
    bool is_unsigned;
    bool is_bytes;
    unsigned decimals;
  };
  std::vector<Column> columns() const;
  // All rows of the result.
  std::vector<Row> rows();

 private:
  struct Close {
    void operator()(MYSQL_STMT* handle) const noexcept { ::mysql_stmt_close(handle); }
  };
  Error failure();

  MariadbSession* session_;
  std::unique_ptr<MYSQL_STMT, Close> handle_;
};

// A value as a parameter; it points into the value.
MYSQL_BIND mariadb_bind(const Value& value);

}  // namespace haul::catalog

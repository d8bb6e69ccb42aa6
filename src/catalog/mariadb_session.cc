#include "catalog/mariadb_session.h"

#include <errmsg.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <mutex>

#include "base/utf8.h"

namespace haul::catalog {
namespace {

struct CodeMeaning {
  unsigned code;
  ErrorClass error_class;
};

// https://mariadb.com/kb/en/mariadb-error-codes/, MySQL alike.
constexpr std::array kGeneralCodes = std::to_array<CodeMeaning>({
    {1020, ErrorClass::unavailable},        // the row changed since it was read
    {1021, ErrorClass::exhausted},          // disk full
    {1037, ErrorClass::exhausted},          // memory
    {1038, ErrorClass::exhausted},          // sort memory
    {1040, ErrorClass::throttled},          // too many connections
    {1041, ErrorClass::exhausted},          // memory
    {1044, ErrorClass::permission_denied},  // database
    {1045, ErrorClass::unauthenticated},    //
    {1047, ErrorClass::unavailable},        // a cluster's node that is not ready
    {1049, ErrorClass::not_found},          // database
    {1053, ErrorClass::unavailable},        // shutting down
    {1114, ErrorClass::exhausted},          // table full
    {1142, ErrorClass::permission_denied},  // table
    {1143, ErrorClass::permission_denied},  // column
    {1158, ErrorClass::unavailable},        // network, and the next three
    {1159, ErrorClass::unavailable},        //
    {1160, ErrorClass::unavailable},        //
    {1161, ErrorClass::unavailable},        //
    {1180, ErrorClass::unavailable},        // error during COMMIT
    {1203, ErrorClass::throttled},          // connections of this user
    {1205, ErrorClass::unavailable},        // lock wait timeout
    {1206, ErrorClass::unavailable},        // lock table full
    {1213, ErrorClass::unavailable},        // deadlock
    {1226, ErrorClass::throttled},          // a user's resource limit
    {1227, ErrorClass::permission_denied},  //
    {1290, ErrorClass::permission_denied},  // read-only server
    {1317, ErrorClass::unavailable},        // somebody killed the query
    {1615, ErrorClass::unavailable},        // to be prepared again
    {1698, ErrorClass::unauthenticated},    //
    {1792, ErrorClass::permission_denied},  // read-only transaction
    {1836, ErrorClass::permission_denied},  // read-only mode
    {1927, ErrorClass::unavailable},        // connection killed
    {1969, ErrorClass::timed_out},          // max_statement_time
    {3024, ErrorClass::timed_out},          // max_execution_time
    {4031, ErrorClass::unavailable},        // idle for too long
});

bool from_client(unsigned code) {
  return (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) || (code >= 5000 && code < 6000);
}

// The connection is of no use any more.
bool ends_connection(unsigned code) {
  return from_client(code) || code == 1053 || code == 1927 || code == 1615 || code == 4031 ||
         (code >= 1158 && code <= 1161);
}

bool is_about_certificate(std::string_view words) {
  for (const std::string_view sign : {"certificate", "verif", "self-signed", "self signed", "host name",
                                      "not match", "version", "cipher", "is required"})
    if (words.find(sign) != std::string_view::npos) return true;
  return false;
}

unsigned whole_seconds(Duration duration) {
  return static_cast<unsigned>(
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count()));
}

bool is_bytes(const MYSQL_FIELD& field) {
  constexpr unsigned kBinaryCharset = 63;
  switch (field.type) {
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB: return field.charsetnr == kBinaryCharset;
    case MYSQL_TYPE_BIT: return true;
    default: return false;
  }
}

bool is_integer(enum_field_types type) {
  return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 ||
         type == MYSQL_TYPE_LONG || type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

// Where one column of a result is fetched to.
struct Cell {
  std::int64_t integer = 0;
  double real = 0;
  float small_real = 0;
  std::vector<char> text;
  unsigned long length = 0;
  my_bool is_null = 0, cut = 0;
};

Value cell_value(const Cell& cell, const MYSQL_BIND& bind) {
  if (cell.is_null != 0) return std::monostate{};
  if (bind.buffer_type == MYSQL_TYPE_DOUBLE) return cell.real;
  if (bind.buffer_type == MYSQL_TYPE_FLOAT) return static_cast<double>(cell.small_real);
  if (bind.buffer_type != MYSQL_TYPE_LONGLONG) return std::string(cell.text.data(), cell.length);
  // Beyond what an integer holds: as text.
  if (bind.is_unsigned != 0 && cell.integer < 0)
    return std::to_string(static_cast<std::uint64_t>(cell.integer));
  return cell.integer;
}

}  // namespace

ErrorClass mariadb_error_class(unsigned code) {
  if (code == CR_SSL_CONNECTION_ERROR || code == CR_AUTH_PLUGIN_CANNOT_LOAD || code == CR_AUTH_PLUGIN_ERR)
    return ErrorClass::unauthenticated;
  if (code == CR_OUT_OF_MEMORY) return ErrorClass::exhausted;
  if (from_client(code)) return ErrorClass::unavailable;
  const auto found = std::ranges::find(kGeneralCodes, code, &CodeMeaning::code);
  return found == kGeneralCodes.end() ? ErrorClass::invalid_argument : found->error_class;
}

std::string mariadb_general_errors() {
  std::string list;
  for (const CodeMeaning& meaning : kGeneralCodes)
    list.append(list.empty() ? "" : ", ").append(std::to_string(meaning.code));
  return list;
}

MariadbSession::MariadbSession(const Address& address, const CatalogOptions& options)
    : description_(address.description()) {
  // The library's own first-time set-up is not thread-safe.
  static std::once_flag once;
  std::call_once(once, [] { ::mysql_library_init(0, nullptr, nullptr); });
  handle_.reset(::mysql_init(nullptr));
  if (!handle_) throw Error(ErrorClass::exhausted, "not enough memory").on(description_);
  connect(address, options);
  settle(options);
}

void MariadbSession::connect(const Address& address, const CatalogOptions& options) {
  MYSQL* const mysql = handle_.get();
  const unsigned connect_timeout = whole_seconds(options.connect_timeout);
  // The server stops statements in time; only one that is stuck is waited for by the socket's clock.
  const unsigned socket_timeout = whole_seconds(options.statement_timeout) + 10;
  ::mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
  ::mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &socket_timeout);
  ::mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &socket_timeout);
  ::mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  // A server could ask for any file of this machine otherwise.
  const unsigned off = 0;
  ::mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
  const bool local = !address.socket.empty();
  // "localhost" would mean a socket of the library's choice.
  const unsigned protocol = local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  ::mysql_options(mysql, MYSQL_OPT_PROTOCOL, &protocol);
  const my_bool on = 1;
  if (!local && options.tls != TlsMode::off) {
    ::mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &on);
    if (!options.ca_file.empty()) ::mysql_options(mysql, MYSQL_OPT_SSL_CA, options.ca_file.c_str());
  }
  if (!local && options.tls == TlsMode::required)
    ::mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
  else if (!local)
    // Whoever sits between us must not be able to ask for the password itself.
    ::mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                    "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password");
  // Rows found, not rows changed: a row that already has its value was not missed.
  const bool connected =
      ::mysql_real_connect(mysql, local ? nullptr : address.host.c_str(), address.user.c_str(),
                           options.password.c_str(), address.database.c_str(), local ? 0 : address.port,
                           local ? address.socket.c_str() : nullptr,
                           CLIENT_FOUND_ROWS | CLIENT_MULTI_RESULTS) != nullptr;
  if (!connected) {
    Error error = failure().during("connect");
    if (error.error_class() == ErrorClass::unauthenticated && ::mysql_errno(mysql) == CR_SSL_CONNECTION_ERROR)
      error = error.with_hint("check the CA file, the server's certificate and its host name");
    throw error;
  }
  if (!local && options.tls == TlsMode::required && ::mysql_get_ssl_cipher(mysql) == nullptr)
    throw Error(ErrorClass::unauthenticated, "the server does not offer TLS, which is required")
        .during("connect")
        .on(description_);
}

void MariadbSession::settle(const CatalogOptions& options) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options.statement_timeout).count();
  std::string text = "SET SESSION autocommit = 1, innodb_lock_wait_timeout = " +
                     std::to_string(whole_seconds(options.statement_timeout)) +
                     // A value that does not fit is refused, never cut to fit.
                     ", sql_mode = CONCAT_WS(',', @@SESSION.sql_mode, 'STRICT_ALL_TABLES')";
  if (is_mariadb())
    text += ", max_statement_time = " + std::to_string(static_cast<double>(ms) / 1000);
  else
    text += ", max_execution_time = " + std::to_string(ms);
  execute(text);
}

Error MariadbSession::failure() {
  return failure(::mysql_errno(handle_.get()), ::mysql_sqlstate(handle_.get()), ::mysql_error(handle_.get()));
}

Error MariadbSession::failure(unsigned code, const char* state, const char* words) {
  if (ends_connection(code)) alive_ = false;
  // A server that dies breaks off TLS with the same code as one whose certificate is refused.
  const ErrorClass error_class = code == CR_SSL_CONNECTION_ERROR && !is_about_certificate(words)
                                     ? ErrorClass::unavailable
                                     : mariadb_error_class(code);
  Error error =
      Error(error_class, visible(words)).on(description_).with_code(std::to_string(code) + "/" + state, 0);
  // The same statement would take as long again.
  return error_class == ErrorClass::timed_out ? error.with_retryable(false) : error;
}

std::optional<Error> MariadbSession::try_execute(std::string_view text) {
  ++statements_;
  if (::mysql_real_query(handle_.get(), text.data(), text.size()) != 0) return failure();
  return std::nullopt;
}

void MariadbSession::execute(std::string_view text) {
  if (auto error = try_execute(text)) throw *std::move(error);
}

std::string MariadbSession::ask(std::string_view text) {
  execute(text);
  const auto free_result = [](MYSQL_RES* result) { ::mysql_free_result(result); };
  std::string answer;
  {
    const std::unique_ptr<MYSQL_RES, decltype(free_result)> result(::mysql_store_result(handle_.get()));
    if (!result) throw failure();
    if (MYSQL_ROW row = ::mysql_fetch_row(result.get()); row != nullptr && row[0] != nullptr)
      answer.assign(row[0], ::mysql_fetch_lengths(result.get())[0]);
  }
  // A block of statements answers once more, at its end.
  int more = 0;
  while ((more = ::mysql_next_result(handle_.get())) == 0)
    if (MYSQL_RES* extra = ::mysql_store_result(handle_.get())) ::mysql_free_result(extra);
  if (more > 0) throw failure();
  return answer;
}

MariadbStatement::MariadbStatement(MariadbSession& session, std::string_view text, std::size_t parameters)
    : session_(&session), handle_(::mysql_stmt_init(session.handle())) {
  if (!handle_) throw Error(ErrorClass::exhausted, "not enough memory").on(session.description());
  session_->count_statement();
  if (::mysql_stmt_prepare(handle_.get(), text.data(), text.size()) != 0) throw failure().during("prepare");
  if (const std::size_t there = ::mysql_stmt_param_count(handle_.get()); there != parameters)
    throw Error(ErrorClass::invalid_argument, "the server sees " + std::to_string(there) +
                                                  " parameters in the statement, " +
                                                  std::to_string(parameters) + " are named")
        .during("prepare")
        .on(session.description())
        .with_hint("parameters are written :name, outside of quotes and comments; ? is not known");
}

Error MariadbStatement::failure() {
  return session_->failure(::mysql_stmt_errno(handle_.get()), ::mysql_stmt_sqlstate(handle_.get()),
                           ::mysql_stmt_error(handle_.get()));
}

void MariadbStatement::bind(std::vector<MYSQL_BIND>& binds) {
  if (!binds.empty() && ::mysql_stmt_bind_param(handle_.get(), binds.data()) != 0) throw failure();
}

void MariadbStatement::set_rows(unsigned rows) {
  ::mysql_stmt_attr_set(handle_.get(), STMT_ATTR_ARRAY_SIZE, &rows);
}

void MariadbStatement::execute() {
  if (auto error = try_execute()) throw *std::move(error);
}

std::optional<Error> MariadbStatement::try_execute() {
  session_->count_statement();
  if (::mysql_stmt_execute(handle_.get()) != 0) return failure();
  return std::nullopt;
}

std::vector<MariadbStatement::Column> MariadbStatement::columns() const {
  std::vector<Column> columns;
  const auto free_result = [](MYSQL_RES* result) { ::mysql_free_result(result); };
  const std::unique_ptr<MYSQL_RES, decltype(free_result)> meta(::mysql_stmt_result_metadata(handle_.get()));
  if (!meta) return columns;
  for (unsigned i = 0; i < ::mysql_num_fields(meta.get()); ++i) {
    const MYSQL_FIELD& field = *::mysql_fetch_field_direct(meta.get(), i);
    columns.push_back({.name = std::string(field.name, field.name_length),
                       .type = field.type,
                       .is_unsigned = (field.flags & UNSIGNED_FLAG) != 0,
                       .is_bytes = is_bytes(field),
                       .decimals = field.decimals});
  }
  return columns;
}

std::vector<Row> MariadbStatement::rows() {
  const my_bool on = 1;
  ::mysql_stmt_attr_set(handle_.get(), STMT_ATTR_UPDATE_MAX_LENGTH, &on);
  if (::mysql_stmt_store_result(handle_.get()) != 0) throw failure();
  const auto free_result = [](MYSQL_RES* result) { ::mysql_free_result(result); };
  const std::unique_ptr<MYSQL_RES, decltype(free_result)> meta(::mysql_stmt_result_metadata(handle_.get()));
  if (!meta) throw failure();
  const unsigned width = ::mysql_num_fields(meta.get());
  std::vector<Cell> cells(width);
  std::vector<MYSQL_BIND> binds(width);
  for (unsigned i = 0; i < width; ++i) {
    const MYSQL_FIELD& field = *::mysql_fetch_field_direct(meta.get(), i);
    MYSQL_BIND& bind = binds[i];
    bind = {};
    bind.is_null = &cells[i].is_null;
    bind.length = &cells[i].length;
    bind.error = &cells[i].cut;
    if (is_integer(field.type)) {
      bind.buffer_type = MYSQL_TYPE_LONGLONG;
      bind.buffer = &cells[i].integer;
      bind.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
    } else if (field.type == MYSQL_TYPE_FLOAT) {
      // Exactly as the server compares it; the library would widen it by way of its decimal text.
      bind.buffer_type = MYSQL_TYPE_FLOAT;
      bind.buffer = &cells[i].small_real;
    } else if (field.type == MYSQL_TYPE_DOUBLE) {
      bind.buffer_type = MYSQL_TYPE_DOUBLE;
      bind.buffer = &cells[i].real;
    } else {
      cells[i].text.resize(std::max<std::size_t>(field.max_length, 64) + 1);
      bind.buffer_type = is_bytes(field) ? MYSQL_TYPE_BLOB : MYSQL_TYPE_STRING;
      bind.buffer = cells[i].text.data();
      bind.buffer_length = cells[i].text.size();
    }
  }
  if (::mysql_stmt_bind_result(handle_.get(), binds.data()) != 0) throw failure();
  std::vector<Row> rows;
  rows.reserve(::mysql_stmt_num_rows(handle_.get()));
  int status = 0;
  while ((status = ::mysql_stmt_fetch(handle_.get())) == 0) {
    Row& row = rows.emplace_back();
    row.reserve(width);
    for (unsigned i = 0; i < width; ++i)
      row.push_back(cell_value(cells[i], binds[i]));
  }
  if (status == 1) throw failure();
  if (status == MYSQL_DATA_TRUNCATED)
    throw Error(ErrorClass::internal, "a value did not fit its buffer").on(session_->description());
  ::mysql_stmt_free_result(handle_.get());
  return rows;
}

MYSQL_BIND mariadb_bind(const Value& value) {
  MYSQL_BIND bind{};
  // The library only reads what a parameter points to, but does not say so.
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    bind.buffer_type = MYSQL_TYPE_LONGLONG;
    bind.buffer = const_cast<std::int64_t*>(integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    bind.buffer_type = MYSQL_TYPE_DOUBLE;
    bind.buffer = const_cast<double*>(real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    bind.buffer_type = is_utf8(*text) ? MYSQL_TYPE_STRING : MYSQL_TYPE_BLOB;
    bind.buffer = const_cast<char*>(text->data());
    bind.buffer_length = text->size();
  } else {
    bind.buffer_type = MYSQL_TYPE_NULL;
  }
  return bind;
}

}  // namespace haul::catalog

#include "sqlite/database.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::sqlite {
namespace {

ErrorClass class_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ErrorClass::unavailable;
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_READONLY: return ErrorClass::permission_denied;
    case SQLITE_CANTOPEN: return ErrorClass::not_found;
    case SQLITE_FULL:
    case SQLITE_NOMEM: return ErrorClass::exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ErrorClass::data_loss;
    case SQLITE_INTERRUPT: return ErrorClass::timed_out;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_ERROR:
    case SQLITE_RANGE: return ErrorClass::invalid_argument;
    default: return ErrorClass::internal;
  }
}

Error sqlite_error(sqlite3* database, int code, std::string_view operation, std::string_view path) {
  // Where growing fails, SQLite sometimes says no more than that writing has failed.
  const int cause =
      database != nullptr && (code & 0xff) == SQLITE_IOERR ? ::sqlite3_system_errno(database) : 0;
  const bool out_of_room =
      code == SQLITE_IOERR_SHMSIZE || cause == ENOSPC || cause == EDQUOT || cause == EFBIG;
  const char* words = out_of_room           ? "no room is left on the disk"
                      : database != nullptr ? ::sqlite3_errmsg(database)
                                            : ::sqlite3_errstr(code);
  Error error = Error(out_of_room ? ErrorClass::exhausted : class_of(code), words)
                    .during(std::string(operation))
                    .on(visible(path));
  if (out_of_room) return error.with_hint("free some space on this disk");
  switch (code & 0xff) {
    case SQLITE_FULL: return error.with_hint("free some space on this disk");
    case SQLITE_BUSY: return error.with_hint("another program holds it");
    default: return error;
  }
}

}  // namespace

void Database::Close::operator()(sqlite3* handle) const noexcept {
  ::sqlite3_close_v2(handle);
}

Database::Database(std::string path, OpenMode mode, std::chrono::milliseconds busy_timeout)
    : path_(std::move(path)) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  flags |= mode == OpenMode::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (mode == OpenMode::create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int code = ::sqlite3_open_v2(path_.c_str(), &handle, flags, nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) throw sqlite_error(handle, code, "open database", path_);
  ::sqlite3_busy_timeout(handle, static_cast<int>(busy_timeout.count()));
}

void Database::execute(const std::string& sql) {
  const int code = ::sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) throw sqlite_error(handle_.get(), code, "execute", path_);
}

Statement Database::prepare(std::string_view sql) {
  return Statement(handle_.get(), sql, path_);
}

std::uint64_t Database::changes() const noexcept {
  return static_cast<std::uint64_t>(::sqlite3_changes64(handle_.get()));
}

std::int64_t Database::last_row_id() const noexcept {
  return ::sqlite3_last_insert_rowid(handle_.get());
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  ::sqlite3_finalize(statement);
}

Statement::Statement(sqlite3* database, std::string_view sql, const std::string& path)
    : database_(database), path_(path) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      ::sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) fail(code, "prepare statement");
  statement_.reset(statement);
}

void Statement::fail(int code, const char* operation) const {
  throw sqlite_error(database_, code, operation, path_);
}

Statement& Statement::bind(int index, std::int64_t value) {
  if (const int code = ::sqlite3_bind_int64(statement_.get(), index, value); code != SQLITE_OK)
    fail(code, "bind");
  return *this;
}

Statement& Statement::bind(int index, double value) {
  if (const int code = ::sqlite3_bind_double(statement_.get(), index, value); code != SQLITE_OK)
    fail(code, "bind");
  return *this;
}

Statement& Statement::bind(int index, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  const int code =
      ::sqlite3_bind_text64(statement_.get(), index, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code != SQLITE_OK) fail(code, "bind");
  return *this;
}

Statement& Statement::bind_bytes(int index, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  const int code = ::sqlite3_bind_blob64(statement_.get(), index, data, bytes.size(), SQLITE_TRANSIENT);
  if (code != SQLITE_OK) fail(code, "bind");
  return *this;
}

Statement& Statement::bind_null(int index) {
  if (const int code = ::sqlite3_bind_null(statement_.get(), index); code != SQLITE_OK) fail(code, "bind");
  return *this;
}

bool Statement::step() {
  const int code = ::sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  ::sqlite3_reset(statement_.get());
  fail(code, "execute");
}

void Statement::reset() {
  ::sqlite3_reset(statement_.get());
}

int Statement::parameters() const noexcept {
  return ::sqlite3_bind_parameter_count(statement_.get());
}

int Statement::columns() const noexcept {
  return ::sqlite3_column_count(statement_.get());
}

std::string_view Statement::column_name(int column) const {
  return ::sqlite3_column_name(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return type(column) == SQLITE_NULL;
}

int Statement::type(int column) const {
  return ::sqlite3_column_type(statement_.get(), column);
}

std::int64_t Statement::integer(int column) const {
  return ::sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return ::sqlite3_column_double(statement_.get(), column);
}

std::string_view Statement::text(int column) const {
  const void* data = ::sqlite3_column_blob(statement_.get(), column);  // text as its bytes
  if (data == nullptr) return {};
  return {static_cast<const char*>(data),
          static_cast<std::size_t>(::sqlite3_column_bytes(statement_.get(), column))};
}

Transaction::~Transaction() {
  // SQLite itself has rolled back after a full disk: then this fails, and that is right.
  if (database_ != nullptr) ::sqlite3_exec(database_->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_->execute("COMMIT");
  database_ = nullptr;
}

}  // namespace haul::sqlite

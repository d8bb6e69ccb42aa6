#include "catalog/postgres_session.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>

#include "base/encoding.h"
#include "base/utf8.h"

namespace haul::catalog {
namespace {

using Clock = std::chrono::steady_clock;

// Of pg_type.dat: fixed for all time.
constexpr Oid kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kOid = 26, kFloat4 = 700,
              kFloat8 = 701;

struct StateMeaning {
  std::string_view prefix;
  ErrorClass error_class;
};

// The first that fits. https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr std::array kStates = std::to_array<StateMeaning>({
    {"57014", ErrorClass::timed_out},    // statement_timeout
    {"53300", ErrorClass::throttled},    // too many connections
    {"53", ErrorClass::exhausted},       //
    {"55P03", ErrorClass::unavailable},  // lock_timeout
    {"55", ErrorClass::unavailable},     //
    {"40", ErrorClass::unavailable},     // serialization, deadlock
    {"08", ErrorClass::unavailable},     // connection
    {"57", ErrorClass::unavailable},     // shutdown, start-up
    {"58", ErrorClass::unavailable},     // the system below the server
    {"26", ErrorClass::unavailable},     // a prepared statement that is gone
    {"0A000", ErrorClass::unavailable},  // a plan of a table that was altered meanwhile
    {"28", ErrorClass::unauthenticated},
    {"42501", ErrorClass::permission_denied},
    {"25006", ErrorClass::permission_denied},  // read-only
    {"3D", ErrorClass::not_found},
    {"XX", ErrorClass::internal},
    {"54", ErrorClass::exhausted},
});

std::string first_line(std::string_view words) {
  return visible(words.substr(0, words.find('\n')));
}

// libpq knows no way to say "the system's": what OpenSSL would open, where distributions put it.
std::string system_roots() {
  std::vector<std::string> places = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                     "/etc/ssl/cert.pem"};
  for (const std::string& place : places)
    if (::access(place.c_str(), R_OK) == 0) return place;
  return places.front();
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

ErrorClass postgres_error_class(std::string_view state) {
  const auto found = std::ranges::find_if(
      kStates, [state](const StateMeaning& meaning) { return state.starts_with(meaning.prefix); });
  return found == kStates.end() ? ErrorClass::invalid_argument : found->error_class;
}

PostgresSession::PostgresSession(const Address& address, const CatalogOptions& options)
    : description_(address.description()),
      // The server stops statements in time; only one that is stuck is waited for by our own clock.
      answer_timeout_(std::chrono::duration_cast<std::chrono::milliseconds>(options.statement_timeout) +
                      std::chrono::seconds(10)) {
  connect(address, options);
  settle(options);
}

void PostgresSession::connect(const Address& address, const CatalogOptions& options) {
  std::string host = address.host, port = std::to_string(address.port);
  const bool local = !address.socket.empty();
  if (local) {
    // Either the directory, or the socket in it, whose name ends in the port.
    host = address.socket;
    constexpr std::string_view kName = "/.s.PGSQL.";
    if (const std::size_t at = host.rfind(kName); at != std::string::npos) {
      port = host.substr(at + kName.size());
      host.resize(at);
    }
  }
  const char* const mode = options.tls == TlsMode::off        ? "disable"
                           : options.tls == TlsMode::required ? "verify-full"
                                                              : "prefer";
  const std::string roots = options.tls != TlsMode::required ? ""
                            : options.ca_file.empty()        ? system_roots()
                                                             : options.ca_file;
  const char* const names[] = {"host",    "port",        "user",     "dbname",           "password",
                               "sslmode", "sslrootcert", "passfile", "application_name", "client_encoding",
                               nullptr};
  const char* const values[] = {host.c_str(),
                                port.c_str(),
                                address.user.c_str(),
                                address.database.c_str(),
                                options.password.c_str(),
                                local ? "disable" : mode,
                                roots.c_str(),
                                "/dev/null",
                                "haul",
                                "UTF8",
                                nullptr};
  connection_.reset(::PQconnectStartParams(names, values, 0));
  if (!connection_) throw Error(ErrorClass::exhausted, "not enough memory").on(description_);
  // With the SQLSTATE, which tells a wrong password from a server that is starting.
  ::PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  const Clock::time_point until = Clock::now() + options.connect_timeout;
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  if (::PQstatus(connection_.get()) == CONNECTION_BAD) throw connect_failure(options);
  while (state != PGRES_POLLING_OK) {
    if (state == PGRES_POLLING_FAILED) throw connect_failure(options);
    wait(state == PGRES_POLLING_READING, state == PGRES_POLLING_WRITING, until);
    state = ::PQconnectPoll(connection_.get());
  }
  ::PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  // Notices of the user's triggers are not ours to print.
  ::PQsetNoticeProcessor(connection_.get(), [](void*, const char*) {}, nullptr);
  if (::PQsetnonblocking(connection_.get(), 1) != 0) throw lost();
}

// TLS that ended since the server did.
static bool is_broken_off(std::string_view words) {
  for (const std::string_view sign : {"closed unexpectedly", "SYSCALL", "EOF", "eof", "reset by peer"})
    if (words.find(sign) != std::string_view::npos) return true;
  return false;
}

// "connection to server at ... failed: FATAL:  28P01: password authentication failed for user ..."
Error PostgresSession::connect_failure(const CatalogOptions& options) {
  alive_ = false;
  std::string words = ::PQerrorMessage(connection_.get());
  // Where TLS was tried first, the message of the attempt without it follows: the first says what is wrong.
  words = first_line(words);
  ErrorClass error_class = ErrorClass::unavailable;
  std::string state;
  if (const std::size_t at = words.find("FATAL:  "); at != std::string::npos && words.size() > at + 15) {
    state = words.substr(at + 8, 5);
    words.erase(at + 8, 7);
    error_class = postgres_error_class(state);
  } else if (words.find("certificate") != std::string::npos ||
             words.find("no password supplied") != std::string::npos ||
             (words.find("SSL") != std::string::npos && !is_broken_off(words))) {
    error_class = ErrorClass::unauthenticated;
  }
  Error error = Error(error_class, std::move(words)).during("connect").on(description_);
  if (!state.empty()) error = error.with_code(state, 0);
  if (error_class == ErrorClass::unauthenticated && state.empty() && options.tls == TlsMode::required)
    error = error.with_hint("check the CA file, the server's certificate and its host name");
  return error;
}

void PostgresSession::settle(const CatalogOptions& options) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(options.statement_timeout).count();
  const std::string text =
      "SET statement_timeout = " + std::to_string(ms) +
      "; SET standard_conforming_strings = on; SET DateStyle = ISO; SET IntervalStyle = "
      "iso_8601; SET bytea_output = hex; SET extra_float_digits = 1; "
      // An update that was reported survives a crash. Any other setting is as good as on.
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') = 'off'";
  execute(text.c_str());
}

Error PostgresSession::lost() {
  alive_ = false;
  std::string words = first_line(::PQerrorMessage(connection_.get()));
  return Error(ErrorClass::unavailable, words.empty() ? "the connection is lost" : std::move(words))
      .on(description_);
}

Error PostgresSession::failure(const PGresult* result) {
  const char* const state = result == nullptr ? nullptr : ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return lost();
  const auto field = [result](int which) {
    const char* text = ::PQresultErrorField(result, which);
    return text == nullptr ? std::string() : first_line(text);
  };
  std::string words = field(PG_DIAG_MESSAGE_PRIMARY);
  if (const std::string detail = field(PG_DIAG_MESSAGE_DETAIL); !detail.empty()) words += ": " + detail;
  if (const char* at = ::PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION))
    words += std::string(" (at character ") + at + ")";
  const std::string_view code = state;
  const ErrorClass error_class = postgres_error_class(code);
  if (::PQstatus(connection_.get()) == CONNECTION_BAD || code.starts_with("08") || code.starts_with("57P") ||
      code.starts_with("26") || code == "0A000")
    alive_ = false;
  Error error = Error(error_class, std::move(words)).on(description_).with_code(state, 0);
  // The same statement would take as long again.
  return error_class == ErrorClass::timed_out ? error.with_retryable(false) : error;
}

void PostgresSession::wait(bool readable, bool writable, Clock::time_point until) {
  pollfd socket{.fd = ::PQsocket(connection_.get()),
                .events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)),
                .revents = 0};
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    const int ready =
        left <= 0 ? 0 : ::poll(&socket, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw lost();
    if (Clock::now() < until) continue;
    alive_ = false;
    throw Error(ErrorClass::unavailable, "the server does not answer").on(description_);
  }
}

// Sends what is queued, and reads on until the next result is there: a server that waits for us to read while
// we wait for it to read would wait for ever.
void PostgresSession::flush_and_await() {
  const Clock::time_point until = Clock::now() + answer_timeout_;
  while (true) {
    const int unsent = ::PQflush(connection_.get());
    if (unsent < 0) throw lost();
    if (unsent == 0 && ::PQisBusy(connection_.get()) == 0) return;
    wait(true, unsent > 0, until);
    if (::PQconsumeInput(connection_.get()) == 0) throw lost();
    if (unsent > 0 && ::PQisBusy(connection_.get()) == 0) return;
  }
}

PostgresSession::Result PostgresSession::result_of_one() {
  Result last;
  while (true) {
    flush_and_await();
    Result next(::PQgetResult(connection_.get()));
    if (!next) break;
    // The first failure is the cause of the others.
    if (!last || ::PQresultStatus(last.get()) != PGRES_FATAL_ERROR) last = std::move(next);
  }
  const ExecStatusType status = ::PQresultStatus(last.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw failure(last.get());
  return last;
}

PostgresSession::Result PostgresSession::execute(const char* text) {
  ++statements_;
  if (::PQsendQuery(connection_.get(), text) == 0) throw lost();
  return result_of_one();
}

std::optional<Error> PostgresSession::try_execute(const char* text) {
  ++statements_;
  if (::PQsendQuery(connection_.get(), text) == 0) throw lost();
  Result last;
  while (true) {
    flush_and_await();
    Result next(::PQgetResult(connection_.get()));
    if (!next) break;
    last = std::move(next);
  }
  if (::PQresultStatus(last.get()) == PGRES_FATAL_ERROR || !last) return failure(last.get());
  return std::nullopt;
}

std::vector<Oid> PostgresSession::prepare(const char* name, const std::string& text, std::size_t parameters) {
  ++statements_;
  if (::PQsendPrepare(connection_.get(), name, text.c_str(), 0, nullptr) == 0) throw lost();
  try {
    result_of_one();
  } catch (const Error& error) {
    throw error.during("prepare");
  }
  if (::PQsendDescribePrepared(connection_.get(), name) == 0) throw lost();
  const Result description = result_of_one();
  std::vector<Oid> types;
  types.reserve(static_cast<std::size_t>(::PQnparams(description.get())));
  for (int i = 0; i < ::PQnparams(description.get()); ++i)
    types.push_back(::PQparamtype(description.get(), i));
  if (types.size() != parameters)
    throw Error(ErrorClass::invalid_argument, "the server sees " + std::to_string(types.size()) +
                                                  " parameters in the statement, " +
                                                  std::to_string(parameters) + " are named")
        .during("prepare")
        .on(description_)
        .with_hint("parameters are written :name, outside of quotes and comments; $1 is not known");
  return types;
}

std::vector<PostgresSession::Column> PostgresSession::columns_of(const std::string& text) {
  prepare("", text, 0);
  if (::PQsendDescribePrepared(connection_.get(), "") == 0) throw lost();
  const Result description = result_of_one();
  std::vector<Column> columns;
  columns.reserve(static_cast<std::size_t>(::PQnfields(description.get())));
  for (int i = 0; i < ::PQnfields(description.get()); ++i)
    columns.push_back({.name = ::PQfname(description.get(), i), .type = ::PQftype(description.get(), i)});
  return columns;
}

void PostgresSession::send_prepared(const char* name, const std::vector<PostgresParameter>& parameters) {
  ++statements_;
  // libpq wants them side by side; kept from row to row.
  data_.clear();
  lengths_.clear();
  formats_.clear();
  for (const PostgresParameter& parameter : parameters) {
    data_.push_back(parameter.data());
    lengths_.push_back(parameter.length);
    formats_.push_back(parameter.binary ? 1 : 0);
  }
  if (::PQsendQueryPrepared(connection_.get(), name, static_cast<int>(parameters.size()), data_.data(),
                            lengths_.data(), formats_.data(), 0) == 0)
    throw lost();
}

PostgresSession::Result PostgresSession::execute_prepared(const char* name,
                                                          const std::vector<PostgresParameter>& parameters) {
  send_prepared(name, parameters);
  return result_of_one();
}

void PostgresSession::begin_pipeline() {
  if (::PQenterPipelineMode(connection_.get()) == 0) throw lost();
}

void PostgresSession::finish_sending() {
  if (::PQpipelineSync(connection_.get()) == 0) throw lost();
}

PostgresSession::Result PostgresSession::next_result() {
  flush_and_await();
  Result result(::PQgetResult(connection_.get()));
  if (!result) throw lost();
  if (::PQstatus(connection_.get()) == CONNECTION_BAD) throw failure(result.get());
  // Each statement's results end with an empty one; a synchronisation has none.
  if (::PQresultStatus(result.get()) == PGRES_PIPELINE_SYNC) return result;
  flush_and_await();
  while (const Result rest = Result(::PQgetResult(connection_.get())))
    flush_and_await();
  return result;
}

void PostgresSession::end_pipeline() {
  if (::PQresultStatus(next_result().get()) != PGRES_PIPELINE_SYNC ||
      ::PQexitPipelineMode(connection_.get()) == 0)
    throw lost();
}

std::optional<PostgresParameter> postgres_parameter(const Value& value, Oid type) {
  PostgresParameter parameter;
  if (value.index() == 0) return parameter;
  parameter.null = false;
  if (const auto* text = std::get_if<std::string>(&value)) {
    parameter.binary = type == kBytea;
    // Text would be sent as far as its first NUL.
    if (!parameter.binary && text->find('\0') != std::string::npos) return std::nullopt;
    parameter.outside = text->c_str();
    parameter.length = static_cast<int>(text->size());
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    std::to_chars(parameter.digits.data(), parameter.digits.data() + parameter.digits.size() - 1, *integer);
  } else {
    std::to_chars(parameter.digits.data(), parameter.digits.data() + parameter.digits.size() - 1,
                  std::get<double>(value));
  }
  return parameter;
}

Value postgres_value(const PGresult* result, int row, int column) {
  if (::PQgetisnull(result, row, column) != 0) return std::monostate{};
  const std::string_view text(::PQgetvalue(result, row, column),
                              static_cast<std::size_t>(::PQgetlength(result, row, column)));
  switch (::PQftype(result, column)) {
    case kBool: return std::int64_t{text == "t" ? 1 : 0};
    case kInt2:
    case kInt4:
    case kInt8:
    case kOid:
      if (const auto number = parse_number<std::int64_t>(text)) return *number;
      break;
    case kFloat4:
    case kFloat8:
      if (const auto number = parse_number<double>(text)) return *number;
      break;
    case kBytea:
      if (text.starts_with("\\x"))
        if (auto bytes = decode_hex(text.substr(2))) return *std::move(bytes);
      break;
    default: break;
  }
  return std::string(text);
}

}  // namespace haul::catalog

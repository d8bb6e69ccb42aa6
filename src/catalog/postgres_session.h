// libpq with owned handles and our errors: a session with a PostgreSQL server that never waits without a
// clock, and statements sent many at a time (pipeline mode). Used by one thread at a time; calls block.
// https://www.postgresql.org/docs/15/libpq.html
#pragma once

#include <libpq-fe.h>

#include <array>
#include <chrono>
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

// By SQLSTATE. What concerns more than the row at hand is never invalid_argument; what a row brought about
// (a constraint, a trigger, a value) is.
ErrorClass postgres_error_class(std::string_view state);

// One value as libpq takes it. Text and bytes are pointed at: the value must live until it is sent.
struct PostgresParameter {
  const char* data() const noexcept { return null ? nullptr : outside != nullptr ? outside : digits.data(); }
  bool null = true;
  bool binary = false;
  int length = 0;  // of what is binary
  const char* outside = nullptr;
  std::array<char, 32> digits{};  // ends in NUL
};

class PostgresSession {
 public:
  // Connects. Throws unauthenticated (also for a certificate that is not trusted), unavailable, throttled,
  // not_found.
  PostgresSession(const Address& address, const CatalogOptions& options);

  struct Clear {
    void operator()(PGresult* result) const noexcept { ::PQclear(result); }
  };
  using Result = std::unique_ptr<PGresult, Clear>;

  const std::string& description() const noexcept { return description_; }
  bool alive() const noexcept { return alive_; }
  std::uint64_t statements() const noexcept { return statements_; }

  // Without parameters; throws what the server says.
  Result execute(const char* text);
  std::optional<Error> try_execute(const char* text);

  // `name` stands for it from now on. Gives the types of the parameters, which the server inferred.
  std::vector<Oid> prepare(const char* name, const std::string& text, std::size_t parameters);
  struct Column {
    std::string name;
    Oid type;
  };
  std::vector<Column> columns_of(const std::string& text);

  Result execute_prepared(const char* name, const std::vector<PostgresParameter>& parameters);

  // Pipeline: begin_pipeline, send_prepared..., finish_sending, next_result once for each sent, end_pipeline.
  // After the first that fails the others are not carried out (PGRES_PIPELINE_ABORTED).
  void begin_pipeline();
  void send_prepared(const char* name, const std::vector<PostgresParameter>& parameters);
  void finish_sending();
  Result next_result();
  void end_pipeline();

  Error failure(const PGresult* result);

 private:
  struct Finish {
    void operator()(PGconn* connection) const noexcept { ::PQfinish(connection); }
  };
  void connect(const Address& address, const CatalogOptions& options);
  void settle(const CatalogOptions& options);
  Error connect_failure(const CatalogOptions& options);
  // Until the socket is ready as asked. Throws unavailable when the clock runs out.
  void wait(bool readable, bool writable, std::chrono::steady_clock::time_point until);
  void flush_and_await();
  Result result_of_one();
  Error lost();

  std::string description_;
  std::chrono::milliseconds answer_timeout_;
  std::unique_ptr<PGconn, Finish> connection_;
  std::uint64_t statements_ = 0;
  bool alive_ = true;
  std::vector<const char*> data_;
  std::vector<int> lengths_, formats_;
};

// `type` is the one the server inferred. Nothing for a value that the type cannot hold: text with a NUL.
std::optional<PostgresParameter> postgres_parameter(const Value& value, Oid type);
Value postgres_value(const PGresult* result, int row, int column);

}  // namespace haul::catalog

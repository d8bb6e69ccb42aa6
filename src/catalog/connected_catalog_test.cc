#include "catalog/connected_catalog.h"

#include <gmock/gmock.h>

#include <latch>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul::catalog {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Property;

// Takes every row, or fails as it is told.
class ScriptedConnection final : public Connection {
 public:
  explicit ScriptedConnection(std::optional<Error> failure) : failure_(std::move(failure)) {}

  std::vector<std::string> columns(const Selection&) override { return {"id"}; }
  void prepare(const Statement&) override {}
  SelectedPage page(const Selection&, const std::optional<Value>&) override { return {}; }
  bool finds_by_key(const Selection&) override { return true; }
  std::vector<NamingRow> named(const Selection&, std::span<const Value* const>, std::size_t) override {
    return {};
  }
  std::vector<RowOutcome> run(const Statement&, std::span<const Row* const> rows) override {
    if (failure_) throw *failure_;
    return {rows.size(), RowOutcome{.matched = 1, .refused = {}}};
  }
  std::optional<Error> commit() override { return std::nullopt; }
  void roll_back() noexcept override {}
  bool alive() const noexcept override { return true; }

 private:
  std::optional<Error> failure_;
};

Error refused_connection() {
  return Error(ErrorClass::unavailable, "connection refused").during("connect").on("server");
}

struct ConnectedCatalogTest : testing::Test {
  std::shared_ptr<Catalog> catalog(Connect connect) {
    return make_catalog("server", std::move(connect), options);
  }
  static std::unique_ptr<Connection> away() { throw refused_connection(); }

  Task<> update(Catalog& catalog, OpContext context) {
    try {
      co_await catalog.update(statement, rows, context);
      ++updated;
    } catch (const Error& error) {
      failures.push_back(error);
    }
  }
  Error failure_of(Catalog& catalog, OpContext context) {
    runtime.run(update(catalog, context));
    return failures.empty() ? Error(ErrorClass::internal, "nothing was thrown") : failures.front();
  }

  // Once those before it wait, patience ends, and the server answers.
  Task<> end_patience(std::latch& answer) {
    runtime.env().advance(options.patience);
    answer.count_down();
    co_return;
  }
  Task<> update_by_four(Catalog& catalog, std::latch* answer) {
    TaskGroup group(runtime.executor());
    for (int i = 0; i < 4; ++i)
      group.spawn(update(catalog, runtime.context()));
    if (answer != nullptr) group.spawn(end_patience(*answer));
    co_await group.join();
  }

  ManualRuntime runtime;
  CatalogOptions options{.connections = 1, .patience = 1min};
  const Statement statement = Statement::parse("UPDATE files SET path = :path WHERE id = :id");
  const std::vector<RowUpdate> rows{{.values = {std::string("x"), std::int64_t{1}}, .if_done = {}}};
  int updated = 0;
  std::vector<Error> failures;
};

TEST_F(ConnectedCatalogTest, a_server_that_is_away_for_longer_than_patience_may_be_asked_again_later) {
  const Error error = failure_of(*catalog(away), runtime.context());
  EXPECT_TRUE(error.retryable());
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_GT(error.attempts(), 2);
  EXPECT_THAT(error.what(), HasSubstr("connection refused"));
  EXPECT_GE(runtime.env().slept(), options.patience);
}

TEST_F(ConnectedCatalogTest, the_end_of_the_callers_own_time_is_final) {
  const SteadyTime deadline = runtime.env().steady_now() + 10s;
  const Error error = failure_of(*catalog(away), runtime.context().with_deadline(deadline));
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out);
  EXPECT_FALSE(error.retryable());
}

TEST_F(ConnectedCatalogTest, a_stop_ends_the_waiting_as_a_stop) {
  const auto connect = [this]() -> std::unique_ptr<Connection> {
    runtime.runtime().stop().raise(StopLevel::abort);
    throw Error(ErrorClass::cancelled, "stopped");
  };
  const Error error = failure_of(*catalog(connect), runtime.context());
  EXPECT_EQ(error.error_class(), ErrorClass::cancelled);
}

TEST_F(ConnectedCatalogTest, a_statement_that_took_too_long_is_not_sent_again) {
  int connects = 0;
  const auto connect = [&connects] {
    ++connects;
    return std::make_unique<ScriptedConnection>(
        Error(ErrorClass::timed_out, "the statement took too long").with_retryable(false));
  };
  const Error error = failure_of(*catalog(connect), runtime.context());
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out);
  EXPECT_FALSE(error.retryable());
  EXPECT_EQ(error.attempts(), 1);
  EXPECT_EQ(connects, 1);
}

TEST_F(ConnectedCatalogTest, those_that_share_a_connection_all_have_their_turn) {
  const auto shared = catalog([] { return std::make_unique<ScriptedConnection>(std::nullopt); });
  runtime.run(update_by_four(*shared, nullptr));
  EXPECT_EQ(updated, 4);
  EXPECT_EQ(shared->effort().rows_updated, 4U);
}

TEST_F(ConnectedCatalogTest, all_that_wait_for_a_connection_end_when_patience_does) {
  std::latch answer(1);
  const auto connect = [&answer]() -> std::unique_ptr<Connection> {
    answer.wait();
    throw refused_connection();
  };
  const auto shared = catalog(connect);
  runtime.run(update_by_four(*shared, &answer));
  ASSERT_EQ(failures.size(), 4U);
  EXPECT_THAT(failures, Each(Property(&Error::retryable, true)));
  EXPECT_THAT(failures, Contains(Property(&Error::message, "connection refused")));
  EXPECT_THAT(failures, Contains(Property(&Error::message, "all connections are in use")));
}

}  // namespace
}  // namespace haul::catalog

#include "catalog/connected_catalog.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/bandwidth.h"
#include "runtime/retry.h"
#include "runtime/suspend.h"

namespace haul::catalog {
namespace {

// A place among the connections; the connection comes with its first use.
struct Place {
  std::unique_ptr<Connection> connection;
  bool used_before = false;
};

class Places;

// Gives its place back when destroyed.
class TakenPlace {
 public:
  TakenPlace(Places& places, std::unique_ptr<Place> place) : places_(places), place_(std::move(place)) {}
  ~TakenPlace();
  TakenPlace(const TakenPlace&) = delete;
  TakenPlace& operator=(const TakenPlace&) = delete;
  Place& operator*() const noexcept { return *place_; }

 private:
  Places& places_;
  std::unique_ptr<Place> place_;
};

// Thread safety: any shard.
class Places {
 public:
  // The description must outlive it.
  Places(const std::string& description, unsigned count) : description_(description) {
    for (unsigned i = 0; i < count; ++i)
      free_.push_back(std::make_unique<Place>());
  }

  // Whoever holds a place gives it back within its statement's timeout, so that the wait has an end. Throws
  // as context.check() does, and unavailable if there is still none at `until`.
  Task<std::unique_ptr<Place>> take(OpContext& context, SteadyTime until) {
    while (true) {
      context.check();
      {
        const std::lock_guard lock(mutex_);
        if (!free_.empty()) {
          // The one used last: the others may idle until the server closes them.
          std::unique_ptr<Place> place = std::move(free_.back());
          free_.pop_back();
          co_return place;
        }
      }
      if (context.env().steady_now() >= until)
        throw Error(ErrorClass::unavailable, "all connections are in use").on(description_);
      co_await suspend(context.executor(), [this](auto resume) {
        const std::lock_guard lock(mutex_);
        if (free_.empty())
          waiting_.push_back(std::move(resume));
        else
          resume();
      });
    }
  }

  void give_back(std::unique_ptr<Place> place) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(place));
    // All, and there are few: one that is woken may give up instead of taking the place.
    for (auto& resume : std::exchange(waiting_, {}))
      resume();
  }

 private:
  const std::string& description_;
  std::mutex mutex_;  // guards both below
  std::vector<std::unique_ptr<Place>> free_;
  std::vector<std::move_only_function<void()>> waiting_;
};

TakenPlace::~TakenPlace() {
  places_.give_back(std::move(place_));
}

// Servers are asked again for as long as patience lasts, and not too seldom: one that restarts is back soon.
constexpr RetryPolicy kRetry{.max_attempts = std::numeric_limits<int>::max(),
                             .base = std::chrono::milliseconds(100),
                             .throttled_base = std::chrono::milliseconds(250),
                             .cap = std::chrono::milliseconds(5000)};

// Rates of less than one row a second are rates too.
constexpr double kRateParts = 1000;

// Each key once. What names no object is named by nobody.
std::vector<AskedKey> asked_keys(std::span<const NamingRow> rows) {
  std::vector<AskedKey> keys;
  std::unordered_map<std::string, std::size_t> places;
  for (const NamingRow& row : rows) {
    std::optional<std::string> text = key_of(row.key);
    if (!text) continue;
    const auto [place, is_new] = places.try_emplace(*text, keys.size());
    if (is_new) keys.push_back({.text = *std::move(text), .rows = {}});
    keys[place->second].rows.push_back(&row);
  }
  return keys;
}

class ConnectedCatalog final : public Catalog {
 public:
  ConnectedCatalog(std::string description, Connect connect, const CatalogOptions& options)
      : description_(std::move(description)),
        connect_(std::move(connect)),
        patience_(options.patience),
        rate_(
            options.rows_per_second > 0
                ? std::max<std::uint64_t>(1, static_cast<std::uint64_t>(options.rows_per_second * kRateParts))
                : 0),
        places_(description_, std::max(1U, options.connections)) {}

  const std::string& description() const noexcept override { return description_; }

  Task<std::vector<std::string>> check(const Selection* selection, const Statement* update,
                                       OpContext& context) override {
    co_return co_await on_connection(context, [selection, update](Connection& connection) {
      std::vector<std::string> columns;
      if (selection != nullptr) {
        columns = connection.columns(*selection);
        find_column(columns, selection->cursor);
      }
      if (update != nullptr) connection.prepare(*update);
      return columns;
    });
  }

  Task<SelectedPage> page(const Selection& selection, const std::optional<Value>& after,
                          OpContext& context) override {
    SelectedPage page = co_await on_connection(context, [this, &selection, &after](Connection& connection) {
      try {
        return checked_page(connection.page(selection, after), selection, after);
      } catch (const Error& error) {
        throw error.subject().empty() ? error.on(description_) : error;
      }
    });
    rows_selected_ += page.rows.size();
    co_await keep_to_rate(page.rows.size(), context);
    co_return page;
  }

  Task<std::vector<RowResult>> update(const Statement& statement, std::span<const RowUpdate> rows,
                                      OpContext& context) override {
    co_await keep_to_rate(rows.size(), context);
    std::vector<RowResult> results = co_await on_connection(
        context,
        [&statement, rows](Connection& connection) { return update_rows(connection, statement, rows); });
    rows_updated_ += static_cast<std::uint64_t>(std::ranges::count_if(
        results, [](const RowResult& result) { return result.state == RowResult::State::updated; }));
    co_return results;
  }

  Task<bool> finds_by_key(const Selection& selection, OpContext& context) override {
    co_return co_await on_connection(
        context, [&selection](Connection& connection) { return connection.finds_by_key(selection); });
  }

  Task<std::vector<bool>> named_by_others(const Selection& selection, std::span<const NamingRow> rows,
                                          OpContext& context) override {
    std::vector<AskedKey> keys = asked_keys(rows);
    for (std::size_t begin = 0; begin < keys.size(); begin += kKeysAskedFor) {
      const auto asked = std::span(keys).subspan(begin, std::min(kKeysAskedFor, keys.size() - begin));
      co_await keep_to_rate(asked.size(), context);
      co_await on_connection(context, [&selection, asked](Connection& connection) {
        find_others(connection, selection, asked);
        return true;
      });
    }
    std::vector<bool> named(rows.size());
    for (const AskedKey& key : keys)
      for (const NamingRow* row : key.rows)
        named[static_cast<std::size_t>(row - rows.data())] = key.named_by_others;
    co_return named;
  }

  CatalogEffort effort() const override {
    return {.rows_selected = rows_selected_,
            .rows_updated = rows_updated_,
            .statements = statements_,
            .reconnects = reconnects_,
            .waited_for_rate = Duration(waited_.load())};
  }

 private:
  template <class Work>
  using Result = std::invoke_result_t<Work&, Connection&>;

  // All that is asked here may be asked again: reading changes nothing, and an update repeated changes
  // nothing more.
  template <class Work>
  Task<Result<Work>> on_connection(OpContext& context, Work work) {
    const SteadyTime until = context.env().steady_now() + patience_;
    OpContext patient = context.with_deadline(until);
    try {
      co_return co_await with_retry(patient, kRetry, Replay::safe,
                                    [this, &context, until, &work] { return attempt(context, until, work); });
    } catch (const Error& error) {
      // A pause has a cause, unlike a statement that took too long: that would take as long again. The end of
      // the caller's own time is the caller's.
      const bool out_of_patience = error.error_class() == ErrorClass::timed_out && error.cause() != nullptr &&
                                   !(context.deadline() && *context.deadline() <= until);
      if (!out_of_patience) throw;
      throw Error(ErrorClass::unavailable, error.message())
          .during(error.operation())
          .on(error.subject())
          .with_attempts(error.attempts(), error.elapsed())
          .caused_by(*error.cause());
    }
  }

  template <class Work>
  Task<Result<Work>> attempt(OpContext& context, SteadyTime until, Work& work) {
    const TakenPlace place(places_, co_await places_.take(context, until));
    co_return co_await context.blocking([this, &place, &work] { return use(*place, work); });
  }

  template <class Work>
  Result<Work> use(Place& place, Work& work) {
    if (!place.connection) {
      place.connection = connect_();
      if (std::exchange(place.used_before, true)) ++reconnects_;
    }
    const Accounted accounted{*this, place, place.connection->statements()};
    return work(*place.connection);
  }

  // After use: what was sent is counted, and a broken connection is not kept.
  struct Accounted {
    ConnectedCatalog& catalog;
    Place& place;
    std::uint64_t before;
    ~Accounted() {
      catalog.statements_ += place.connection->statements() - before;
      if (!place.connection->alive()) place.connection.reset();
    }
  };

  Task<> keep_to_rate(std::size_t rows, OpContext& context) {
    if (!rate_.limited()) co_return;
    const SteadyTime begin = context.env().steady_now();
    co_await rate_.take(rows * static_cast<std::uint64_t>(kRateParts), context);
    waited_ += Duration(context.env().steady_now() - begin).count();
  }

  const std::string description_;
  Connect connect_;
  const Duration patience_;
  Bandwidth rate_;
  Places places_;
  std::atomic<std::uint64_t> rows_selected_{0}, rows_updated_{0}, statements_{0}, reconnects_{0};
  std::atomic<std::int64_t> waited_{0};
};

}  // namespace

std::shared_ptr<Catalog> make_catalog(std::string description, Connect connect,
                                      const CatalogOptions& options) {
  return std::make_shared<ConnectedCatalog>(std::move(description), std::move(connect), options);
}

}  // namespace haul::catalog

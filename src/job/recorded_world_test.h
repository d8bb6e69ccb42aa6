// For the tests of this room: stores, a catalogue and an engine that write down each side effect in the order
// in which it happens, and a world that ends at any of them as a process does that is killed.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catalog/catalog.h"
#include "job/chunk_copy_test.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "job/run_engine.h"
#include "job/worker.h"
#include "runtime/manual_runtime.h"
#include "stores/memory/memory_store.h"

namespace haul::job {

// What has happened, and when it ends.
class Trace {
 public:
  std::vector<std::string> events;
  std::function<void()> after_each = [] {};
  std::size_t die_at =
      SIZE_MAX;  // this one, counted from 0, does not happen any more, nor does anything later

  bool dead() const noexcept { return dead_; }
  void alive() const {
    if (dead_) throw Error(ErrorClass::internal, "the process is gone");
  }
  // To be called before a side effect, then happened().
  void happens() {
    alive();
    if (events.size() != die_at) return;
    dead_ = true;
    alive();
  }
  void happened(std::string what) {
    events.push_back(std::move(what));
    after_each();
  }
  // Another process.
  void revive() {
    dead_ = false;
    die_at = SIZE_MAX;
  }

 private:
  bool dead_ = false;
};

class RecordedStore final : public store::Store {
 public:
  RecordedStore(Trace& trace, std::string name)
      : inner(memory::MemoryOptions{.name = std::move(name)}), trace_(trace) {}

  memory::MemoryStore inner;
  std::map<std::string, Error> fails;  // by key: reading, writing or tagging it
  std::function<void(const std::string& key)> before_write = [](const std::string&) {};
  std::optional<Error> durable_fails;
  bool compares = true;              // before it removes
  std::vector<std::string> cleared;  // of what writers that are gone have left

  const store::Capabilities& capabilities() const noexcept override { return inner.capabilities(); }
  std::string describe(std::string_view key) const override { return inner.describe(key); }
  std::unique_ptr<store::Lister> list(store::ListRequest request) override {
    return inner.list(std::move(request));
  }
  Task<std::optional<store::Details>> stat(std::string key, store::ReadOptions options,
                                           OpContext& context) override {
    check(key);
    co_return co_await inner.stat(std::move(key), std::move(options), context);
  }
  Task<std::unique_ptr<store::Reader>> read(std::string key, store::ReadOptions options,
                                            OpContext& context) override {
    check(key);
    co_return co_await inner.read(std::move(key), std::move(options), context);
  }
  Task<store::Written> write(std::string key, Body& body, store::WriteOptions options,
                             OpContext& context) override {
    check(key);
    before_write(key);
    trace_.happens();
    store::Written written = co_await inner.write(key, body, std::move(options), context);
    trace_.happened((written.condition_failed ? "leave " : "write ") + key);
    co_return written;
  }
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string key, store::WriteOptions options,
                                                    OpContext& context) override {
    co_return co_await inner.begin_upload(std::move(key), std::move(options), context);
  }
  bool can_copy_from(const store::Store&) const noexcept override { return false; }
  Task<store::Written> copy_from(store::Store& source, std::string source_key, std::string key,
                                 store::CopyOptions options, OpContext& context) override {
    co_return co_await inner.copy_from(source, std::move(source_key), std::move(key), std::move(options),
                                       context);
  }
  Task<std::uint64_t> discard_remains(std::vector<std::string_view> keys, Time, Time, OpContext&) override {
    cleared.insert(cleared.end(), keys.begin(), keys.end());
    co_return keys.size();
  }
  Task<> make_durable(OpContext&) override {
    trace_.happens();
    if (durable_fails) throw *durable_fails;
    trace_.happened("durable");
    co_return;
  }
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override {
    trace_.happens();
    std::string what = "remove";
    for (const store::RemoveItem& item : items)
      what += " " + std::string(item.key);
    std::vector<store::RemoveItem> meant(items.begin(), items.end());
    if (!compares)
      for (store::RemoveItem& item : meant)
        item = {.key = item.key, .version = item.version, .etag = {}, .size = {}, .modified = {}};
    std::vector<store::RemoveResult> results = co_await inner.remove(meant, context);
    trace_.happened(what);
    co_return results;
  }
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override {
    check(key);
    trace_.happens();
    co_await inner.set_tags(key, std::move(tags), context);
    trace_.happened("tag " + key);
  }
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override {
    co_return co_await inner.get_tags(std::move(key), std::move(version), context);
  }

 private:
  void check(const std::string& key) const {
    trace_.alive();
    if (const auto found = fails.find(key); found != fails.end()) throw found->second;
  }

  Trace& trace_;
};

// A table of ids and paths, and statements that set the path where the id, or the path, is the given one.
class RecordedCatalog final : public catalog::Catalog {
 public:
  explicit RecordedCatalog(Trace& trace) : trace_(trace) {}

  std::map<std::int64_t, std::string> paths;  // by id
  std::set<std::string> refused;              // new paths that the server does not take
  int away = 0;                               // calls that find no server

  const std::string& description() const noexcept override { return name_; }
  Task<std::vector<std::string>> check(const catalog::Selection*, const catalog::Statement*,
                                       OpContext&) override {
    co_return std::vector<std::string>{"id", "path"};
  }
  Task<catalog::SelectedPage> page(const catalog::Selection& selection,
                                   const std::optional<catalog::Value>& after, OpContext&) override {
    catalog::SelectedPage page{.columns = {"id", "path"}, .rows = {}};
    const std::int64_t last = after ? std::get<std::int64_t>(*after) : -1;
    for (auto row = paths.upper_bound(last); row != paths.end() && page.rows.size() < selection.page_rows;
         ++row)
      page.rows.push_back({row->first, row->second == "NULL" ? catalog::Value() : row->second});
    co_return page;
  }
  Task<std::vector<catalog::RowResult>> update(const catalog::Statement& statement,
                                               std::span<const catalog::RowUpdate> rows,
                                               OpContext&) override {
    trace_.happens();
    if (away > 0) {
      --away;
      throw Error(ErrorClass::unavailable, "the server is gone").during("catalogue update");
    }
    std::vector<catalog::RowResult> results;
    std::string what = "commit";
    for (const catalog::RowUpdate& row : rows)
      results.push_back(update_one(statement, row, what));
    trace_.happened(what);
    co_return results;
  }
  Task<bool> finds_by_key(const catalog::Selection&, OpContext&) override { co_return true; }
  // Rows of the selection are those below in/.
  Task<std::vector<bool>> named_by_others(const catalog::Selection&, std::span<const catalog::NamingRow> rows,
                                          OpContext&) override {
    trace_.alive();
    if (away > 0) {
      --away;
      throw Error(ErrorClass::unavailable, "the server is gone").during("catalogue look");
    }
    std::vector<bool> named;
    for (const catalog::NamingRow& asked : rows)
      named.push_back(std::ranges::any_of(paths, [&](const auto& row) {
        const auto is_known = [&](const catalog::NamingRow& known) {
          return known.cursor == catalog::Value(row.first);
        };
        return catalog::Value(row.second) == asked.key && std::ranges::none_of(rows, is_known);
      }));
    co_return named;
  }
  catalog::CatalogEffort effort() const override { return {}; }

 private:
  using State = catalog::RowResult::State;

  std::string* find(const catalog::Statement& statement, const catalog::Row& values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (statement.names()[i] == "id") {
        const auto found = paths.find(std::get<std::int64_t>(values[i]));
        return found == paths.end() ? nullptr : &found->second;
      }
      if (statement.names()[i] == "source_key" || statement.names()[i] == "path")
        for (auto& [id, path] : paths)
          if (path == std::get<std::string>(values[i])) return &path;
    }
    return nullptr;
  }
  catalog::RowResult update_one(const catalog::Statement& statement, const catalog::RowUpdate& row,
                                std::string& what) {
    const auto to = static_cast<std::size_t>(std::ranges::find(statement.names(), "destination_key") -
                                             statement.names().begin());
    const auto& path = std::get<std::string>(row.values[to]);
    if (refused.contains(path))
      return {.state = State::failed,
              .error = Error(ErrorClass::invalid_argument, "too long for the column")};
    if (std::string* found = find(statement, row.values)) {
      *found = path;
      what += " " + path;
      return {.state = State::updated, .matched = 1, .error = {}};
    }
    const bool done = !row.if_done.empty() && find(statement, row.if_done) != nullptr;
    return {.state = done ? State::already : State::unmatched, .matched = done ? 1U : 0U, .error = {}};
  }

  Trace& trace_;
  const std::string name_ = "table of the test";
};

// Keeps chunks until their reports are recorded, as a durable engine does; what was leased when the world
// ended is queued again.
class RecordedEngine final : public RunEngine {
 public:
  explicit RecordedEngine(Trace& trace) : trace_(trace) {}

  bool is_durable = true;
  Accounts recorded;
  std::string lines;           // of the ledger
  std::uint64_t outcomes = 0;  // in the ledger
  std::vector<Outcome> failures;
  std::deque<Chunk> queue;

  void put(Chunk chunk) {
    chunk.id = ++last_id_;
    queue.push_back(std::move(chunk));
  }
  void restart() {
    if (leased_) queue.push_front(std::move(*leased_));
    leased_.reset();
  }

  RunStatus status() const override { return RunStatus::processing; }
  Accounts accounts() const override { return recorded; }
  Task<> set_status(RunStatus, OpContext&) override { co_return; }
  bool durable() const noexcept override { return is_durable; }
  DiscoveryState discovery() const override { return {}; }
  Task<bool> discovered(DiscoveryStep, OpContext&) override { co_return true; }
  Task<std::optional<Chunk>> lease(OpContext&) override {
    if (queue.empty()) co_return std::nullopt;
    leased_ = std::move(queue.front());
    queue.pop_front();
    co_return copy_of(*leased_);
  }
  Task<> record_stage(std::uint64_t, Stage stage, std::string facts, OpContext&) override {
    trace_.happens();
    leased_->stage = stage;
    leased_->facts = std::move(facts);
    trace_.happened(stage == Stage::copied ? "stage copied" : "stage catalogued");
    co_return;
  }
  Task<> record(ChunkReport report, OpContext&) override {
    trace_.happens();
    leased_.reset();
    recorded.add(report.accounts);
    lines += report.ledger.lines;
    outcomes += report.ledger.outcomes;
    for (Outcome& failure : report.ledger.failures)
      failures.push_back(std::move(failure));
    for (Chunk& rest : report.rest)
      put(std::move(rest));
    trace_.happened("record");
    co_return;
  }
  Task<> release_extras(OpContext&) override { co_return; }
  Task<> keep_extras(OpContext&) override { co_return; }
  void close() override {}
  void hold() override {}
  void reopen() override {}
  Task<> cancel(OpContext&) override { co_return; }
  Wish wish() const override { return Wish::none; }
  bool approved() const override { return true; }

 private:
  Trace& trace_;
  std::optional<Chunk> leased_;
  std::uint64_t last_id_ = 0;
};

class SilentSink final : public OutcomeSink {
 public:
  bool wants_all() const noexcept override { return false; }
  void accept(const Outcome&) override {}
};

// Chunks of a job from `in/` of one store to `out/` of another, worked on one after the other.
struct RecordedWorld {
  RecordedWorld() {
    source = std::make_shared<RecordedStore>(trace, "source");
    destination = std::make_shared<RecordedStore>(trace, "destination");
    catalog = std::make_shared<RecordedCatalog>(trace);
    job.operation = Operation::move;
    job.sources.push_back({.store = source, .text = "source", .prefix = "in/", .strip = "in/"});
    job.destination = Destination{.store = destination, .text = "destination", .prefix = "out/"};
    job.run = "run-1";
    job.options.lanes = 1;
    job.options.full_report = true;
    job.options.attempts = 3;
  }

  void follow_by(const std::string& statement) {
    job.catalogue = CatalogueUpdate{.catalog = catalog,
                                    .statement = catalog::Statement::parse(statement),
                                    .columns = {"id", "path"},
                                    .key_column = "path"};
  }
  void follow_by_key() { follow_by("UPDATE files SET path = :destination_key WHERE path = :source_key"); }

  // An item for each name, as a listing of the source gives it; of names that the source has not, the key.
  Chunk chunk_of(const std::vector<std::string>& names, Action action = Action::copy) {
    Chunk chunk;
    for (const std::string& name : names) {
      Item item;
      item.key = chunk.text.store("in/" + name);
      item.destination_key = chunk.text.store("out/" + name);
      item.action = action;
      const auto details =
          world.run_for(source->inner.stat(std::string(item.key), store::ReadOptions(), context));
      item.facts_known = details.has_value();
      if (details) {
        item.etag = chunk.text.store(details->etag);
        item.size = details->size;
        item.modified = item.changed = details->modified;
      }
      for (const auto& [id, path] : catalog->paths)
        if (path == item.key) item.row = chunk.text.store(catalog::encode_row({id, path}));
      chunk.items.push_back(item);
    }
    return chunk;
  }

  // Works on all there is, those that are put back included.
  void work() { world.run(work_all()); }
  ChunkReport work_one(Chunk chunk) {
    engine.put(std::move(chunk));
    return world.run_for(work_next());
  }

  // The same, and when it ends before its time, as another process would go on.
  void work_through_death() {
    try {
      work();
    } catch (const Error&) {
      if (!trace.dead()) throw;
    }
    trace.revive();
    engine.restart();
    work();
  }

  ManualRuntime world;
  OpContext context = world.context();
  Trace trace;
  RecordedEngine engine{trace};
  Progress progress;
  SilentSink sink;
  std::shared_ptr<RecordedStore> source, destination;
  std::shared_ptr<RecordedCatalog> catalog;
  Job job;

 private:
  Task<> work_all() {
    Worker worker(job, engine, progress, sink, world.runtime());
    while (auto chunk = co_await engine.lease(context))
      co_await engine.record(co_await worker.work(std::move(*chunk), context), context);
  }
  Task<ChunkReport> work_next() {
    Worker worker(job, engine, progress, sink, world.runtime());
    std::optional<Chunk> chunk = co_await engine.lease(context);
    co_return co_await worker.work(std::move(*chunk), context);
  }
};

}  // namespace haul::job

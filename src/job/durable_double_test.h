// For tests of whole runs: an engine whose state outlives it, as a scripted process does that is killed, and
// a store whose listing can be watched and made to fail.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/chunk_copy_test.h"
#include "job/run_engine.h"
#include "runtime/manual_runtime.h"
#include "stores/memory/memory_store.h"

namespace haul::job {

// What is on disk.
struct DurableState {
  RunStatus status = RunStatus::initializing;
  std::vector<RunStatus> statuses;  // that it has had
  Accounts accounts;
  DiscoveryState discovery;
  std::uint64_t last_id = 0;
  std::map<std::uint64_t, Chunk> queue;
  std::map<std::uint64_t, Chunk> extras;
  std::vector<std::string> found;  // keys in recorded chunks, as discovery gave them
  std::string lines;               // of the ledger
  std::uint64_t steps = 0, steps_with_place = 0;
};

// One process's engine. Belongs to one shard. Dies at call number `die_at` that would change the state, and
// throws from there on; the next one goes on with the state.
class DurableDouble final : public RunEngine {
 public:
  DurableDouble(DurableState& state, std::size_t die_at = SIZE_MAX) : state_(state), die_at_(die_at) {}

  // Called after each change of the state, with what it was.
  std::function<void(std::string_view what)> after = [](std::string_view) {};
  // Called whenever somebody asks for a wish.
  std::function<Wish()> asked = [] { return Wish::none; };
  std::function<bool()> approval = [] { return true; };
  std::size_t changes() const noexcept { return changes_; }
  bool dead() const noexcept { return changes_ > die_at_; }

  RunStatus status() const override { return state_.status; }
  Accounts accounts() const override { return state_.accounts; }
  bool durable() const noexcept override { return true; }
  DiscoveryState discovery() const override { return state_.discovery; }
  Wish wish() const override { return asked(); }
  bool approved() const override { return approval(); }

  Task<> set_status(RunStatus status, OpContext&) override {
    change();
    if (!may_follow(state_.status, status))
      throw Error(ErrorClass::internal, std::string("no way from ") + std::string(to_string(state_.status)) +
                                            " to " + std::string(to_string(status)));
    state_.status = status;
    state_.statuses.push_back(status);
    after(to_string(status));
    co_return;
  }

  Task<bool> discovered(DiscoveryStep step, OpContext& context) override {
    if (cancelled_) co_return false;
    change();
    ++state_.steps;
    if (step.first) held_.clear();
    const bool complete = step.place || step.last;
    held_.push_back(std::move(step));
    if (!complete) co_return true;
    for (DiscoveryStep& each : std::exchange(held_, {}))
      write(each);
    after("step");
    while (!held_back_ && !cancelled_ && state_.queue.size() > 30)
      co_await yield(context.executor());
    co_return true;
  }

  Task<std::optional<Chunk>> lease(OpContext& context) override {
    while (!held_back_ && !cancelled_) {
      for (auto& [id, chunk] : state_.queue)
        if (!leased_.contains(id)) {
          leased_[id] = true;
          co_return copy_of(chunk);
        }
      if (closed_ && leased_.empty()) break;
      co_await yield(context.executor());
    }
    co_return std::nullopt;
  }

  Task<> record_stage(std::uint64_t chunk, Stage stage, std::string facts, OpContext&) override {
    change();
    state_.queue.at(chunk).stage = stage;
    state_.queue.at(chunk).facts = std::move(facts);
    after("stage");
    co_return;
  }

  Task<> record(ChunkReport report, OpContext&) override {
    change();
    if (state_.queue.erase(report.chunk) != 0) {
      state_.accounts.add(report.accounts);
      state_.lines += report.ledger.lines;
      for (Chunk& rest : report.rest)
        put(std::move(rest), state_.queue);
    }
    leased_.erase(report.chunk);
    after("record");
    co_return;
  }

  Task<> release_extras(OpContext&) override {
    change();
    state_.queue.merge(state_.extras);
    after("release");
    co_return;
  }
  Task<> keep_extras(OpContext&) override {
    change();
    for (const auto& [id, chunk] : std::exchange(state_.extras, {}))
      state_.accounts.extra_kept += chunk.items.size();
    after("keep");
    co_return;
  }

  void close() override { closed_ = true; }
  void hold() override { held_back_ = true; }
  void reopen() override { closed_ = held_back_ = false; }
  Task<> cancel(OpContext&) override {
    change();
    cancelled_ = true;
    held_.clear();
    state_.queue.merge(state_.extras);
    for (const auto& [id, chunk] : std::exchange(state_.queue, {}))
      (chunk.extras ? state_.accounts.extra_kept : state_.accounts.not_attempted) += chunk.items.size();
    after("cancel");
    co_return;
  }

 private:
  void change() {
    if (changes_++ >= die_at_) throw Error(ErrorClass::internal, "the process is gone");
  }

  void put(Chunk chunk, std::map<std::uint64_t, Chunk>& where) {
    chunk.id = ++state_.last_id;
    where.emplace(chunk.id, std::move(chunk));
  }

  void write(DiscoveryStep& step) {
    state_.accounts.add(step.accounts);
    state_.lines += step.ledger.lines;
    if (step.place) state_.discovery.place = step.place;
    state_.steps_with_place += step.place ? 1 : 0;
    state_.discovery.ended = step.last;
    for (Chunk& chunk : step.chunks) {
      for (const Item& item : chunk.items)
        state_.found.emplace_back(item.key);
      auto& where = chunk.extras ? state_.extras : state_.queue;
      put(std::move(chunk), where);
    }
  }

  DurableState& state_;
  const std::size_t die_at_;
  std::size_t changes_ = 0;
  std::vector<DiscoveryStep> held_;
  std::map<std::uint64_t, bool> leased_;
  bool closed_ = false, held_back_ = false, cancelled_ = false;
};

// A store in memory whose listing is counted, and may fail.
class ListedStore final : public store::Store {
 public:
  explicit ListedStore(std::string name, store::Capabilities capabilities = memory::full_capabilities())
      : inner(memory::MemoryOptions{.capabilities = capabilities, .name = std::move(name)}) {}

  memory::MemoryStore inner;
  std::uint32_t page_size = 1000;
  std::uint64_t pages = 0, entries = 0, writes = 0;
  // Called before each page, with its number from 1: may throw.
  std::function<void(std::uint64_t page)> before_page = [](std::uint64_t) {};
  std::function<void()> before_write = [] {};
  std::vector<std::string> links;  // keys that a listing passes over, in order; without range_listing

  const store::Capabilities& capabilities() const noexcept override { return inner.capabilities(); }
  std::string describe(std::string_view key) const override { return inner.describe(key); }
  std::unique_ptr<store::Lister> list(store::ListRequest request) override {
    request.page_size = page_size;
    std::string after = request.after;
    return std::make_unique<CountedLister>(*this, inner.list(std::move(request)), std::move(after));
  }
  Task<std::optional<store::Details>> stat(std::string key, store::ReadOptions options,
                                           OpContext& context) override {
    return inner.stat(std::move(key), std::move(options), context);
  }
  Task<std::unique_ptr<store::Reader>> read(std::string key, store::ReadOptions options,
                                            OpContext& context) override {
    return inner.read(std::move(key), std::move(options), context);
  }
  Task<store::Written> write(std::string key, Body& body, store::WriteOptions options,
                             OpContext& context) override {
    ++writes;
    before_write();
    co_return co_await inner.write(std::move(key), body, std::move(options), context);
  }
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string key, store::WriteOptions options,
                                                    OpContext& context) override {
    return inner.begin_upload(std::move(key), std::move(options), context);
  }
  bool can_copy_from(const store::Store&) const noexcept override { return false; }
  Task<store::Written> copy_from(store::Store& source, std::string source_key, std::string key,
                                 store::CopyOptions options, OpContext& context) override {
    return inner.copy_from(source, std::move(source_key), std::move(key), std::move(options), context);
  }
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem> items,
                                                OpContext& context) override {
    return inner.remove(items, context);
  }
  Task<> set_tags(std::string key, store::Tags tags, OpContext& context) override {
    return inner.set_tags(std::move(key), std::move(tags), context);
  }
  Task<store::Tags> get_tags(std::string key, std::string version, OpContext& context) override {
    return inner.get_tags(std::move(key), std::move(version), context);
  }

 private:
  class CountedLister final : public store::Lister {
   public:
    CountedLister(ListedStore& store, std::unique_ptr<store::Lister> inner, std::string after)
        : store_(store), inner_(std::move(inner)), before_(std::move(after)) {}
    Task<store::ListPage> next(OpContext& context) override {
      store_.before_page(++store_.pages);
      store::ListPage page = co_await inner_->next(context);
      store_.entries += page.entries.size();
      const std::string_view last = page.entries.empty() ? "" : page.entries.back().key;
      for (const std::string& link : store_.links)
        if (link > before_ && (page.last || link < last || link.starts_with(last)))
          page.skipped.push_back({page.text.store(link), store::SkipReason::symlink});
      before_ = std::max(std::string(last), page.skipped.empty() ? "" : std::string(page.skipped.back().key));
      co_return page;
    }

   private:
    ListedStore& store_;
    std::unique_ptr<store::Lister> inner_;
    std::string before_;
  };
};

}  // namespace haul::job

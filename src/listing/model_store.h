// For the tests and the benchmark of this room: a store that is nothing but keys, whose answers take
// simulated time, so that what counts on the critical path can be told without waiting.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/env.h"
#include "base/log.h"
#include "listing/entry_stream.h"
#include "runtime/shard.h"
#include "runtime/suspend.h"
#include "store/store.h"

namespace haul::listing {

// Time that passes only when nothing else is left to do.
class VirtualTime {
 public:
  Task<> sleep(double duration, OpContext& context) {
    const double due = now_ + duration;
    co_await suspend(context.executor(),
                     [this, due](auto resume) { sleepers_.emplace(due, std::move(resume)); });
  }
  double now() const { return now_; }

  // Runs main on the shard until it ends. Throws if it waits for something that never comes.
  template <class T>
  T run(Shard& shard, Task<T> main) {
    std::optional<T> result;
    std::exception_ptr error;
    bool done = false;
    boost::asio::co_spawn(shard.executor(), std::move(main), [&](std::exception_ptr thrown, T value) {
      error = std::move(thrown);
      result.emplace(std::move(value));
      done = true;
    });
    shard.loop().restart();
    while (!done) {
      if (shard.loop().poll() != 0) continue;
      if (sleepers_.empty()) throw std::logic_error("everybody waits and nobody works");
      now_ = sleepers_.begin()->first;
      auto wake = std::move(sleepers_.begin()->second);
      sleepers_.erase(sleepers_.begin());
      wake();
    }
    if (error) std::rethrow_exception(error);
    return std::move(*result);
  }

 private:
  double now_ = 0;
  std::multimap<double, std::move_only_function<void()>> sleepers_;
};

// Keys by number, ascending: a list, or computed, so that millions need no memory.
struct ModelKeys {
  std::size_t count = 0;
  std::function<std::string(std::size_t)> at;

  static ModelKeys of(std::vector<std::string> keys) {
    std::ranges::sort(keys);
    const auto repeated = std::ranges::unique(keys);
    keys.erase(repeated.begin(), repeated.end());
    const std::size_t count = keys.size();
    return {count, [keys = std::move(keys)](std::size_t i) { return keys[i]; }};
  }
  // The first whose key is greater.
  std::size_t above(std::string_view key) const {
    std::size_t low = 0;
    for (std::size_t high = count; low < high;) {
      const std::size_t middle = low + (high - low) / 2;
      if (at(middle) > key)
        high = middle;
      else
        low = middle + 1;
    }
    return low;
  }
};

// A stream of given entries in pages of a given size. Their texts must outlive it.
class ModelStream final : public EntryStream {
 public:
  ModelStream(std::vector<store::Entry> entries, std::size_t page_size)
      : entries_(std::move(entries)), page_size_(page_size) {}

  Task<std::optional<store::ListPage>> next(OpContext&) override {
    store::ListPage page;
    for (; next_ < entries_.size() && page.entries.size() < page_size_; ++next_) {
      page.entries.push_back(entries_[next_]);
      page.entries.back().key = page.text.store(entries_[next_].key);  // so that a page too old is noticed
    }
    page.failures = std::exchange(failures, {});
    if (page.entries.empty() && page.failures.empty()) {
      facts_.ended = true;
      co_return std::nullopt;
    }
    facts_.count(page);
    co_return page;
  }
  const ListingFacts& facts() const noexcept override { return facts_; }

  std::vector<store::ListFailure> failures;

 private:
  std::vector<store::Entry> entries_;
  std::size_t page_size_;
  std::size_t next_ = 0;
  ListingFacts facts_;
};

inline std::vector<store::Entry> entries_of(const std::vector<std::string>& keys) {
  std::vector<store::Entry> entries;
  for (const std::string& key : keys) {
    entries.emplace_back().key = key;
    entries.back().size = entries.size();
  }
  return entries;
}

class ModelStore final : public store::Store {
 public:
  explicit ModelStore(ModelKeys keys, VirtualTime* time = nullptr) : keys_(std::move(keys)), time_(time) {
    capabilities_.ordered_listing = true;
    capabilities_.range_listing = true;
  }

  store::Capabilities capabilities_;
  std::uint64_t requests = 0;
  unsigned in_flight = 0;
  double jitter = 0;              // part of an answer's time that is left to chance
  std::uint64_t entry_bytes = 0;  // what an answer's body weighs in memory, beside the keys
  std::function<void(store::ListPage&, std::uint64_t request)> tamper;  // a faulty server

  const store::Capabilities& capabilities() const noexcept override { return capabilities_; }
  std::string describe(std::string_view key) const override { return "model:" + std::string(key); }
  std::unique_ptr<store::Lister> list(store::ListRequest request) override {
    return std::make_unique<ModelLister>(*this, std::move(request));
  }

  Task<std::optional<store::Details>> stat(std::string, store::ReadOptions, OpContext&) override { none(); }
  Task<std::unique_ptr<store::Reader>> read(std::string, store::ReadOptions, OpContext&) override { none(); }
  Task<store::Written> write(std::string, Body&, store::WriteOptions, OpContext&) override { none(); }
  Task<std::unique_ptr<store::Upload>> begin_upload(std::string, store::WriteOptions, OpContext&) override {
    none();
  }
  bool can_copy_from(const store::Store&) const noexcept override { return false; }
  Task<store::Written> copy_from(store::Store&, std::string, std::string, store::CopyOptions,
                                 OpContext&) override {
    none();
  }
  Task<std::vector<store::RemoveResult>> remove(std::span<const store::RemoveItem>, OpContext&) override {
    none();
  }
  Task<> set_tags(std::string, store::Tags, OpContext&) override { none(); }
  Task<store::Tags> get_tags(std::string, std::string, OpContext&) override { none(); }

 private:
  class ModelLister final : public store::Lister {
   public:
    ModelLister(ModelStore& store, store::ListRequest request) : store_(store), request_(std::move(request)) {
      next_ = std::max(store.keys_.above(request_.after), first_with_prefix());
    }
    Task<store::ListPage> next(OpContext& context) override {
      const std::uint64_t number = store_.requests++;
      ++store_.in_flight;
      if (store_.time_ != nullptr) co_await store_.time_->sleep(store_.latency(), context);
      --store_.in_flight;
      store::ListPage page;
      page.entries.reserve(request_.page_size);
      page.buffer.resize(store_.entry_bytes * request_.page_size);
      while (true) {
        if (next_ == store_.keys_.count) page.last = true;
        if (page.last || page.entries.size() == request_.page_size) break;
        const std::string key = store_.keys_.at(next_);
        if (!key.starts_with(request_.prefix) || (!request_.until.empty() && key > request_.until)) {
          page.last = true;
          break;
        }
        store::Entry entry;
        entry.key = page.text.store(key);
        entry.size = next_++;
        page.entries.push_back(entry);
      }
      if (store_.tamper) store_.tamper(page, number);
      co_return page;
    }

   private:
    std::size_t first_with_prefix() const {
      std::size_t low = 0;
      for (std::size_t high = store_.keys_.count; low < high;) {
        const std::size_t middle = low + (high - low) / 2;
        if (store_.keys_.at(middle) >= request_.prefix)
          high = middle;
        else
          low = middle + 1;
      }
      return low;
    }
    ModelStore& store_;
    store::ListRequest request_;
    std::size_t next_ = 0;
  };

  [[noreturn]] static void none() { throw Error(ErrorClass::unsupported, "the model only lists"); }
  double latency() {
    random_ = random_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return 1 + jitter * static_cast<double>(random_ >> 40) / static_cast<double>(1 << 24);
  }

  ModelKeys keys_;
  VirtualTime* time_;
  std::uint64_t random_ = 1;
};

}  // namespace haul::listing

// What the tests of this room share: a store on a directory of its own, driven from plain code.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/shard.h"
#include "stores/local/file_key.h"
#include "stores/local/local_store.h"
#include "support/temporary_directory.h"

namespace haul::local {

class LocalTest : public testing::Test {
 protected:
  LocalStore open(LocalOptions options = {}) {
    if (options.root.empty()) options.root = directory_.path().string();
    return LocalStore(std::move(options));
  }

  store::Written write(LocalStore& store, std::string_view key, std::string_view content,
                       store::WriteOptions options = {}) {
    MemoryBody body(as_bytes(content));
    return runtime_.run_for(store.write(std::string(key), body, std::move(options), context_));
  }

  std::string read(LocalStore& store, std::string_view key, store::ReadOptions options = {}) {
    return runtime_.run_for(read_all(store, std::string(key), std::move(options), context_));
  }

  std::optional<store::Details> stat(LocalStore& store, std::string_view key) {
    return runtime_.run_for(store.stat(std::string(key), {}, context_));
  }

  std::optional<Error> remove(LocalStore& store, std::string_view key) {
    const store::RemoveItem item{key, {}};
    return runtime_.run_for(store.remove(std::span(&item, 1), context_)).front().error;
  }

  std::vector<store::ListPage> pages(LocalStore& store, store::ListRequest request = {}) {
    return runtime_.run_for(list_all(store, std::move(request), context_));
  }

  std::vector<std::string> keys(LocalStore& store, store::ListRequest request = {}) {
    std::vector<std::string> keys;
    for (const auto& page : pages(store, std::move(request)))
      for (const auto& entry : page.entries)
        keys.emplace_back(entry.key);
    return keys;
  }

  // The error that action throws; fails the test if it throws none.
  template <class Action>
  Error error_of(Action action) {
    try {
      action();
    } catch (const Error& error) {
      return error;
    }
    ADD_FAILURE() << "nothing was thrown";
    return {ErrorClass::internal, "nothing"};
  }

  testing_support::TemporaryDirectory directory_;
  Runtime runtime_{system_env(), null_logger(), {.shards = 1, .blocking_threads = 4}};
  OpContext context_ = runtime_.context();

 private:
  static Task<std::string> read_all(LocalStore& store, std::string key, store::ReadOptions options,
                                    OpContext& context) {
    const auto reader = co_await store.read(std::move(key), std::move(options), context);
    std::string content(reader->size(), '\0');
    const auto room = std::as_writable_bytes(std::span(content));
    for (std::size_t at = 0; at < room.size();)
      at += co_await reader->read_some(room.subspan(at), context);
    co_return content;
  }

  static Task<std::vector<store::ListPage>> list_all(LocalStore& store, store::ListRequest request,
                                                     OpContext& context) {
    std::vector<store::ListPage> pages;
    const auto lister = store.list(std::move(request));
    do {
      pages.push_back(co_await lister->next(context));
    } while (!pages.back().last);
    co_return pages;
  }
};

}  // namespace haul::local

// The contract of store/store.h as a test suite, run against every store.
//
// A store's test program links haul_conformance, includes this and says:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, Conformance, testing::Values(StoreUnderTest{...}), conformance_name);
//
// What a store cannot do it says in its capabilities; the suite then checks that it says so in the way that
// the contract wants. The few members of StoreUnderTest beyond that are for servers that fall short of their
// own protocol.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/shard.h"
#include "store/store.h"

namespace haul::testing_support {

struct StoreInstance {
  std::shared_ptr<store::Store> store;  // whatever it needs to live and be cleaned up belongs to its deleter
  std::string prefix;                   // put before every key, where a store is shared between tests
};

struct StoreUnderTest {
  std::string name;
  std::function<StoreInstance()> make;  // a fresh and empty one for each test
  // Whether a key can be held; writing any other must fail with invalid_argument.
  std::function<bool(std::string_view key)> holds = [](std::string_view) { return true; };
  bool refuses_wrong_checksum = true;  // a write whose content does not match WriteOptions::checksum fails
  bool conditional_uploads = true;     // uploads honour create_only
};

inline std::string conformance_name(const testing::TestParamInfo<StoreUnderTest>& info) {
  return info.param.name;
}
inline void PrintTo(const StoreUnderTest& store, std::ostream* out) {
  *out << store.name;
}

// A body that comes in pieces and cannot be had from memory.
class PiecewiseBody final : public Body {
 public:
  PiecewiseBody(std::string content, std::size_t piece) : content_(std::move(content)), piece_(piece) {}
  std::uint64_t size() const override { return content_.size(); }
  bool replayable() const override { return true; }
  Task<> rewind(OpContext&) override {
    at_ = 0;
    co_return;
  }
  Task<std::span<const std::byte>> next(OpContext&) override {
    const std::string_view piece = std::string_view(content_).substr(at_, piece_);
    at_ += piece.size();
    co_return as_bytes(piece);
  }

 private:
  std::string content_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

// A listing, gathered; keys without the instance's prefix.
struct Listing {
  std::vector<std::string> keys;
  std::vector<std::string> common_prefixes;
  std::vector<std::uint64_t> sizes;
  std::size_t pages = 0;
  std::size_t failures = 0;
};

// Drives a store from plain code: each call runs the event loop until the operation has ended.
class Conformance : public testing::TestWithParam<StoreUnderTest> {
 protected:
  Conformance();
  ~Conformance() override;

  store::Store& store() { return *instance_.store; }
  const store::Capabilities& can() { return store().capabilities(); }
  std::string full(std::string_view key) const { return instance_.prefix + std::string(key); }
  OpContext& context() { return context_; }
  Runtime& runtime() { return runtime_; }

  // All take keys without the prefix.
  store::Written write(std::string_view key, std::string_view content, store::WriteOptions options = {});
  std::optional<store::Details> stat(std::string_view key, store::ReadOptions options = {});
  std::string read(std::string_view key, store::ReadOptions options = {});
  Listing list(store::ListRequest request = {});
  std::vector<store::RemoveResult> remove(std::vector<std::string> keys);
  store::Pin pin_of(std::string_view key);

  // The class of the error that action throws; fails the test if it throws none.
  template <class Action>
  ErrorClass error_of(Action action) {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_FALSE(error.operation().empty()) << error.what();
      EXPECT_FALSE(error.subject().empty()) << error.what();
      return error.error_class();
    }
    ADD_FAILURE() << "nothing was thrown";
    return ErrorClass::internal;
  }

 private:
  Runtime runtime_;
  OpContext context_;
  StoreInstance instance_;
};

// `size` bytes that look random and differ by seed.
std::string some_content(std::size_t size, std::uint64_t seed = 1);

// Adds a key to a set unless a tree of files could not hold both it and what is there (`a` beside `a/b`).
void add_as_file(std::set<std::string>& keys, std::string key);

}  // namespace haul::testing_support

#include "stores/memory/memory_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/conformance.h"

namespace haul::testing_support {
namespace {

StoreUnderTest memory_under_test(std::string name, memory::MemoryOptions options) {
  StoreUnderTest under_test;
  under_test.name = std::move(name);
  under_test.make = [options] { return StoreInstance{std::make_shared<memory::MemoryStore>(options), ""}; };
  under_test.holds = [](std::string_view key) { return !key.empty(); };
  return under_test;
}

memory::MemoryOptions poor() {
  memory::MemoryOptions options;
  options.capabilities = {};
  options.read_chunk = 1000;
  return options;
}

memory::MemoryOptions versioned() {
  memory::MemoryOptions options;
  options.capabilities.versions = true;
  return options;
}

INSTANTIATE_TEST_SUITE_P(Memory, Conformance,
                         testing::Values(memory_under_test("full", {}), memory_under_test("poor", poor()),
                                         memory_under_test("versioned", versioned())),
                         conformance_name);

}  // namespace
}  // namespace haul::testing_support

namespace haul::memory {
namespace {

using testing::ElementsAre;

class MemoryStoreTest : public testing::Test {
 protected:
  Runtime runtime_{system_env(), null_logger(), {.shards = 1, .blocking_threads = 1}};
  OpContext context_ = runtime_.context();

  store::ListPage all_versions(MemoryStore& store) {
    store::ListRequest request;
    request.all_versions = true;
    return runtime_.run_for(store.list(request)->next(context_));
  }
};

TEST_F(MemoryStoreTest, KeepsOldVersionsAndMarksDeletions) {
  MemoryOptions options;
  options.capabilities.versions = true;
  MemoryStore store(options);
  store.put("k", "one");
  store.put("k", "two");
  const store::RemoveItem item{"k", ""};
  runtime_.run_for(store.remove(std::span(&item, 1), context_));
  EXPECT_FALSE(store.content("k"));
  EXPECT_THAT(store.keys(), testing::IsEmpty());
  const auto page = all_versions(store);
  ASSERT_EQ(page.entries.size(), 3U);
  EXPECT_EQ(page.entries[0].kind, store::EntryKind::delete_marker);
  EXPECT_TRUE(page.entries[0].latest);
  EXPECT_FALSE(page.entries[1].latest);
  store::ReadOptions of_first;
  of_first.pin.version = std::string(page.entries[2].version);
  EXPECT_EQ(runtime_.run_for(store.stat("k", of_first, context_))->size, 3U);
  const store::RemoveItem marker{"k", page.entries[0].version};
  runtime_.run_for(store.remove(std::span(&marker, 1), context_));
  EXPECT_EQ(store.content("k"), "two");
}

TEST_F(MemoryStoreTest, CopiesBetweenStoresOfOneServiceOnly) {
  MemoryStore a({.name = "a"}), b({.name = "b"}), elsewhere({.name = "c", .service = "other"});
  a.put("k", "content");
  EXPECT_TRUE(b.can_copy_from(a));
  EXPECT_FALSE(elsewhere.can_copy_from(a));
  runtime_.run_for(b.copy_from(a, "k", "to", {}, context_));
  EXPECT_EQ(b.content("to"), "content");
}

TEST_F(MemoryStoreTest, EnforcesTheLimitsItClaims) {
  MemoryOptions options;
  options.capabilities.max_single_write = 4;
  options.capabilities.max_remove = 1;
  MemoryStore store(options);
  MemoryBody body(as_bytes("12345"));
  EXPECT_THROW(runtime_.run_for(store.write("k", body, {}, context_)), Error);
  const store::RemoveItem items[2] = {{"a", ""}, {"b", ""}};
  EXPECT_THROW(runtime_.run_for(store.remove(items, context_)), Error);
}

TEST_F(MemoryStoreTest, AnUploadHasTheEtagThatS3WouldGiveAndIsCountedWhileItIsOpen) {
  MemoryStore store;
  const auto upload = runtime_.run_for(store.begin_upload("k", {}, context_));
  EXPECT_EQ(store.pending_uploads(), 1U);
  MemoryBody part(as_bytes("content"));
  runtime_.run_for(upload->write_part(1, 0, part, context_));
  const auto written = runtime_.run_for(
      upload->complete(checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("content")), context_));
  EXPECT_TRUE(written.etag.ends_with("-1"));
  EXPECT_EQ(written.etag.size(), 34U);
  EXPECT_EQ(store.pending_uploads(), 0U);
}

}  // namespace
}  // namespace haul::memory

#include "job/item_facts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "runtime/shard.h"
#include "stores/memory/memory_store.h"

namespace haul::job {
namespace {

struct ItemFactsTest : testing::Test {
  ItemFactsTest() : runtime(system_env(), null_logger(), {.shards = 1}) {
    source = std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "source"});
    job.sources.push_back({.store = source, .text = "source", .prefix = "in/", .strip = "in/"});
  }

  static std::string key_of(int i) { return fmt::format("in/{:06}", i); }
  void put(int count) {
    for (int i = 0; i < count; ++i)
      source->put(key_of(i), std::string(static_cast<std::size_t>(i % 7), 'x'));
  }
  void ask(int key, std::string_view version = {}) {
    Item item;
    item.key = chunk.text.store(key_of(key));
    item.version = version;
    item.facts_known = false;
    chunk.items.push_back(item);
  }
  std::size_t known() const {
    return static_cast<std::size_t>(std::ranges::count_if(chunk.items, &Item::facts_known));
  }
  void learn() {
    OpContext context = runtime.context();
    runtime.run(learn_facts(job, chunk, context));
  }

  Runtime runtime;
  std::shared_ptr<memory::MemoryStore> source;
  Job job;
  Chunk chunk;
};

TEST_F(ItemFactsTest, objects_that_lie_close_are_known_from_a_listing) {
  put(3000);
  for (int i = 2999; i >= 500; --i)  // in another order than the listing's
    ask(i);
  learn();
  EXPECT_EQ(known(), 2500U);
  for (const Item& item : chunk.items) {
    EXPECT_EQ(item.size, static_cast<std::uint64_t>(std::stoi(std::string(item.key.substr(3))) % 7));
    EXPECT_FALSE(item.etag.empty());
  }
}

TEST_F(ItemFactsTest, what_is_not_listed_stays_unknown) {
  put(500);
  for (int i = 400; i < 700; ++i)
    ask(i);
  ask(10, "a-version");
  learn();
  EXPECT_EQ(known(), 100U);
}

TEST_F(ItemFactsTest, scattered_objects_are_not_searched_through_the_whole_listing) {
  put(50'000);
  for (int i = 0; i < 50'000; i += 400)
    ask(i);
  learn();
  EXPECT_LT(known(), 20U);
  EXPECT_GT(known(), 0U);
}

TEST_F(ItemFactsTest, a_few_objects_are_not_worth_a_listing) {
  put(50);
  for (int i = 0; i < 50; ++i)
    ask(i);
  learn();
  EXPECT_EQ(known(), 0U);
}

}  // namespace
}  // namespace haul::job

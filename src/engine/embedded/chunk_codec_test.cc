#include "engine/embedded/chunk_codec.h"

#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace haul::engine {
namespace {

using job::Item;

std::string encoded(const std::vector<Item>& items) {
  std::string out;
  append_items(out, items);
  return out;
}

void expect_same(const Item& a, const Item& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.destination_key, b.destination_key);
  EXPECT_EQ(a.etag, b.etag);
  EXPECT_EQ(a.version, b.version);
  EXPECT_EQ(a.storage_class, b.storage_class);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.row, b.row);
  EXPECT_EQ(a.size, b.size);
  EXPECT_EQ(a.destination_size, b.destination_size);
  EXPECT_EQ(a.modified, b.modified);
  EXPECT_EQ(a.changed, b.changed);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.action, b.action);
  EXPECT_EQ(a.facts_known, b.facts_known);
  EXPECT_EQ(a.kind, b.kind);
}

void expect_round_trip(const std::vector<Item>& items) {
  job::Chunk chunk;
  read_items(encoded(items), chunk);
  ASSERT_EQ(chunk.items.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i)
    expect_same(items[i], chunk.items[i]);
}

Time at_nanosecond(std::int64_t count) {
  return Time(Duration(count));
}

TEST(ChunkCodec, no_items_stay_no_items) {
  expect_round_trip({});
}

TEST(ChunkCodec, every_field_comes_back) {
  Item item;
  item.key = "image/a.jpg";
  item.destination_key = "avatar/a.jpg";
  item.etag = "9a0364b9e99bb480dd25e1f0284c8555-12";
  item.version = "3/L4kqtJlcpXroDTDmpUMLUo";
  item.storage_class = "STANDARD_IA";
  item.reason = "sizes differ";
  item.row = std::string_view("\0row\xff", 5);
  item.size = ~std::uint64_t{0};
  item.destination_size = 17;
  item.modified = at_nanosecond(1'700'000'000'123'456'789);
  item.changed = at_nanosecond(1'700'000'001'000'000'000);
  item.source = 65535;
  item.action = job::Action::revert;
  item.facts_known = false;
  item.kind = store::EntryKind::delete_marker;
  expect_round_trip({item, Item{}, item});
}

TEST(ChunkCodec, etags_that_only_look_like_hashes_come_back_as_they_are) {
  std::vector<Item> items;
  for (const char* etag : {"9A0364B9E99BB480DD25E1F0284C8555", "9a0364b9e99bb480dd25e1f0284c855", "0x8DC0",
                           "9a0364b9e99bb480dd25e1f0284c8555-", "9a0364b9e99bb480dd25e1f0284c8555-0",
                           "9a0364b9e99bb480dd25e1f0284c8555-01", "9a0364b9e99bb480dd25e1f0284c8555-1x",
                           "9a0364b9e99bb480dd25e1f0284c8555-1000000", "9a0364b9e99bb480dd25e1f0284c85555"})
    items.emplace_back().etag = etag;
  expect_round_trip(items);
}

TEST(ChunkCodec, times_come_back_from_both_ends_of_what_there_is) {
  std::vector<Item> items;
  for (const std::int64_t count :
       {INT64_MIN, INT64_MAX, std::int64_t{0}, INT64_MAX, INT64_MIN, std::int64_t{-1}}) {
    items.emplace_back().modified = at_nanosecond(count);
    items.back().changed = at_nanosecond(~count);
  }
  expect_round_trip(items);
}

TEST(ChunkCodec, whatever_bytes_keys_are_of_they_come_back) {
  std::mt19937 random(7);
  const auto text = [&random] {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes)
      byte = static_cast<char>(random() % 3 == 0 ? random() : 'a');
    return bytes;
  };
  for (int round = 0; round < 200; ++round) {
    TextArena arena;
    std::vector<Item> items(random() % 20);
    for (Item& item : items) {
      item.key = arena.store(text());
      if (random() % 2 == 0) item.destination_key = arena.store(text());
      item.version = arena.store(text());
      item.reason = arena.store(text());
      item.row = arena.store(text());
      item.size = random() >> random() % 32;
      item.modified = at_nanosecond(static_cast<std::int64_t>(random()) * 1'000'000'000);
      item.changed = random() % 2 == 0 ? item.modified : Time{};
    }
    expect_round_trip(items);
  }
}

TEST(ChunkCodec, a_renamed_listing_costs_little_more_than_its_hashes) {
  TextArena arena;
  std::vector<Item> items(1000);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string name = "collection/2024/" + std::to_string(100'000 + i) + ".jpg";
    items[i].key = arena.store("image/", name);
    items[i].destination_key = arena.store("avatar/", name);
    items[i].etag = "9a0364b9e99bb480dd25e1f0284c8555";
    items[i].size = 70'000 + i;
    items[i].modified = items[i].changed = Time(std::chrono::seconds(1'700'000'000 + i * 7));
  }
  EXPECT_LT(encoded(items).size(), 48 * items.size());
}

TEST(ChunkCodec, what_was_cut_or_changed_is_refused_or_read_as_something_and_never_crashes) {
  TextArena arena;
  std::vector<Item> items;
  for (int i = 0; i < 20; ++i) {
    items.emplace_back().key = arena.store("key ", std::to_string(i));
    items.back().destination_key = arena.store("to ", std::to_string(i));
    items.back().etag = "9a0364b9e99bb480dd25e1f0284c8555-3";
    items.back().reason = "new";
  }
  const std::string whole = encoded(items);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    job::Chunk chunk;
    EXPECT_THROW(read_items(std::string_view(whole).substr(0, size), chunk), Error);
  }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const char change : {'\x01', '\x80', '\xff'}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(broken[at] ^ change);
      job::Chunk chunk;
      try {
        read_items(broken, chunk);
      } catch (const Error& error) {
        EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
      }
    }
}

}  // namespace
}  // namespace haul::engine

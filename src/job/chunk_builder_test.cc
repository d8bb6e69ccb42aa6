#include "job/chunk_builder.h"

#include <gtest/gtest.h>

#include "job/discovery_place.h"

namespace haul::job {
namespace {

using namespace std::chrono_literals;

Options bounds(std::uint32_t objects, std::uint64_t bytes) {
  Options options;
  options.chunk_objects = objects;
  options.chunk_bytes = bytes;
  return options;
}

TEST(ChunkPace, MakesChunksThatTakeSomeTwentySeconds) {
  ChunkPace pace(bounds(100'000, 1ULL << 40));
  for (int i = 0; i < 30; ++i)
    pace.measured(500, 1s);
  EXPECT_NEAR(static_cast<double>(pace.objects()), 10'000, 100);
}

TEST(ChunkPace, StaysWithinAHundredObjectsAndWhatTheJobSays) {
  ChunkPace pace(bounds(5000, 1ULL << 30));
  EXPECT_EQ(pace.objects(), 1000U);
  for (int i = 0; i < 30; ++i)
    pace.measured(1000, 1ms);
  EXPECT_EQ(pace.objects(), 5000U);
  for (int i = 0; i < 30; ++i)
    pace.measured(100, 1h);
  EXPECT_EQ(pace.objects(), 100U);
  EXPECT_EQ(pace.bytes(), 1ULL << 30);
  EXPECT_EQ(ChunkPace(bounds(7, 10)).objects(), 7U);
}

TEST(ChunkBuilder, FillsChunksByObjectsOrBytes) {
  const ChunkPace pace(bounds(3, 100));
  ChunkBuilder builder(pace, true);
  for (const std::uint64_t size : {1U, 1U, 1U, 100U, 5U}) {
    Item item;
    item.key = builder.text().store("key");
    item.size = size;
    builder.add(item);
  }
  EXPECT_TRUE(builder.has_full());
  std::vector<Chunk> chunks;
  builder.take_full(chunks);
  ASSERT_EQ(chunks.size(), 2U);
  builder.take_all(chunks);
  ASSERT_EQ(chunks.size(), 3U);
  EXPECT_EQ(chunks[0].items.size(), 3U);
  EXPECT_EQ(chunks[1].bytes, 100U);
  EXPECT_EQ(chunks[2].items.front().key, "key");
  EXPECT_TRUE(chunks[2].extras);
  EXPECT_TRUE(builder.empty());
}

TEST(ChunkBuilder, SaysWhenTheNextPageWouldLeaveASmallChunk) {
  const ChunkPace pace(bounds(10, 1000));
  ChunkBuilder builder(pace, false);
  for (int i = 0; i < 7; ++i)
    builder.add({});
  EXPECT_FALSE(builder.nearly_full());
  builder.add({});
  EXPECT_TRUE(builder.nearly_full());
  EXPECT_FALSE(builder.has_full());
}

TEST(DiscoveryPlace, IsReadBackFromItsText) {
  for (const DiscoveryPlace& place :
       {DiscoveryPlace{.source = 3}, DiscoveryPlace{.source = 1, .stream = "{\"any\": \"text of a stream\"}"},
        DiscoveryPlace{.source = 0, .stream = ""},
        DiscoveryPlace{.source = 0, .pair = "a key\nof\xff any bytes"},
        DiscoveryPlace{.source = 0, .pair = "k", .skipped = {"", "a b", "c/%"}}}) {
    const std::string text = place.to_text();
    EXPECT_EQ(text.find('\n'), std::string::npos);
    const DiscoveryPlace again = DiscoveryPlace::parse(text);
    EXPECT_EQ(again.source, place.source);
    EXPECT_EQ(again.stream, place.stream);
    EXPECT_EQ(again.pair, place.pair);
    EXPECT_EQ(again.skipped, place.skipped);
  }
}

TEST(DiscoveryPlace, RefusesOtherTexts) {
  for (const char* text : {"", "x", "0 pair %zz", "0list", "0 walk a", "70000", "-1"})
    EXPECT_THROW(DiscoveryPlace::parse(text), Error) << text;
}

}  // namespace
}  // namespace haul::job

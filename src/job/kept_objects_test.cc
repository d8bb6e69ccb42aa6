// What a move with keep-source leaves behind, and the two ways on from there: the sources go, or the copies.
#include "job/kept_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "job/recorded_world_test.h"

namespace haul::job {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(KeptFacts, come_back_as_they_were) {
  const std::string packed = pack_kept({.destination_key = std::string_view("out/\0;5:x", 10),
                                        .written_etag = "e",
                                        .written_version = "",
                                        .checksum = "crc32c:4waSgw==",
                                        .row = "[1]",
                                        .moved = Time(std::chrono::seconds(7))});
  const auto facts = unpack_kept(packed);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->destination_key, std::string_view("out/\0;5:x", 10));
  EXPECT_EQ(facts->checksum, "crc32c:4waSgw==");
  EXPECT_EQ(facts->row, "[1]");
  EXPECT_EQ(facts->moved, Time(std::chrono::seconds(7)));
  EXPECT_FALSE(unpack_kept(packed + "x"));
  EXPECT_FALSE(unpack_kept(""));
  for (std::size_t length = 0; length < packed.size(); ++length)
    EXPECT_FALSE(unpack_kept(std::string_view(packed).substr(0, length)));
}

// After a move of a, b and c that has kept its sources.
struct KeptTest : testing::Test, RecordedWorld {
  KeptTest() {
    for (const char* name : {"a", "b", "c"}) {
      source->inner.put(std::string("in/") + name, std::string("content of ") + name);
      catalog->paths[static_cast<std::int64_t>(catalog->paths.size())] = std::string("in/") + name;
    }
    follow_by_key();
    job.options.keep_source = std::chrono::hours(1);
    engine.put(chunk_of({"a", "b", "c"}));
    work();
    std::filesystem::create_directories(directory);
    write_segment("ledger-00001.jsonl", engine.lines);
    trace.events.clear();
    engine.recorded = {};
    engine.failures.clear();
    job.options.keep_source.reset();
    trace.after_each = [this] {
      for (const auto& [id, path] : catalog->paths)
        EXPECT_TRUE(source->inner.content(path) || destination->inner.content(path))
            << path << " is named and not there, after: " << trace.events.back();
    };
  }
  ~KeptTest() override { std::filesystem::remove_all(directory); }

  void write_segment(const std::string& name, const std::string& lines) const {
    std::ofstream(directory + "/" + name, std::ios::binary) << lines;
  }
  std::vector<std::string> keys_of(KeptStream& stream) {
    std::vector<std::string> keys;
    while (const auto page = world.run_for(stream.next(context)))
      for (const store::Entry& entry : page->entries)
        keys.emplace_back(entry.key);
    return keys;
  }
  // As discovery makes items of what the stream gives.
  Chunk chunk_of_kept(Action action) {
    KeptStream stream({.directory = directory, .source = 0, .moved_before = {}});
    const auto page = world.run_for(stream.next(context));
    Chunk chunk;
    for (const store::Entry& entry : page->entries) {
      Item& item = chunk.items.emplace_back();
      item.key = chunk.text.store(entry.key);
      item.etag = chunk.text.store(entry.etag);
      item.version = chunk.text.store(entry.version);
      item.row = chunk.text.store(entry.row);
      item.size = entry.size;
      item.modified = entry.modified;
      item.action = action;
    }
    return chunk;
  }
  void put_all(Operation operation, Action action) {
    job.operation = operation;
    if (action == Action::remove_kept) job.catalogue.reset();
    engine.put(chunk_of_kept(action));
  }

  const std::string directory =
      testing::TempDir() + "kept_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(KeptTest, the_ledger_gives_the_sources_as_they_were_copied) {
  KeptStream stream({.directory = directory, .source = 0, .moved_before = {}});
  const auto page = world.run_for(stream.next(context));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->entries.size(), 3U);
  const store::Entry& entry = page->entries[0];
  const auto details = world.run_for(source->inner.stat("in/a", store::ReadOptions(), context));
  EXPECT_EQ(entry.key, "in/a");
  EXPECT_EQ(entry.etag, details->etag);
  EXPECT_EQ(entry.size, details->size);
  EXPECT_EQ(entry.modified, details->modified);
  const auto facts = unpack_kept(entry.row);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->destination_key, "out/a");
  EXPECT_EQ(facts->row, "[0,\"in/a\"]");
}

TEST_F(KeptTest, a_ledger_of_several_segments_is_gone_on_with_at_a_place) {
  write_segment("ledger-00001.jsonl", engine.lines + "{\"outcome\":\"moved\",\"key\":\"in/gone\"}\n");
  write_segment(
      "ledger-00002.jsonl",
      "{\"outcome\":\"moved\",\"key\":{\"hex\":\"696e2fff\"},\"destination_key\":\"out/x\",\"size\":1,"
      "\"source_kept\":true}\n");
  KeptStream stream({.directory = directory, .source = 0, .moved_before = {}});
  const auto start = stream.place();
  EXPECT_THAT(keys_of(stream), ElementsAre("in/a", "in/b", "in/c", "in/\xff"));
  stream.go_on_at(*start);
  EXPECT_EQ(keys_of(stream).size(), 4U);
  stream.go_on_at("1:0");
  EXPECT_THAT(keys_of(stream), ElementsAre("in/\xff"));
  EXPECT_THROW(stream.go_on_at("nowhere"), Error);
}

TEST_F(KeptTest, only_those_whose_time_has_come_are_given_and_only_of_one_source) {
  KeptListing listing{.directory = directory, .source = 0, .moved_before = world.env().wall_now()};
  KeptStream too_early(listing);
  EXPECT_THAT(keys_of(too_early), IsEmpty());
  listing.moved_before = world.env().wall_now() + std::chrono::seconds(1);
  KeptStream in_time(listing);
  EXPECT_EQ(keys_of(in_time).size(), 3U);
  listing.source = 1;
  KeptStream of_another(listing);
  EXPECT_THAT(keys_of(of_another), IsEmpty());
}

TEST_F(KeptTest, a_ledger_that_is_none_is_refused) {
  write_segment("ledger-00001.jsonl", "\"source_kept\":true\n");
  KeptStream stream({.directory = directory, .source = 0, .moved_before = {}});
  EXPECT_THROW(keys_of(stream), Error);
  KeptStream nowhere({.directory = directory + "/nowhere", .source = 0, .moved_before = {}});
  EXPECT_THROW(keys_of(nowhere), Error);
}

TEST_F(KeptTest, sources_go_when_their_time_has_come) {
  put_all(Operation::remove_kept, Action::remove_kept);
  work();
  EXPECT_THAT(trace.events, ElementsAre("remove in/a in/b in/c", "record"));
  EXPECT_EQ(engine.recorded.deleted, 3U);
}

TEST_F(KeptTest, the_last_copy_is_never_removed) {
  put_all(Operation::remove_kept, Action::remove_kept);
  const store::RemoveItem gone{.key = "out/a"};
  world.run_for(destination->inner.remove({&gone, 1}, context));
  destination->inner.put("out/b", "overwritten since");
  catalog->paths.clear();
  work();
  EXPECT_THAT(trace.events, ElementsAre("remove in/c", "record"));
  EXPECT_EQ(engine.recorded.failed, 2U);
  EXPECT_THAT(source->inner.keys(), ElementsAre("in/a", "in/b"));
}

TEST_F(KeptTest, a_copy_without_etag_that_is_younger_than_the_move_is_another) {
  engine.lines.erase(0, engine.lines.find('\n') + 1);  // b and c alone
  for (std::size_t at = 0; (at = engine.lines.find("\"written_etag\":")) != std::string::npos;)
    engine.lines.erase(at, engine.lines.find(',', at) + 1 - at);
  write_segment("ledger-00001.jsonl", engine.lines);
  put_all(Operation::remove_kept, Action::remove_kept);
  const Time now = world.env().wall_now();
  destination->inner.put("out/b", "CONTENT of b", {}, now + std::chrono::minutes(1));
  work();
  EXPECT_THAT(trace.events, ElementsAre("remove in/c", "record"));
  EXPECT_EQ(engine.recorded.failed, 1U);
}

TEST_F(KeptTest, a_kept_source_that_was_written_since_stays) {
  put_all(Operation::remove_kept, Action::remove_kept);
  source->inner.put("in/a", "written since");
  source->compares = false;
  work();
  EXPECT_EQ(source->inner.content("in/a"), "written since");
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_EQ(engine.recorded.deleted, 2U);
}

TEST_F(KeptTest, a_copy_that_cannot_be_looked_at_now_is_looked_at_later) {
  put_all(Operation::remove_kept, Action::remove_kept);
  destination->fails.insert({"out/a", Error(ErrorClass::unavailable, "busy")});
  const ChunkReport report = work_one(chunk_of_kept(Action::remove_kept));
  ASSERT_EQ(report.rest.size(), 1U);
  ASSERT_EQ(report.rest.front().items.size(), 1U);
  EXPECT_EQ(report.rest.front().stage, Stage::begin);
  EXPECT_TRUE(unpack_kept(report.rest.front().items[0].row)) << "and still knows what it is to look at";
}

TEST_F(KeptTest, undo_names_the_sources_again_before_the_copies_go) {
  put_all(Operation::revert, Action::revert);
  work();
  EXPECT_THAT(trace.events,
              ElementsAre("commit in/a in/b in/c", "stage catalogued", "remove out/a out/b out/c", "record"));
  EXPECT_EQ(engine.recorded.reverted, 3U);
  EXPECT_EQ(engine.recorded.rows_updated, 3U);
  EXPECT_THAT(destination->inner.keys(), IsEmpty());
  EXPECT_EQ(catalog->paths[1], "in/b");
}

TEST_F(KeptTest, undo_ends_the_same_when_killed_before_any_of_its_side_effects) {
  for (std::size_t at = 0; at < 4; ++at) {
    SCOPED_TRACE(at);
    for (auto& [id, path] : catalog->paths)
      path.replace(0, path.find('/'), "out");
    for (const char* name : {"a", "b", "c"})
      destination->inner.put(std::string("out/") + name, std::string("content of ") + name);
    engine.recorded = {};
    trace.events.clear();
    put_all(Operation::revert, Action::revert);
    trace.die_at = at;
    work_through_death();
    EXPECT_EQ(engine.recorded.reverted, 3U);
    EXPECT_THAT(destination->inner.keys(), IsEmpty());
    EXPECT_EQ(catalog->paths[2], "in/c");
  }
}

TEST_F(KeptTest, undo_touches_neither_row_nor_copy_of_a_source_that_is_gone_or_changed) {
  put_all(Operation::revert, Action::revert);
  const store::RemoveItem gone{.key = "in/a"};
  world.run_for(source->inner.remove({&gone, 1}, context));
  source->inner.put("in/b", "written since");
  work();
  EXPECT_THAT(trace.events, Contains("commit in/c"));
  EXPECT_EQ(engine.recorded.failed, 2U);
  EXPECT_EQ(engine.recorded.reverted, 1U);
  EXPECT_THAT(destination->inner.keys(), ElementsAre("out/a", "out/b"));
  EXPECT_EQ(catalog->paths[0], "out/a");
}

TEST_F(KeptTest, undo_leaves_a_copy_that_was_written_to_since) {
  put_all(Operation::revert, Action::revert);
  destination->inner.put("out/a", "written since");
  work();
  EXPECT_EQ(destination->inner.content("out/a"), "written since");
  EXPECT_EQ(engine.recorded.reverted, 3U);
  EXPECT_EQ(catalog->paths[0], "in/a");
  EXPECT_THAT(engine.lines, HasSubstr("and stays"));
}

TEST_F(KeptTest, undo_keeps_a_copy_whose_source_went_after_the_catalogue_was_told) {
  put_all(Operation::revert, Action::revert);
  trace.after_each = [this] {
    if (!trace.events.back().starts_with("commit")) return;
    source->inner.put("in/a", "");
  };
  work();
  EXPECT_TRUE(destination->inner.content("out/a"));
  EXPECT_EQ(engine.recorded.failed, 1U);
}

TEST_F(KeptTest, items_that_come_from_no_ledger_fail) {
  job.operation = Operation::revert;
  engine.put(chunk_of({"a"}, Action::revert));
  work();
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_TRUE(destination->inner.content("out/a"));
}

}  // namespace
}  // namespace haul::job

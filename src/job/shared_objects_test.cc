// Objects that several rows of the catalogue name: their source goes with the last of these rows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/kept_objects.h"
#include "job/recorded_world_test.h"

namespace haul::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct SharedWorld : RecordedWorld {
  SharedWorld() {
    follow_by("UPDATE files SET path = :destination_key WHERE id = :id");
    job.catalogue->naming =
        catalog::Selection{.query = "SELECT id, path FROM files", .cursor = "id", .key = "path"};
    for (const char* name : {"shared", "own"})
      source->inner.put(std::string("in/") + name, std::string("content of ") + name);
    catalog->paths = {{1, "in/shared"}, {2, "in/own"}, {3, "in/shared"}};
    trace.after_each = [this] {
      for (const auto& [id, path] : catalog->paths)
        EXPECT_TRUE(source->inner.content(path) || destination->inner.content(path))
            << "row " << id << " names " << path << ", which is not there, after: " << trace.events.back();
    };
  }
  // Of the rows with these ids.
  Chunk chunk_of_rows(const std::vector<std::int64_t>& ids) {
    std::vector<std::string> names;
    for (const std::int64_t id : ids)
      names.push_back(catalog->paths.at(id).substr(3));
    Chunk chunk = chunk_of(names);
    for (std::size_t i = 0; i < ids.size(); ++i)
      chunk.items[i].row = chunk.text.store(catalog::encode_row({ids[i], catalog->paths.at(ids[i])}));
    return chunk;
  }
  void expect_all_moved() const {
    EXPECT_THAT(source->inner.keys(), IsEmpty());
    EXPECT_THAT(destination->inner.keys(), ElementsAre("out/own", "out/shared"));
    EXPECT_EQ(catalog->paths,
              (std::map<std::int64_t, std::string>{{1, "out/shared"}, {2, "out/own"}, {3, "out/shared"}}));
    EXPECT_EQ(engine.recorded.rows_updated, 3U);
    EXPECT_EQ(engine.recorded.failed, 0U);
  }
};

struct TwoChunks : SharedWorld {
  TwoChunks() {
    engine.put(chunk_of_rows({1, 2}));
    engine.put(chunk_of_rows({3}));
  }
};

TEST(SharedObjects, stay_until_the_chunk_of_the_last_row_that_names_them) {
  TwoChunks world;
  world.work();
  world.expect_all_moved();
  EXPECT_THAT(
      world.trace.events,
      ElementsAre("write out/shared", "write out/own", "durable", "stage copied", "commit out/shared out/own",
                  "stage catalogued", "remove in/own", "record", "write out/shared", "durable",
                  "stage copied", "commit out/shared", "stage catalogued", "remove in/shared", "record"));
  EXPECT_EQ(world.engine.recorded.copied, 1U);
  EXPECT_EQ(world.engine.recorded.moved, 2U);
  EXPECT_THAT(world.engine.lines, HasSubstr("another row names the object, so the source stays"));
}

TEST(SharedObjects, stay_whenever_the_process_is_killed) {
  TwoChunks undisturbed;
  undisturbed.work();
  for (std::size_t at = 0; at < undisturbed.trace.events.size(); ++at) {
    SCOPED_TRACE("killed before side effect " + std::to_string(at));
    TwoChunks world;
    world.trace.die_at = at;
    world.work_through_death();
    world.expect_all_moved();
  }
}

TEST(SharedObjects, of_rows_of_one_chunk_go_with_it) {
  SharedWorld world;
  world.engine.put(world.chunk_of_rows({1, 2, 3}));
  world.work();
  world.expect_all_moved();
  EXPECT_EQ(world.engine.recorded.moved, 3U);
}

TEST(SharedObjects, stay_for_a_row_of_the_same_chunk_that_is_not_updated) {
  SharedWorld world;
  Chunk chunk = world.chunk_of_rows({1, 3});
  chunk.items[1].destination_key = chunk.text.store("out/refused");
  world.catalog->refused = {"out/refused"};
  world.engine.put(std::move(chunk));
  world.work();
  EXPECT_EQ(world.catalog->paths[1], "out/shared");
  EXPECT_EQ(world.catalog->paths[3], "in/shared");
  EXPECT_TRUE(world.source->inner.content("in/shared"));
  EXPECT_EQ(world.engine.recorded.copied, 1U);
  EXPECT_EQ(world.engine.recorded.failed, 1U);
}

TEST(SharedObjects, stay_for_a_row_that_the_statement_did_not_match) {
  SharedWorld world;
  world.job.catalogue->unmatched_fails = false;
  Chunk chunk = world.chunk_of_rows({1});
  chunk.items[0].row = chunk.text.store(catalog::encode_row({std::int64_t{7}, std::string("in/shared")}));
  world.engine.put(std::move(chunk));
  world.work();
  EXPECT_EQ(world.engine.recorded.copied, 1U);
  EXPECT_TRUE(world.source->inner.content("in/shared"));
}

TEST(SharedObjects, are_asked_about_again_where_the_catalogue_was_away) {
  SharedWorld world;
  world.engine.put(world.chunk_of_rows({1, 2, 3}));
  world.trace.after_each = [&world] {
    if (world.trace.events.back() == "stage catalogued") world.catalog->away = 1;
  };
  world.work();
  world.expect_all_moved();
  EXPECT_EQ(world.engine.recorded.retried, 3U);
}

struct KeptShared : SharedWorld {
  KeptShared() {
    job.operation = Operation::remove_kept;
    destination->inner.put("out/shared", "content of shared");
  }
  // The source of row 1, as the ledger of its move has it.
  void remove_kept_source() {
    const auto copy = world.run_for(destination->inner.stat("out/shared", store::ReadOptions(), context));
    Chunk chunk = chunk_of({"shared"});
    Item& item = chunk.items[0];
    item.action = Action::remove_kept;
    item.row =
        chunk.text.store(pack_kept({.destination_key = "out/shared",
                                    .written_etag = copy->etag,
                                    .written_version = {},
                                    .checksum = {},
                                    .row = catalog::encode_row({std::int64_t{1}, std::string("in/shared")}),
                                    .moved = copy->modified}));
    engine.put(std::move(chunk));
    work();
  }
};

TEST(SharedObjects, that_were_kept_stay_as_long_as_a_row_names_them_be_it_their_own) {
  for (const std::int64_t other : {1, 3}) {
    SCOPED_TRACE("all but row " + std::to_string(other) + " name it");
    KeptShared world;
    world.catalog->paths[other] = "out/shared";
    world.remove_kept_source();
    EXPECT_EQ(world.engine.recorded.skipped, 1U);
    EXPECT_TRUE(world.source->inner.content("in/shared"));
    EXPECT_THAT(world.engine.lines, HasSubstr("a row names the object, so the source stays"));
  }
}

TEST(SharedObjects, that_were_kept_go_when_no_row_names_them) {
  KeptShared world;
  world.catalog->paths[1] = world.catalog->paths[3] = "out/shared";
  world.remove_kept_source();
  EXPECT_EQ(world.engine.recorded.deleted, 1U);
  EXPECT_FALSE(world.source->inner.content("in/shared"));
}

TEST(SharedObjects, that_were_kept_stay_when_the_selection_was_edited_since) {
  KeptShared world;
  world.catalog->paths[1] = world.catalog->paths[3] = "out/shared";
  world.job.catalogue->columns = {"path", "id"};
  world.remove_kept_source();
  EXPECT_TRUE(world.source->inner.content("in/shared"));
  ASSERT_EQ(world.engine.failures.size(), 1U);
  EXPECT_THAT(world.engine.failures[0].error->what(), HasSubstr("not as select.query gives rows now"));
}

}  // namespace
}  // namespace haul::job

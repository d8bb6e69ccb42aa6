// What a worker does in which order, and what is left when it is killed between any two of its steps.
#include "job/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/worker_world_test.h"
#include "listing/manifest.h"

namespace haul::job {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

TEST_F(WorkerTest, removes_sources_only_when_copies_are_durable_recorded_and_named_by_the_catalogue) {
  put_with_row("a");
  put_with_row("b");
  follow_by_key();
  watch_rows();
  run({"a", "b"});
  EXPECT_THAT(trace.events,
              ElementsAre("write out/a", "write out/b", "durable", "stage copied", "commit out/a out/b",
                          "stage catalogued", "remove in/a in/b", "record"));
  EXPECT_EQ(engine.recorded.moved, 2U);
  EXPECT_EQ(engine.recorded.rows_updated, 2U);
  EXPECT_EQ(engine.recorded.verified, 2U);
  EXPECT_EQ(engine.outcomes, 2U);
  EXPECT_THAT(source->inner.keys(), IsEmpty());
}

TEST_F(WorkerTest, leaves_out_by_size_what_was_given_by_its_key_alone) {
  put("a");
  source->inner.put("in/b", "x");
  job.sources[0].keys = listing::open_manifest({.store = {}, .name = "/dev/null", .bucket = {}}, {});
  job.options.filters.min_size = 2;
  Chunk chunk = chunk_of({"a", "b", "c"});
  for (Item& item : chunk.items)
    item.facts_known = false;
  engine.put(std::move(chunk));
  work();
  EXPECT_EQ(engine.recorded.moved, 1U);
  EXPECT_EQ(engine.recorded.skipped, 1U);
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_THAT(source->inner.keys(), ElementsAre("in/b"));
}

TEST_F(WorkerTest, records_no_stage_where_none_follows) {
  put("a");
  job.operation = Operation::copy;
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "record"));
}

TEST_F(WorkerTest, records_that_objects_are_copied_before_their_sources_go_without_a_catalogue_as_well) {
  put("a");
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "durable", "stage copied", "remove in/a", "record"));
}

TEST_F(WorkerTest, updates_the_catalogue_after_a_copy_and_leaves_the_source) {
  put_with_row("a");
  job.operation = Operation::copy;
  follow_by_key();
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "durable", "stage copied", "commit out/a", "record"));
  EXPECT_EQ(engine.recorded.copied, 1U);
}

TEST_F(WorkerTest, asks_the_engine_of_an_ad_hoc_move_for_nothing_but_the_report) {
  put("a");
  engine.is_durable = false;
  job.options.full_report = false;
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "durable", "remove in/a", "record"));
  EXPECT_EQ(engine.outcomes, 0U);
}

TEST_F(WorkerTest, updates_rows_in_batches) {
  for (const char* name : {"a", "b", "c"})
    put_with_row(name);
  follow_by_key();
  job.catalogue->batch = 2;
  run({"a", "b", "c"});
  EXPECT_THAT(trace.events, Contains("commit out/a out/b"));
  EXPECT_THAT(trace.events, Contains("commit out/c"));
}

// A world with all that can be: usual objects, one without row, one moved by an earlier run, one whose object
// is nowhere, one that the server refuses.
struct EveryCase : RecordedWorld {
  EveryCase() {
    for (const char* name : {"a", "b", "no-row", "refused", "c"})
      source->inner.put(std::string("in/") + name, std::string("content of ") + name);
    destination->inner.put("out/moved", "content of moved");
    catalog->paths = {{1, "in/a"}, {2, "in/b"},     {3, "in/refused"},
                      {4, "in/c"}, {5, "in/moved"}, {6, "in/nowhere"}};
    catalog->refused = {"out/refused"};
    follow_by_key();
    engine.put(chunk_of({"a", "no-row", "moved", "refused"}));
    engine.put(chunk_of({"b", "nowhere", "c"}));
    trace.after_each = [this] {
      for (const auto& [id, path] : catalog->paths)
        if (id < 5)
          EXPECT_TRUE(source->inner.content(path) || destination->inner.content(path))
              << path << " is named and not there, after: " << trace.events.back();
    };
  }
  void expect_the_end() const {
    EXPECT_THAT(source->inner.keys(), UnorderedElementsAre("in/no-row", "in/refused"));
    EXPECT_THAT(destination->inner.keys(),
                UnorderedElementsAre("out/a", "out/b", "out/c", "out/moved", "out/no-row", "out/refused"));
    EXPECT_EQ(catalog->paths, (std::map<std::int64_t, std::string>{{1, "out/a"},
                                                                   {2, "out/b"},
                                                                   {3, "in/refused"},
                                                                   {4, "out/c"},
                                                                   {5, "out/moved"},
                                                                   {6, "in/nowhere"}}));
    const Accounts& accounts = engine.recorded;
    EXPECT_EQ(accounts.moved, 3U);
    EXPECT_EQ(accounts.skipped, 1U);
    EXPECT_EQ(accounts.failed, 3U);
    EXPECT_EQ(accounts.rows_updated, 4U);
    EXPECT_EQ(accounts.rows_unmatched, 1U);
    EXPECT_EQ(accounts.verified, 3U);
    EXPECT_EQ(engine.outcomes, 7U);
  }
};

TEST(WorkerCases, each_end_as_they_should) {
  EveryCase world;
  world.work();
  world.expect_the_end();
  EXPECT_THAT(world.engine.lines, HasSubstr("already at the destination"));
  std::map<std::string, std::string> why;
  for (const Outcome& failure : world.engine.failures)
    why[failure.key] = failure.error->message();
  EXPECT_EQ(why["in/no-row"], "no row of the catalogue matched");
  EXPECT_EQ(why["in/refused"], "too long for the column");
  EXPECT_EQ(why["in/nowhere"], "there is no such object");
}

std::size_t side_effects() {
  EveryCase undisturbed;
  undisturbed.work();
  return undisturbed.trace.events.size();
}

TEST(WorkerCases, end_the_same_when_killed_before_any_of_the_side_effects) {
  const std::size_t count = side_effects();
  ASSERT_GT(count, 15U);
  for (std::size_t at = 0; at < count; ++at) {
    SCOPED_TRACE("killed before side effect " + std::to_string(at));
    EveryCase world;
    world.trace.die_at = at;
    world.work_through_death();
    world.expect_the_end();
  }
}

TEST(WorkerCases, end_the_same_when_killed_twice) {
  for (std::size_t at = 0, count = side_effects(); at < count; ++at) {
    for (std::size_t later = 1; later < 12; ++later) {
      SCOPED_TRACE(std::to_string(at) + " and " + std::to_string(later) + " side effects after it");
      EveryCase world;
      world.trace.die_at = at;
      EXPECT_THROW(world.work(), Error);
      world.trace.revive();
      world.engine.restart();
      world.trace.die_at = at + later;
      world.work_through_death();
      world.expect_the_end();
    }
  }
}

TEST_F(WorkerTest, copies_nothing_again_behind_a_recorded_stage) {
  put_with_row("a");
  put_with_row("b");
  follow_by_key();
  engine.put(chunk_of({"a", "b"}));
  trace.die_at = 4;  // before the commit
  EXPECT_THROW(work(), Error);
  trace.revive();
  engine.restart();
  trace.events.clear();
  work();
  EXPECT_THAT(trace.events,
              ElementsAre("commit out/a out/b", "stage catalogued", "remove in/a in/b", "record"));
  EXPECT_EQ(engine.recorded.verified, 2U) << "what was known of the copies is known still";
}

TEST_F(WorkerTest, copies_again_what_was_lost_or_overwritten_at_the_destination_behind_a_recorded_stage) {
  for (const bool named : {false, true}) {
    SCOPED_TRACE(named ? "named by the catalogue" : "copied");
    catalog->paths.clear();
    for (const char* name : {"lost", "other", "fine"})
      put_with_row(name);
    follow_by_key();
    engine.put(chunk_of({"lost", "other", "fine"}));
    trace.events.clear();
    trace.die_at = named ? 7 : 5;  // before the removal, before the commit
    EXPECT_THROW(work(), Error);
    trace.revive();
    engine.restart();
    empty_destination("out/lost");
    destination->inner.put("out/other", "written since");
    trace.events.clear();
    work();
    const std::string commit = named ? "commit" : "commit out/lost out/other out/fine";
    EXPECT_THAT(trace.events,
                ElementsAre("write out/lost", "write out/other", "durable", "stage copied", commit,
                            "stage catalogued", "remove in/lost in/other in/fine", "record"));
    for (const std::string name : {"lost", "other", "fine"})
      EXPECT_EQ(destination->inner.content("out/" + name), "content of " + name);
    EXPECT_EQ(catalog->paths[0], "out/lost");
  }
  EXPECT_EQ(engine.recorded.moved, 6U);
}

TEST_F(WorkerTest, copies_again_what_was_lost_of_objects_whose_size_no_row_tells) {
  put("a");
  put("b");
  Chunk chunk = chunk_of({"a", "b"});
  for (Item& item : chunk.items) {
    item.facts_known = false;
    item.size = 0;
    item.etag = {};
  }
  engine.put(std::move(chunk));
  trace.die_at = 4;  // before the removal
  EXPECT_THROW(work(), Error);
  trace.revive();
  engine.restart();
  empty_destination("out/b");
  trace.events.clear();
  work();
  EXPECT_THAT(trace.events,
              ElementsAre("write out/b", "durable", "stage copied", "remove in/a in/b", "record"));
}

TEST_F(WorkerTest, fails_objects_of_which_neither_source_nor_copy_is_left) {
  put_with_row("a");
  follow_by_key();
  engine.put(chunk_of({"a"}));
  trace.die_at = 6;  // removed, and nobody knows
  EXPECT_THROW(work(), Error);
  trace.revive();
  engine.restart();
  empty_destination("out/a");
  work();
  EXPECT_EQ(engine.recorded.moved, 0U);
  ASSERT_EQ(engine.failures.size(), 1U);
  EXPECT_EQ(engine.failures[0].error->error_class(), ErrorClass::not_found);
}

TEST_F(WorkerTest, forgets_nothing_of_objects_whose_copies_cannot_be_looked_at_for_a_while) {
  put_with_row("a");
  follow_by_key();
  engine.put(chunk_of({"a"}));
  trace.die_at = 6;  // removed, and nobody knows
  EXPECT_THROW(work(), Error);
  trace.revive();
  engine.restart();
  destination->fails.insert({"out/a", kBusy});
  trace.events.clear();
  trace.after_each = [this] { destination->fails.clear(); };
  work();
  EXPECT_THAT(trace.events, ElementsAre("record", "remove in/a", "record"));
  EXPECT_EQ(engine.recorded.moved, 1U);
  EXPECT_EQ(engine.recorded.retried, 1U);
}

TEST_F(WorkerTest, begins_anew_when_the_facts_of_a_stage_cannot_be_read) {
  put("a");
  Chunk chunk = chunk_of({"a"});
  chunk.stage = Stage::catalogued;
  chunk.facts = "of another release";
  engine.put(std::move(chunk));
  work();
  EXPECT_EQ(trace.events.front(), "write out/a");
  EXPECT_EQ(engine.recorded.moved, 1U);
}

TEST_F(WorkerTest, names_no_other_object_when_it_is_the_destination_that_lacks_something) {
  put_with_row("a");
  follow_by_key();
  destination->inner.put("out/a", "something else");
  destination->before_write = [](const std::string&) {
    throw Error(ErrorClass::not_found, "the upload is gone").with_code("NoSuchUpload", 404);
  };
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("record"));
  ASSERT_EQ(engine.failures.size(), 1U);
  EXPECT_EQ(engine.failures[0].error->code(), "NoSuchUpload");
  EXPECT_EQ(catalog->paths[0], "in/a");
  EXPECT_TRUE(source->inner.content("in/a"));
}

TEST_F(WorkerTest, moves_objects_without_row_if_that_is_allowed) {
  put("a");
  follow_by_key();
  job.catalogue->unmatched_fails = false;
  run({"a"});
  EXPECT_EQ(engine.recorded.moved, 1U);
  EXPECT_EQ(engine.recorded.rows_unmatched, 1U);
  EXPECT_EQ(engine.recorded.rows_updated, 0U);
}

TEST_F(WorkerTest, removes_no_source_whose_copy_could_not_be_made_durable) {
  put_with_row("a");
  follow_by_key();
  destination->durable_fails = Error(ErrorClass::exhausted, "disk full");
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "record"));
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_EQ(catalog->paths[0], "in/a");
  EXPECT_TRUE(source->inner.content("in/a"));
}

TEST_F(WorkerTest, removes_nothing_that_was_written_after_it_was_copied) {
  for (const bool compares : {true, false}) {
    SCOPED_TRACE(compares);
    source->compares = compares;
    trace.events.clear();
    put("a");
    put("b");
    engine.put(chunk_of({"a", "b"}));
    trace.die_at = 4;  // before the removal
    EXPECT_THROW(work(), Error);
    trace.revive();
    engine.restart();
    source->inner.put("in/a", "written since");
    work();
    EXPECT_EQ(source->inner.content("in/a"), "written since");
    EXPECT_FALSE(source->inner.content("in/b"));
    EXPECT_EQ(engine.failures.back().error->error_class(), ErrorClass::source_changed);
  }
  EXPECT_EQ(engine.recorded.failed, 2U);
}

TEST_F(WorkerTest, keeps_sources_that_are_to_be_kept) {
  put_with_row("a");
  follow_by_key();
  job.options.keep_source = std::chrono::hours(24);
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("write out/a", "durable", "stage copied", "commit out/a", "record"));
  EXPECT_EQ(engine.recorded.moved, 1U);
  EXPECT_EQ(engine.recorded.sources_kept, 1U);
  EXPECT_TRUE(source->inner.content("in/a"));
  EXPECT_EQ(catalog->paths[0], "out/a");
  EXPECT_THAT(engine.lines, HasSubstr("\"source_kept\":true"));
}

TEST_F(WorkerTest, moves_what_an_earlier_attempt_has_written_without_overwriting_it) {
  put("a");
  put("other");
  destination->inner.put("out/other", "something else");
  job.options.create_only = true;
  engine.put(chunk_of({"a", "other"}));
  trace.die_at = 2;  // copied, and nobody knows
  work_through_death();
  EXPECT_EQ(engine.recorded.moved, 1U);
  EXPECT_EQ(engine.recorded.skipped, 1U);
  EXPECT_THAT(source->inner.keys(), ElementsAre("in/other"));
  EXPECT_EQ(destination->inner.content("out/other"), "something else");
}

TEST_F(WorkerTest, moves_what_is_at_the_destination_already_by_removing_it) {
  put("a");
  destination->inner.put("out/a", "content of a");
  engine.put(chunk_of({"a"}, Action::copy_if_details));
  work();
  EXPECT_THAT(trace.events, ElementsAre("durable", "stage copied", "remove in/a", "record"));
}

TEST_F(WorkerTest, sets_tags) {
  put("a");
  job.operation = Operation::tag;
  job.options.tags = {{"colour", "blue"}};
  engine.put(chunk_of({"a", "gone"}, Action::tag));
  work();
  EXPECT_EQ(engine.recorded.tagged, 1U);
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_EQ(world.run_for(source->inner.get_tags("in/a", "", context)), job.options.tags);
}

TEST_F(WorkerTest, refuses_objects_that_are_not_exactly_as_listed) {
  put("a");
  put("b");
  job.options.exactly_as_listed = true;
  for (const auto [operation, action] :
       {std::pair(Operation::copy, Action::copy), std::pair(Operation::move, Action::copy),
        std::pair(Operation::tag, Action::tag), std::pair(Operation::remove, Action::remove)}) {
    SCOPED_TRACE(static_cast<int>(operation));
    job.operation = operation;
    source->inner.put("in/a", "as listed");
    Chunk chunk = chunk_of({"a"}, action);
    source->inner.put("in/a", "not as listed");
    const ChunkReport report = work_one(std::move(chunk));
    EXPECT_EQ(report.accounts.failed, 1U);
    ASSERT_EQ(report.ledger.failures.size(), 1U);
    EXPECT_EQ(report.ledger.failures[0].error->error_class(), ErrorClass::source_changed);
    EXPECT_EQ(source->inner.content("in/a"), "not as listed");
    EXPECT_FALSE(destination->inner.content("out/a"));
  }
}

TEST_F(WorkerTest, changes_nothing_in_a_dry_run) {
  put_with_row("a");
  follow_by_key();
  job.options.dry_run = true;
  run({"a"});
  EXPECT_THAT(trace.events, ElementsAre("record"));
  EXPECT_EQ(engine.recorded.moved, 1U);
}

TEST_F(WorkerTest, tells_the_ledger_all_that_is_known_of_an_object) {
  put_with_row("a");
  follow_by("UPDATE files SET path = :destination_key WHERE id = :id");
  run({"a"});
  for (const char* part :
       {"\"outcome\":\"moved\"", "\"etag\":", "\"written_etag\":", "\"checksum\":\"crc64nvme:",
        "\"how\":\"streamed\"", "\"proof\":\"checksum\"", "\"row\":[0,\"in/a\"]", "\"catalogue\":\"updated\"",
        "\"attempts\":1", "\"time\":"})
    EXPECT_THAT(engine.lines, HasSubstr(part));
}

}  // namespace
}  // namespace haul::job

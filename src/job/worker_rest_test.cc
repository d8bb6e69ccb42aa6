// What a worker puts back for another attempt or another process, and what it gives up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "job/item_facts.h"
#include "job/worker.h"
#include "job/worker_world_test.h"

namespace haul::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(WorkerTest, puts_all_objects_back_as_copied_while_the_catalogue_is_away) {
  put_with_row("a");
  put_with_row("b");
  follow_by_key();
  catalog->away = 2;
  engine.put(chunk_of({"a", "b"}));
  work();
  EXPECT_THAT(trace.events,
              ElementsAre("write out/a", "write out/b", "durable", "stage copied", "record", "record",
                          "commit out/a out/b", "stage catalogued", "remove in/a in/b", "record"));
  EXPECT_EQ(engine.recorded.moved, 2U);
  EXPECT_EQ(engine.recorded.retried, 4U);
}

TEST_F(WorkerTest, does_not_wait_for_a_catalogue_that_is_away_with_every_batch) {
  for (const char* name : {"a", "b", "c"})
    put_with_row(name);
  follow_by_key();
  job.catalogue->batch = 1;
  catalog->away = 1;
  const ChunkReport report = work_one(chunk_of({"a", "b", "c"}));
  ASSERT_EQ(report.rest.size(), 1U);
  EXPECT_EQ(report.rest.front().items.size(), 3U);
  EXPECT_EQ(report.rest.front().stage, Stage::copied);
}

TEST_F(WorkerTest, gives_objects_up_when_the_attempts_are_used_and_keeps_source_and_row) {
  put_with_row("a");
  follow_by_key();
  catalog->away = 3;
  run({"a"});
  EXPECT_EQ(engine.recorded.failed, 1U);
  EXPECT_EQ(engine.recorded.retried, 2U);
  ASSERT_EQ(engine.failures.size(), 1U);
  EXPECT_EQ(engine.failures[0].attempts, 3U);
  EXPECT_EQ(catalog->paths[0], "in/a");
  EXPECT_TRUE(source->inner.content("in/a"));
  EXPECT_TRUE(destination->inner.content("out/a")) << "the copy stays";
}

TEST_F(WorkerTest, tries_again_what_fails_for_a_passing_reason_and_nothing_else) {
  for (const char* name : {"busy", "denied", "fine"})
    put(name);
  job.operation = Operation::copy;
  source->fails.insert({"in/busy", kBusy});
  source->fails.insert({"in/denied", Error(ErrorClass::permission_denied, "no")});
  Chunk chunk = chunk_of({"busy", "denied", "fine"});
  const ChunkReport report = work_one(std::move(chunk));
  EXPECT_EQ(report.accounts.failed, 1U);
  EXPECT_EQ(report.accounts.copied, 1U);
  EXPECT_EQ(report.accounts.retried, 1U);
  ASSERT_EQ(report.rest.size(), 1U);
  EXPECT_EQ(report.rest.front().attempt, 2U);
  EXPECT_EQ(report.rest.front().stage, Stage::begin);
  ASSERT_EQ(report.rest.front().items.size(), 1U);
  const Item& item = report.rest.front().items.front();
  EXPECT_EQ(item.key, "in/busy");
  EXPECT_EQ(item.destination_key, "out/busy");
  EXPECT_EQ(item.size, report.rest.front().bytes);
  EXPECT_FALSE(item.etag.empty());
}

TEST_F(WorkerTest, leaves_the_rest_to_another_process_when_a_drain_comes) {
  for (const char* name : {"a", "b", "c"})
    put(name);
  drain_with_the_first_write();
  const ChunkReport report = work_one(chunk_of({"a", "b", "c"}));
  EXPECT_EQ(report.accounts.moved, 1U) << "what was begun is ended";
  EXPECT_EQ(report.accounts.not_attempted, 0U);
  EXPECT_EQ(report.accounts.retried, 0U);
  ASSERT_EQ(report.rest.size(), 1U);
  EXPECT_EQ(report.rest.front().items.size(), 2U);
  EXPECT_EQ(report.rest.front().attempt, 1U);
}

TEST_F(WorkerTest, does_not_count_an_attempt_that_a_drain_has_ended) {
  put("busy");
  put("a");
  source->fails.insert({"in/busy", kBusy});
  drain_with_the_first_write();
  const ChunkReport report = work_one(chunk_of({"busy", "a", "busy"}));
  ASSERT_EQ(report.rest.size(), 1U);
  EXPECT_EQ(report.rest.front().items.size(), 2U);
  EXPECT_EQ(report.rest.front().attempt, 1U);
}

TEST_F(WorkerTest, leaves_a_suspect_one_when_a_drain_comes) {
  put("a");
  put("b");
  drain_with_the_first_write();
  Chunk chunk = chunk_of({"a", "b"});
  chunk.deaths = kDeathsOfSuspect;
  chunk.abandoned_since = Time(std::chrono::seconds(5));
  const ChunkReport report = work_one(std::move(chunk));
  ASSERT_EQ(report.rest.size(), 1U);
  EXPECT_EQ(report.rest.front().items.size(), 1U);
  EXPECT_EQ(report.rest.front().deaths, kDeathsOfSuspect);
  EXPECT_EQ(report.rest.front().abandoned_since, Time(std::chrono::seconds(5)));
}

TEST_F(WorkerTest, clears_what_is_left_of_an_object_before_it_is_given_up) {
  put("a");
  for (const std::uint32_t deaths : {kMostDeaths, kMostDeaths + 1}) {
    destination->cleared.clear();
    Chunk chunk = chunk_of({"a"});
    chunk.deaths = deaths;
    chunk.abandoned_since = Time(std::chrono::seconds(5));
    EXPECT_EQ(work_one(std::move(chunk)).accounts.failed, 1U);
    if (deaths == kMostDeaths)
      EXPECT_THAT(destination->cleared, ElementsAre("out/a"));
    else
      EXPECT_THAT(destination->cleared, IsEmpty()) << "clearing may be what ended the process";
  }
}

TEST_F(WorkerTest, counts_what_a_drain_leaves_over_as_not_attempted_where_nothing_is_durable) {
  put("a");
  put("b");
  engine.is_durable = false;
  drain_with_the_first_write();
  const ChunkReport report = work_one(chunk_of({"a", "b"}));
  EXPECT_TRUE(report.rest.empty());
  EXPECT_EQ(report.accounts.not_attempted, 1U);
}

TEST_F(WorkerTest, halves_what_processes_ended_at_and_keeps_what_was_done_of_it) {
  for (const char* name : {"a", "b", "c"})
    put(name);
  trace.die_at = 5;  // removing the sources
  engine.put(chunk_of({"a", "b", "c"}));
  EXPECT_THROW(work(), Error);
  trace.revive();
  engine.restart();
  Chunk chunk = world.run_for(engine.lease(context)).value();
  EXPECT_EQ(chunk.stage, Stage::copied);
  chunk.deaths = kDeathsOfSuspect + 1;
  chunk.abandoned_since = Time(std::chrono::seconds(5));
  const ChunkReport report = work_one(std::move(chunk));
  ASSERT_EQ(report.rest.size(), 2U);
  EXPECT_EQ(report.rest[0].items.size(), 1U);
  EXPECT_EQ(report.rest[1].items.size(), 2U);
  EXPECT_EQ(report.rest[1].items[1].key, "in/c");
  for (const Chunk& half : report.rest) {
    EXPECT_EQ(half.deaths, kDeathsOfSuspect);
    EXPECT_EQ(half.attempt, 1U);
    EXPECT_EQ(half.stage, Stage::copied);
    EXPECT_EQ(half.abandoned_since, Time(std::chrono::seconds(5)));
    EXPECT_TRUE(unpack_facts(half.facts, half.items.size()));
  }
  EXPECT_EQ(report.accounts.moved + report.accounts.failed, 0U);
}

TEST_F(WorkerTest, gives_up_an_object_that_ends_the_process_whenever_it_is_alone_with_it) {
  put("a");
  for (const Operation operation : {Operation::move, Operation::copy}) {
    job.operation = operation;
    for (const std::uint32_t deaths : {kMostDeaths - 1, kMostDeaths}) {
      engine.failures.clear();
      Chunk chunk = chunk_of({"a"});
      chunk.deaths = deaths;
      const ChunkReport report = work_one(std::move(chunk));
      EXPECT_TRUE(report.rest.empty());
      EXPECT_EQ(report.accounts.failed, deaths == kMostDeaths ? 1U : 0U);
      if (deaths != kMostDeaths) {
        put("a");
        continue;
      }
      ASSERT_EQ(report.ledger.failures.size(), 1U);
      const Error& error = *report.ledger.failures[0].error;
      EXPECT_EQ(error.code(), "ProcessEnded");
      EXPECT_FALSE(error.retryable());
      EXPECT_THAT(error.what(), HasSubstr("the process ended 6 times in a row"));
    }
  }
  EXPECT_TRUE(source->inner.content("in/a"));
}

}  // namespace
}  // namespace haul::job

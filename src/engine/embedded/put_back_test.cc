// Chunks of which something is left to be tried again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using job::RunStatus;

class PutBackTest : public ScriptedRun {};

TEST_F(PutBackTest, who_waits_for_a_chunk_that_was_put_back_writes_nothing_meanwhile) {
  options.retry_delay = std::chrono::milliseconds(300);
  again();
  begin_run();
  discover(step_of(0, 10, true));
  const auto chunk = lease();
  job::ChunkReport report{.chunk = chunk->id};
  report.rest.push_back(chunk_of(0, 10));
  report.rest.front().attempt = 2;
  record(std::move(report));
  const auto written = [this] { return std::filesystem::file_size(directory.path() + "/state.db-wal"); };
  const auto before = written();
  EXPECT_EQ(lease()->attempt, 2U);
  EXPECT_LT(written() - before, 200'000U);
}

TEST_F(PutBackTest, what_is_put_back_comes_again_as_another_attempt) {
  begin_run();
  discover(step_of(0, 10, true));
  engine->close();
  auto chunk = lease();
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.accounts.copied = 9;
  report.rest.push_back(chunk_of(3, 1));
  report.rest.front().attempt = 2;
  report.rest.front().stage = job::Stage::copied;
  report.rest.front().facts = "so far";
  const auto before = std::chrono::steady_clock::now();
  record(std::move(report));
  chunk = lease();
  ASSERT_TRUE(chunk);
  EXPECT_GE(std::chrono::steady_clock::now() - before, options.retry_delay / 2);
  EXPECT_EQ(chunk->attempt, 2U);
  EXPECT_EQ(chunk->stage, job::Stage::copied);
  EXPECT_EQ(chunk->facts, "so far");
  EXPECT_EQ(chunk->items.at(0).key, key_of(3));
  record(all_copied(*chunk));
  EXPECT_FALSE(lease());
  EXPECT_EQ(engine->accounts().copied, 10U);
}

TEST_F(PutBackTest, what_a_drain_has_left_over_comes_again_at_once_after_a_pause) {
  options.retry_delay = options.longest_retry_delay = std::chrono::hours(1);
  again();
  begin_run();
  discover(step_of(0, 10, true));
  auto chunk = lease();
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.rest.push_back(chunk_of(0, 10));
  engine->hold();
  record(std::move(report));
  EXPECT_FALSE(lease());
  become(RunStatus::paused);
  again();
  become(RunStatus::processing);
  EXPECT_EQ(copy_rest().size(), 10U);
}

// While one worker is away with a chunk, the other does not think that all is done.
Task<> lease_and_note(EmbeddedRunEngine& engine, OpContext context, std::vector<std::size_t>& sizes) {
  while (auto chunk = co_await engine.lease(context)) {
    sizes.push_back(chunk->items.size());
    job::ChunkReport report = all_copied(*chunk);
    if (chunk->attempt == 1) {
      report = {};
      report.chunk = chunk->id;
      report.rest.push_back(chunk_of(0, 2));
      report.rest.front().attempt = 2;
    }
    co_await engine.record(std::move(report), context);
  }
}

Task<> two_workers(EmbeddedRunEngine& engine, OpContext context, std::vector<std::size_t>& sizes) {
  TaskGroup workers(context.executor());
  workers.spawn(lease_and_note(engine, context, sizes));
  workers.spawn(lease_and_note(engine, context, sizes));
  co_await workers.join();
}

TEST_F(PutBackTest, workers_wait_for_what_another_one_puts_back) {
  options.heartbeat = std::chrono::seconds(1);  // which also wakes those who wait
  again();
  begin_run();
  discover(step_of(0, 2, true));
  engine->close();
  std::vector<std::size_t> sizes;
  wait(two_workers(*engine, context, sizes));
  EXPECT_THAT(sizes, testing::ElementsAre(2U, 2U));
  EXPECT_TRUE(engine->accounts().closed());
}

TEST_F(PutBackTest, in_a_simulated_world_nobody_has_to_wait_for_a_chunk_that_was_put_back) {
  end();
  ManualRuntime manual;
  OpContext simulated = manual.context();
  StateDirectory directory_of_world(directory.path() + "/simulated", manual.env());
  directory_of_world.lock();
  const std::string id = Runs(directory_of_world).create({.job = "x", .operation = "copy"});
  options.longest_retry_delay = options.retry_delay = std::chrono::hours(10);
  EmbeddedRunEngine slow(directory_of_world, id, options, progress);
  manual.run_for(slow.discovered(step_of(0, 2, true), simulated));
  slow.close();
  auto chunk = manual.run_for(slow.lease(simulated));
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.rest.push_back(chunk_of(0, 2));
  report.rest.front().attempt = 2;
  manual.run(slow.record(std::move(report), simulated));
  chunk = manual.run_for(slow.lease(simulated));
  ASSERT_TRUE(chunk);
  EXPECT_GE(manual.env().slept(), std::chrono::hours(5));
}

}  // namespace
}  // namespace haul::engine

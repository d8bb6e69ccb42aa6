// What discovery finds: when it is given out, what waits for it, and what is given up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using job::RunStatus;

class DiscoveryStepsTest : public ScriptedRun {
 protected:
  void discover_two_and_three_extras() {
    begin_run();
    job::DiscoveryStep step = step_of(0, 2, true);
    step.chunks.push_back(chunk_of(100, 3));
    step.chunks.back().extras = true;
    step.accounts.extra = 3;
    discover(std::move(step));
  }
};

TEST_F(DiscoveryStepsTest, a_discovery_without_places_gives_out_nothing_before_its_end) {
  begin_run();
  job::DiscoveryStep step = step_of(0, 10);
  step.place.reset();
  step.first = true;
  add_line(step.ledger, "skipped");
  ++step.accounts.listed;
  ++step.accounts.skipped;
  step.ledger.failures.push_back(failed_outcome("unreadable", ErrorClass::permission_denied));
  discover(std::move(step));
  EXPECT_EQ(engine->accounts().listed, 0U);
  EXPECT_EQ(runs->get(run).chunks_held, 1U);
  EXPECT_TRUE(runs->error_counts(run).empty());
  engine->hold();
  EXPECT_FALSE(lease());
  engine->reopen();
  job::DiscoveryStep last = step_of(10, 10, true);
  last.place.reset();
  discover(std::move(last));
  EXPECT_EQ(engine->accounts().listed, 21U);
  EXPECT_EQ(runs->error_counts(run).size(), 1U);
  EXPECT_EQ(copy_rest().size(), 20U);
  EXPECT_TRUE(engine->accounts().closed());
  EXPECT_EQ(ledger_lines(engine->report_path()).size(), 21U);
}

TEST_F(DiscoveryStepsTest, a_discovery_without_places_that_is_cut_off_is_forgotten) {
  begin_run();
  discover(step_of(0, 10));
  job::DiscoveryStep step = step_of(10, 10);
  step.place.reset();
  add_line(step.ledger, "skipped");
  step.ledger.failures.push_back(failed_outcome("unreadable", ErrorClass::permission_denied));
  discover(std::move(step));
  again();
  EXPECT_EQ(engine->discovery().place, "10");
  EXPECT_EQ(engine->accounts().listed, 10U);
  EXPECT_EQ(runs->get(run).chunks_held, 0U);
  begin_run();
  job::DiscoveryStep last = step_of(10, 5, true);
  last.first = true;
  discover(std::move(last));
  EXPECT_EQ(copy_rest().size(), 15U);
  EXPECT_TRUE(runs->error_counts(run).empty());
  EXPECT_EQ(ledger_lines(engine->report_path()).size(), 15U);
}

TEST_F(DiscoveryStepsTest, a_discovery_that_begins_anew_in_the_same_process_forgets_what_it_held) {
  begin_run();
  for (int round = 0; round < 3; ++round) {
    job::DiscoveryStep step = step_of(0, 10);
    step.place.reset();
    step.first = true;
    discover(std::move(step));
  }
  job::DiscoveryStep last = step_of(10, 1, true);
  last.place.reset();
  discover(std::move(last));
  EXPECT_EQ(engine->accounts().listed, 11U);
  EXPECT_EQ(copy_rest().size(), 11U);
}

TEST_F(DiscoveryStepsTest, extras_wait_until_they_are_released) {
  discover_two_and_three_extras();
  EXPECT_EQ(copy_rest().size(), 2U);
  EXPECT_EQ(runs->get(run).chunks_held, 1U);
  wait(engine->release_extras(context));
  wait(engine->release_extras(context));
  again();
  engine->close();
  const auto chunk = lease();
  ASSERT_TRUE(chunk);
  EXPECT_TRUE(chunk->extras);
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.accounts.extra_deleted = 3;
  record(std::move(report));
  EXPECT_FALSE(lease());
  EXPECT_TRUE(engine->accounts().closed());
}

TEST_F(DiscoveryStepsTest, extras_that_are_kept_are_counted_and_forgotten) {
  discover_two_and_three_extras();
  copy_rest();
  wait(engine->keep_extras(context));
  wait(engine->keep_extras(context));
  EXPECT_EQ(engine->accounts().extra_kept, 3U);
  EXPECT_TRUE(engine->accounts().closed());
  EXPECT_EQ(runs->get(run).chunks_held, 0U);
}

TEST_F(DiscoveryStepsTest, cancelling_counts_everything_that_was_not_begun) {
  begin_run();
  discover(step_of(0, 10));
  discover(step_of(10, 10));
  const auto chunk = lease();
  job::DiscoveryStep step = step_of(20, 4);
  step.place.reset();
  step.chunks.push_back(chunk_of(100, 3));
  step.chunks.back().extras = true;
  step.accounts.extra = 3;
  add_line(step.ledger, "skipped");
  discover(std::move(step));
  wait(engine->cancel(context));
  EXPECT_FALSE(discover(step_of(30, 10)));
  EXPECT_FALSE(lease());
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.accounts.copied = 6;
  report.rest.push_back(chunk_of(6, 4));
  record(std::move(report));
  const job::Accounts accounts = engine->accounts();
  EXPECT_EQ(accounts.listed, 24U);
  EXPECT_EQ(accounts.copied, 6U);
  EXPECT_EQ(accounts.not_attempted, 18U);
  EXPECT_EQ(accounts.extra_kept, 3U);
  EXPECT_TRUE(accounts.closed());
  become(RunStatus::cancelled);
  EXPECT_EQ(ledger_lines(engine->report_path()).size(), 1U);
}

Task<> discover_all(EmbeddedRunEngine& engine, OpContext context, int steps, int& done) {
  for (int i = 0; i < steps; ++i) {
    co_await engine.discovered(step_of(i, 1, i + 1 == steps), context);
    ++done;
  }
  engine.close();
}

Task<> lease_when_full(EmbeddedRunEngine& engine, OpContext context, const int& done, int& most) {
  TaskGroup discovery(context.executor());
  int begun = 0;
  discovery.spawn(discover_all(engine, context, 12, begun));
  int leased = 0;
  while (auto chunk = co_await engine.lease(context)) {
    ++leased;
    most = std::max(most, begun - leased);
    co_await engine.record(all_copied(*chunk), context);
  }
  EXPECT_EQ(leased, 12);
  (void)done;
  co_await discovery.join();
}

TEST_F(DiscoveryStepsTest, discovery_waits_while_the_queue_is_full) {
  options.queue_chunks = 3;
  again();
  begin_run();
  int done = 0, most = 0;
  wait(lease_when_full(*engine, context, done, most));
  EXPECT_LE(most, 3);
  EXPECT_TRUE(engine->accounts().closed());
}

TEST_F(DiscoveryStepsTest, discovery_does_not_wait_while_nobody_makes_room) {
  options.queue_chunks = 3;
  again();
  begin_run();
  engine->hold();
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(discover(step_of(i, 1, i == 19)));
  engine->reopen();
  EXPECT_EQ(copy_rest().size(), 20U);
}

}  // namespace
}  // namespace haul::engine

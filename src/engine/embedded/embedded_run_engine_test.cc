#include "engine/embedded/embedded_run_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using job::RunStatus;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

job::Outcome failed_outcome(std::string key, ErrorClass error_class) {
  job::Outcome outcome;
  outcome.kind = job::OutcomeKind::failed;
  outcome.key = std::move(key);
  outcome.error = Error(error_class, "no luck");
  return outcome;
}

class EmbeddedRunEngineTest : public ScriptedRun {
 protected:
  // Leases and records as copied until nothing is left.
  std::set<std::string> copy_rest() {
    std::set<std::string> keys;
    engine->close();
    while (auto chunk = lease()) {
      for (const job::Item& item : chunk->items)
        EXPECT_TRUE(keys.emplace(item.key).second) << item.key;
      record(all_copied(*chunk));
    }
    return keys;
  }
};

TEST_F(EmbeddedRunEngineTest, a_run_takes_its_way_from_discovery_to_completed) {
  begin_run();
  EXPECT_TRUE(discover(step_of(0, 10)));
  EXPECT_TRUE(discover(step_of(10, 5, true)));
  EXPECT_TRUE(engine->discovery().ended);
  EXPECT_EQ(copy_rest().size(), 15U);
  complete_run();
  const RunInfo info = runs->get(run);
  EXPECT_EQ(info.status, RunStatus::completed);
  EXPECT_EQ(info.accounts.listed, 15U);
  EXPECT_EQ(info.accounts.copied, 15U);
  EXPECT_TRUE(info.accounts.closed());
  EXPECT_EQ(info.chunks_done, 2U);
  EXPECT_FALSE(info.alive);
  EXPECT_TRUE(info.started && info.ended);
  EXPECT_FALSE(info.report_chain.empty());
  EXPECT_EQ(ledger_lines(info.report).size(), 15U);
  EXPECT_TRUE(std::filesystem::exists(info.report + "/summary.json"));
}

TEST_F(EmbeddedRunEngineTest, a_run_that_has_ended_leaves_no_manifest_and_is_not_taken_up_again) {
  begin_run();
  discover(step_of(0, 10, true));
  copy_rest();
  complete_run();
  std::vector<std::string> left;
  for (const auto& file : std::filesystem::directory_iterator(state->run_path(run)))
    left.push_back(file.path().filename());
  EXPECT_THAT(left, UnorderedElementsAre("report"));
  try {
    again();
    ADD_FAILURE() << "taken up";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::precondition_failed);
  }
}

TEST_F(EmbeddedRunEngineTest, statuses_follow_the_table_only) {
  for (const RunStatus status : {RunStatus::processing, RunStatus::completed, RunStatus::paused}) {
    try {
      become(status);
      ADD_FAILURE() << job::to_string(status);
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::internal);
    }
  }
  EXPECT_EQ(engine->status(), RunStatus::initializing);
  become(RunStatus::discovering);
  become(RunStatus::awaiting_approval);
  become(RunStatus::processing);
  EXPECT_EQ(runs->get(run).status, RunStatus::processing);
}

TEST_F(EmbeddedRunEngineTest, another_process_goes_on_where_the_first_one_died) {
  begin_run();
  discover(step_of(0, 10));
  discover(step_of(10, 10));
  record(all_copied(*lease()));
  const auto lost = lease();
  ASSERT_TRUE(lost);
  again();
  EXPECT_EQ(engine->status(), RunStatus::paused);
  EXPECT_EQ(engine->discovery().place, "20");
  EXPECT_FALSE(engine->discovery().ended);
  begin_run();
  discover(step_of(20, 5, true));
  EXPECT_EQ(copy_rest().size(), 15U);
  EXPECT_EQ(engine->accounts().copied, 25U);
  EXPECT_TRUE(engine->accounts().closed());
  EXPECT_EQ(ledger_lines(engine->report_path()).size(), 25U);
}

TEST_F(EmbeddedRunEngineTest, chunks_come_back_from_disk_as_they_were_given) {
  begin_run();
  for (int i = 0; i < 40; ++i)
    discover(step_of(i * 3, 3));
  again();
  for (int i = 0; i < 40; ++i) {
    const auto chunk = lease();
    ASSERT_TRUE(chunk);
    EXPECT_EQ(chunk->items.size(), 3U);
    EXPECT_EQ(chunk->items.at(1).key, key_of(i * 3 + 1));
    EXPECT_EQ(chunk->bytes, static_cast<std::uint64_t>(i * 9 + 3));
    EXPECT_EQ(chunk->attempt, 1U);
  }
}

TEST_F(EmbeddedRunEngineTest, a_report_that_is_recorded_twice_counts_once) {
  begin_run();
  discover(step_of(0, 10, true));
  const auto chunk = lease();
  record(all_copied(*chunk));
  record(all_copied(*chunk));
  EXPECT_EQ(engine->accounts().copied, 10U);
  again();
  record(all_copied(*chunk));
  EXPECT_EQ(engine->accounts().copied, 10U);
  EXPECT_EQ(ledger_lines(engine->report_path()).size(), 10U);
}

TEST_F(EmbeddedRunEngineTest, a_stage_outlives_the_process_that_reached_it) {
  begin_run();
  discover(step_of(0, 10, true));
  const auto chunk = lease();
  wait(engine->record_stage(chunk->id, job::Stage::copied, std::string("etags\0x", 7), context));
  again();
  const auto later = lease();
  EXPECT_EQ(later->stage, job::Stage::copied);
  EXPECT_EQ(later->facts, std::string("etags\0x", 7));
}

// Each of two chunks at work, and a third one that nobody has leased.
TEST_F(EmbeddedRunEngineTest, chunks_at_which_processes_end_again_and_again_are_worked_on_last_and_alone) {
  begin_run();
  for (int i = 0; i < 30; i += 10)
    discover(step_of(i, 10, i == 20));
  for (std::uint32_t deaths = 0; deaths < job::kDeathsOfSuspect; ++deaths) {
    engine->close();
    for (const std::uint64_t id : {1U, 2U}) {
      const auto chunk = lease();
      EXPECT_EQ(chunk->id, id);
      EXPECT_EQ(chunk->deaths, deaths);
    }
    killed();
  }
  engine->close();
  const auto other = lease();
  EXPECT_EQ(other->id, 3U);
  EXPECT_EQ(other->deaths, 0U);
  std::vector<std::uint64_t> given;
  unsigned at_work = 0;
  TaskGroup group(context.executor());
  const auto worker = [](EmbeddedRunEngine& runs_here, std::vector<std::uint64_t>& given, unsigned& at_work,
                         OpContext context) -> Task<> {
    while (auto chunk = co_await runs_here.lease(context)) {
      EXPECT_EQ(++at_work, 1U);
      EXPECT_EQ(chunk->deaths, job::kDeathsOfSuspect);
      given.push_back(chunk->id);
      co_await context.sleep(std::chrono::milliseconds(20));
      --at_work;
      co_await runs_here.record(all_copied(*chunk), context);
    }
  };
  for (int i = 0; i < 2; ++i)
    group.spawn(worker(*engine, given, at_work, context));
  record(all_copied(*other));
  wait(group.join());
  EXPECT_EQ(given, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_EQ(engine->accounts().copied, 30U);
}

TEST_F(EmbeddedRunEngineTest, suspects_wait_for_the_end_of_discovery_and_take_nobodys_room) {
  options.queue_chunks = 1;
  again();
  begin_run();
  discover(step_of(0, 10));
  for (std::uint32_t deaths = 0; deaths < job::kDeathsOfSuspect; ++deaths) {
    lease();
    killed();
  }
  begin_run();
  discover(step_of(10, 10));
  const auto second = lease();
  EXPECT_EQ(second->id, 2U);
  record(all_copied(*second));
  discover(step_of(20, 10, true));
  EXPECT_EQ(copy_rest().size(), 20U);
}

TEST_F(EmbeddedRunEngineTest, halves_of_a_suspect_are_suspects_with_remains_to_look_for) {
  begin_run();
  discover(step_of(0, 10, true));
  for (std::uint32_t deaths = 0; deaths <= job::kDeathsOfSuspect; ++deaths) {
    engine->close();
    lease();
    killed();
  }
  engine->close();
  const auto whole = lease();
  EXPECT_EQ(whole->deaths, job::kDeathsOfSuspect + 1);
  job::ChunkReport report{.chunk = whole->id};
  for (const int first : {0, 5}) {
    job::Chunk& half = report.rest.emplace_back(chunk_of(first, 5));
    half.deaths = job::kDeathsOfSuspect;
    half.abandoned_since = whole->abandoned_since;
  }
  record(std::move(report));
  killed();
  engine->close();
  for (int half = 0; half < 2; ++half) {
    const auto chunk = lease();
    EXPECT_EQ(chunk->items.size(), 5U);
    EXPECT_EQ(chunk->deaths, job::kDeathsOfSuspect);
    EXPECT_EQ(chunk->abandoned_since, whole->abandoned_since);
    record(all_copied(*chunk));
  }
  EXPECT_FALSE(lease());
}

TEST_F(EmbeddedRunEngineTest, a_process_that_leaves_by_itself_casts_no_suspicion_and_a_stage_ends_it) {
  begin_run();
  discover(step_of(0, 10, true));
  lease();
  again();
  EXPECT_EQ(lease()->deaths, 0U);
  killed();
  const auto chunk = lease();
  EXPECT_EQ(chunk->deaths, 1U);
  wait(engine->record_stage(chunk->id, job::Stage::copied, "facts", context));
  killed();
  EXPECT_EQ(lease()->deaths, 1U) << "of the stage behind it";
  wait(engine->record_stage(chunk->id, job::Stage::copied, "more facts", context));
  killed();
  EXPECT_EQ(lease()->deaths, 2U) << "the same stage once more is no progress";
}

TEST_F(EmbeddedRunEngineTest, who_waits_for_a_chunk_that_was_put_back_writes_nothing_meanwhile) {
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

TEST_F(EmbeddedRunEngineTest, what_is_put_back_comes_again_as_another_attempt) {
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

TEST_F(EmbeddedRunEngineTest, what_a_drain_has_left_over_comes_again_at_once_after_a_pause) {
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

TEST_F(EmbeddedRunEngineTest, workers_wait_for_what_another_one_puts_back) {
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

TEST_F(EmbeddedRunEngineTest, a_discovery_without_places_gives_out_nothing_before_its_end) {
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

TEST_F(EmbeddedRunEngineTest, a_discovery_without_places_that_is_cut_off_is_forgotten) {
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

TEST_F(EmbeddedRunEngineTest, a_discovery_that_begins_anew_in_the_same_process_forgets_what_it_held) {
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

TEST_F(EmbeddedRunEngineTest, extras_wait_until_they_are_released) {
  begin_run();
  job::DiscoveryStep step = step_of(0, 2, true);
  step.chunks.push_back(chunk_of(100, 3));
  step.chunks.back().extras = true;
  step.accounts.extra = 3;
  discover(std::move(step));
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

TEST_F(EmbeddedRunEngineTest, extras_that_are_kept_are_counted_and_forgotten) {
  begin_run();
  job::DiscoveryStep step = step_of(0, 2, true);
  step.chunks.push_back(chunk_of(100, 3));
  step.chunks.back().extras = true;
  step.accounts.extra = 3;
  discover(std::move(step));
  copy_rest();
  wait(engine->keep_extras(context));
  wait(engine->keep_extras(context));
  EXPECT_EQ(engine->accounts().extra_kept, 3U);
  EXPECT_TRUE(engine->accounts().closed());
  EXPECT_EQ(runs->get(run).chunks_held, 0U);
}

TEST_F(EmbeddedRunEngineTest, cancelling_counts_everything_that_was_not_begun) {
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

TEST_F(EmbeddedRunEngineTest, discovery_waits_while_the_queue_is_full) {
  options.queue_chunks = 3;
  again();
  begin_run();
  int done = 0, most = 0;
  wait(lease_when_full(*engine, context, done, most));
  EXPECT_LE(most, 3);
  EXPECT_TRUE(engine->accounts().closed());
}

TEST_F(EmbeddedRunEngineTest, discovery_does_not_wait_while_nobody_makes_room) {
  options.queue_chunks = 3;
  again();
  begin_run();
  engine->hold();
  for (int i = 0; i < 20; ++i)
    EXPECT_TRUE(discover(step_of(i, 1, i == 19)));
  engine->reopen();
  EXPECT_EQ(copy_rest().size(), 20U);
}

TEST_F(EmbeddedRunEngineTest, segments_go_once_all_of_their_chunks_are_done) {
  options.segment_bytes = 1000;
  again();
  begin_run();
  const auto segments = [&] {
    int count = 0;
    for (const auto& file : std::filesystem::directory_iterator(state->run_path(run)))
      count += file.path().extension() == ".seg" ? 1 : 0;
    return count;
  };
  for (int i = 0; i < 30; ++i)
    discover(step_of(i * 20, 20, i == 29));
  EXPECT_GT(segments(), 3);
  copy_rest();
  EXPECT_EQ(segments(), 1);
  EXPECT_EQ(engine->accounts().copied, 600U);
}

TEST_F(EmbeddedRunEngineTest, failures_become_error_records) {
  begin_run();
  discover(step_of(0, 3, true));
  const auto chunk = lease();
  job::ChunkReport report;
  report.chunk = chunk->id;
  report.accounts.copied = 1;
  report.accounts.failed = 2;
  job::Outcome outcome = failed_outcome("in/\xff'; DROP TABLE errors", ErrorClass::permission_denied);
  outcome.destination_key = "out/1";
  outcome.version = "v1";
  outcome.row = "row";
  outcome.size = 7;
  outcome.attempts = 4;
  outcome.error = outcome.error->with_code("AccessDenied", 403).with_request_id("R1").during("PutObject");
  report.ledger.failures.push_back(outcome);
  report.ledger.failures.push_back(failed_outcome("in/2", ErrorClass::timed_out));
  record(std::move(report));
  std::vector<ErrorRecord> records;
  const auto collect = [&records](const ErrorRecord& record) {
    records.push_back(record);
    return true;
  };
  runs->errors(run, {}, collect);
  ASSERT_EQ(records.size(), 2U);
  const ErrorRecord& first = records.front();
  EXPECT_EQ(first.key, outcome.key);
  EXPECT_EQ(first.destination_key, "out/1");
  EXPECT_EQ(first.version, "v1");
  EXPECT_EQ(first.row, "row");
  EXPECT_EQ(first.size, 7U);
  EXPECT_EQ(first.attempts, 4U);
  EXPECT_EQ(first.error_class, ErrorClass::permission_denied);
  EXPECT_EQ(first.code, "AccessDenied");
  EXPECT_EQ(first.http_status, 403);
  EXPECT_EQ(first.request_id, "R1");
  EXPECT_EQ(first.operation, "PutObject");
  EXPECT_EQ(first.chunk, chunk->id);
  EXPECT_THAT(first.message, HasSubstr("no luck"));
}

TEST_F(EmbeddedRunEngineTest, the_reason_of_a_failure_is_told_by_run_and_report) {
  begin_run();
  become(RunStatus::failed);
  wait(engine->set_error(Error(ErrorClass::permission_denied, "the bucket is not ours"), context));
  const RunInfo info = runs->get(run);
  EXPECT_THAT(info.error, HasSubstr("the bucket is not ours"));
  std::ifstream summary(info.report + "/summary.json");
  const std::string text{std::istreambuf_iterator<char>(summary), {}};
  EXPECT_THAT(text, HasSubstr("the bucket is not ours"));
  EXPECT_THAT(text, HasSubstr("FAILED"));
}

TEST_F(EmbeddedRunEngineTest, in_a_simulated_world_nobody_has_to_wait_for_a_chunk_that_was_put_back) {
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

TEST_F(EmbeddedRunEngineTest, a_state_that_is_not_locked_is_not_worked_with) {
  end();
  StateDirectory unlocked(directory.path(), system_env());
  EXPECT_THROW(EmbeddedRunEngine(unlocked, run, options, progress), Error);
}

}  // namespace
}  // namespace haul::engine

#include "engine/embedded/embedded_run_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"

namespace haul::engine {
namespace {

using job::RunStatus;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class EmbeddedRunEngineTest : public ScriptedRun {};

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

TEST_F(EmbeddedRunEngineTest, a_state_that_is_not_locked_is_not_worked_with) {
  end();
  StateDirectory unlocked(directory.path(), system_env());
  EXPECT_THROW(EmbeddedRunEngine(unlocked, run, options, progress), Error);
}

}  // namespace
}  // namespace haul::engine

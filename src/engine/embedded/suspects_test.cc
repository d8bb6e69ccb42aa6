// Chunks at which processes end again and again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

class SuspectsTest : public ScriptedRun {};

// Each of two chunks at work, and a third one that nobody has leased.
TEST_F(SuspectsTest, chunks_at_which_processes_end_again_and_again_are_worked_on_last_and_alone) {
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

TEST_F(SuspectsTest, suspects_wait_for_the_end_of_discovery_and_take_nobodys_room) {
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

TEST_F(SuspectsTest, halves_of_a_suspect_are_suspects_with_remains_to_look_for) {
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

TEST_F(SuspectsTest, a_process_that_leaves_by_itself_casts_no_suspicion_and_a_stage_ends_it) {
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

}  // namespace
}  // namespace haul::engine

#include "engine/memory/memory_engine.h"

#include <gtest/gtest.h>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using namespace std::chrono_literals;
using job::RunStatus;

job::Chunk chunk_of(std::size_t objects, bool extras = false) {
  job::Chunk chunk;
  chunk.extras = extras;
  for (std::size_t i = 0; i < objects; ++i) {
    job::Item item;
    item.key = chunk.text.store("key " + std::to_string(i));
    item.size = i;
    chunk.items.push_back(item);
  }
  return chunk;
}

job::DiscoveryStep step_of(std::vector<job::Chunk> chunks) {
  job::DiscoveryStep step;
  for (job::Chunk& chunk : chunks) {
    (chunk.extras ? step.accounts.extra : step.accounts.listed) += chunk.items.size();
    step.chunks.push_back(std::move(chunk));
  }
  return step;
}

job::DiscoveryStep step_of(job::Chunk chunk) {
  std::vector<job::Chunk> chunks;
  chunks.push_back(std::move(chunk));
  return step_of(std::move(chunks));
}

struct MemoryEngineTest : testing::Test {
  void run(Task<> task) { world.run(std::move(task)); }

  ManualRuntime world;
  MemoryRunEngine engine{{.chunks_waiting = 2}};
  std::vector<std::string> events;
};

using Test = MemoryEngineTest;

Task<> record(Test& test, std::uint64_t id, OpContext context, std::optional<job::Chunk> rest = {}) {
  job::ChunkReport report;
  report.chunk = id;
  if (rest) report.rest.push_back(std::move(*rest));
  co_await test.engine.record(std::move(report), context);
}

Task<> refuse_wrong_transition(Test& test) {
  OpContext context = test.world.context();
  co_await test.engine.set_status(RunStatus::discovering, context);
  bool refused = false;
  try {
    co_await test.engine.set_status(RunStatus::completed, context);
  } catch (const Error& error) {
    refused = error.error_class() == ErrorClass::internal;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(test.engine.status(), RunStatus::discovering);
}

TEST_F(MemoryEngineTest, RefusesTransitionsThatAreNotInTheTable) {
  run(refuse_wrong_transition(*this));
}

Task<> discover_four(Test& test, OpContext context) {
  for (int i = 0; i < 4; ++i) {
    const bool open = co_await test.engine.discovered(step_of(chunk_of(1)), context);
    test.events.emplace_back(open ? "in" : "refused");
  }
}

Task<> discovery_waits_for_room(Test& test) {
  OpContext context = test.world.context();
  TaskGroup group(context.executor());
  group.spawn(discover_four(test, context));
  co_await yield(context.executor());
  EXPECT_EQ(test.events.size(), 2U);
  const auto chunk = co_await test.engine.lease(context);
  EXPECT_EQ(chunk->id, 1U);
  co_await yield(context.executor());
  co_await yield(context.executor());
  EXPECT_EQ(test.events.size(), 3U);
  test.engine.hold();
  co_await group.join();
  EXPECT_EQ(test.events.size(), 4U);
  EXPECT_FALSE(co_await test.engine.lease(context));
  test.engine.reopen();
  EXPECT_EQ((co_await test.engine.lease(context))->id, 2U);
}

TEST_F(MemoryEngineTest, DiscoveryWaitsForRoomUnlessNobodyMakesAny) {
  run(discovery_waits_for_room(*this));
}

Task<> rest_comes_back(Test& test) {
  OpContext context = test.world.context();
  co_await test.engine.discovered(step_of(chunk_of(3)), context);
  test.engine.close();
  auto chunk = co_await test.engine.lease(context);
  chunk->attempt = 4;
  co_await record(test, chunk->id, context, std::move(*chunk));
  const Duration before = test.world.env().slept();
  const auto again = co_await test.engine.lease(context);
  EXPECT_TRUE(again);
  EXPECT_EQ(again->items.size(), 3U);
  EXPECT_EQ(again->attempt, 4U);
  EXPECT_GE(test.world.env().slept() - before, 100ms);
  co_await record(test, again->id, context);
  EXPECT_FALSE(co_await test.engine.lease(context));
}

TEST_F(MemoryEngineTest, ARestComesBackAfterItsBackOff) {
  run(rest_comes_back(*this));
}

Task<> lease_and_note(Test& test, OpContext context) {
  const auto chunk = co_await test.engine.lease(context);
  test.events.emplace_back(chunk ? "chunk" : "end");
  if (chunk) co_await record(test, chunk->id, context);
}

Task<> leases_wait_for_what_may_come_back(Test& test) {
  OpContext context = test.world.context();
  co_await test.engine.discovered(step_of(chunk_of(1)), context);
  test.engine.close();
  auto chunk = co_await test.engine.lease(context);
  TaskGroup group(context.executor());
  group.spawn(lease_and_note(test, context));
  co_await yield(context.executor());
  EXPECT_TRUE(test.events.empty());
  co_await record(test, chunk->id, context, std::move(*chunk));
  co_await group.join();
  EXPECT_EQ(test.events, std::vector<std::string>{"chunk"});
  EXPECT_FALSE(co_await test.engine.lease(context));
}

TEST_F(MemoryEngineTest, ALeaseWaitsWhileAChunkInWorkMayComeBack) {
  run(leases_wait_for_what_may_come_back(*this));
}

Task<> extras_wait(Test& test) {
  OpContext context = test.world.context();
  co_await test.engine.discovered(step_of(chunk_of(2500, true)), context);
  test.engine.close();
  EXPECT_FALSE(co_await test.engine.lease(context));
  co_await test.engine.release_extras(context);
  std::vector<std::size_t> sizes;
  while (auto chunk = co_await test.engine.lease(context)) {
    EXPECT_TRUE(chunk->extras);
    EXPECT_EQ(chunk->items.front().action, job::Action::remove);
    sizes.push_back(chunk->items.size());
    co_await record(test, chunk->id, context);
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{1000, 1000, 500}));
  EXPECT_EQ(test.engine.accounts().extra, 2500U);
}

TEST_F(MemoryEngineTest, ExtrasWaitUntilTheyAreReleasedInChunks) {
  run(extras_wait(*this));
}

Task<> cancel_counts(Test& test) {
  OpContext context = test.world.context();
  std::vector<job::Chunk> chunks;
  chunks.push_back(chunk_of(5));
  chunks.push_back(chunk_of(7));
  chunks.push_back(chunk_of(3, true));
  co_await test.engine.discovered(step_of(std::move(chunks)), context);
  auto chunk = co_await test.engine.lease(context);
  co_await test.engine.cancel(context);
  EXPECT_EQ(test.engine.accounts().not_attempted, 7U);
  co_await record(test, chunk->id, context, std::move(*chunk));
  EXPECT_EQ(test.engine.accounts().not_attempted, 12U);
  EXPECT_EQ(test.engine.accounts().extra_kept, 3U);
  EXPECT_FALSE(co_await test.engine.discovered(step_of(chunk_of(1)), context));
  EXPECT_TRUE(test.engine.accounts().closed());
}

TEST_F(MemoryEngineTest, CancellingCountsWhatIsLeft) {
  run(cancel_counts(*this));
}

Task<> keep_extras_once(Test& test) {
  OpContext context = test.world.context();
  co_await test.engine.discovered(step_of(chunk_of(4, true)), context);
  co_await test.engine.keep_extras(context);
  co_await test.engine.keep_extras(context);
  EXPECT_EQ(test.engine.accounts().extra_kept, 4U);
  EXPECT_TRUE(test.engine.accounts().closed());
}

TEST_F(MemoryEngineTest, KeptExtrasAreCountedOnce) {
  run(keep_extras_once(*this));
}

}  // namespace
}  // namespace haul::engine

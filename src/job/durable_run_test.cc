// Runs that are killed, paused, cancelled and gone on with: what the promise says of each.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "job/coordinator.h"
#include "job/durable_double_test.h"
#include "listing/manifest.h"
#include "runtime/task_group.h"

namespace haul::job {
namespace {

using namespace std::chrono_literals;

class SilentSink final : public OutcomeSink {
 public:
  bool wants_all() const noexcept override { return false; }
  void accept(const Outcome& outcome) override { keys.push_back(outcome.key); }
  std::vector<std::string> keys;
};

struct DurableRunTest : testing::Test {
  DurableRunTest()
      : source(std::make_shared<ListedStore>("source")),
        destination(std::make_shared<ListedStore>("destination")) {
    source->page_size = destination->page_size = 50;
    job.sources.push_back({.store = source, .text = "source", .prefix = "in/", .strip = "in/"});
    job.destination = Destination{.store = destination, .text = "destination", .prefix = "out/"};
    job.options.chunk_objects = 20;
    job.options.lanes = 4;
  }

  static std::string name(int i) {
    std::string digits = std::to_string(i);
    return std::string(5 - digits.size(), '0') + digits;
  }
  void put_sources(int count) {
    for (int i = 0; i < count; ++i)
      source->inner.put("in/" + name(i), "content " + std::to_string(i));
  }

  // One process.
  RunResult run(DurableDouble& engine) {
    Progress progress;
    return world.run_for(run_job(job, {engine, progress, sink}, world.runtime()));
  }

  // Processes that are killed at their change `die_at`, one after the other, until one comes through.
  RunResult run_with_kills(std::size_t die_at) {
    for (int process = 0; process < 500; ++process) {
      DurableDouble engine(state, die_at);
      RunResult result = run(engine);
      if (!engine.dead()) return result;
      EXPECT_TRUE(result.error);
      EXPECT_FALSE(is_final(state.status));
    }
    ADD_FAILURE() << "the run does not get on";
    return {};
  }

  void expect_nothing_found_twice() const {
    std::vector<std::string> found = state.found;
    std::ranges::sort(found);
    EXPECT_TRUE(std::ranges::adjacent_find(found) == found.end());
  }

  ManualRuntime world;
  std::shared_ptr<ListedStore> source, destination;
  Job job;
  SilentSink sink;
  DurableState state;
};

TEST_F(DurableRunTest, CopyEndsTheSameWhereverItIsKilled) {
  put_sources(300);
  for (const std::size_t die_at : {3, 4, 7, 12, 31}) {
    state = {};
    const std::uint64_t entries_before = source->entries;
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.status, RunStatus::completed);
    EXPECT_TRUE(result.accounts.closed());
    EXPECT_EQ(result.accounts.listed, 300U);
    EXPECT_EQ(result.accounts.copied, 300U);
    expect_nothing_found_twice();
    // A step is a page here, and a lister reads ahead: but never the whole again with each process.
    if (die_at >= 31) EXPECT_LT(source->entries - entries_before, 2 * 300U);
  }
  EXPECT_EQ(destination->inner.keys().size(), 300U);
}

TEST_F(DurableRunTest, AMoveLosesAndRepeatsNothing) {
  for (const std::size_t die_at : {5, 8, 12, 27}) {
    put_sources(300);
    state = {};
    job.operation = Operation::move;
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.status, RunStatus::completed);
    EXPECT_EQ(result.accounts.moved, 300U);
    EXPECT_EQ(source->inner.keys().size(), 0U);
    EXPECT_EQ(destination->inner.keys().size(), 300U);
  }
}

TEST_F(DurableRunTest, SyncWithDeletionsEndsTheSameWhereverItIsKilled) {
  put_sources(400);
  job.operation = Operation::sync;
  job.options.delete_extra = true;
  for (const std::size_t die_at : {3, 4, 8, 14, 35}) {
    state = {};
    for (int i = 0; i < 400; i += 4)
      destination->inner.put("out/" + name(i), "old");
    for (int i = 0; i < 30; ++i)
      destination->inner.put("out/" + name(i * 13) + "-extra", "x");
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.status, RunStatus::completed) << (result.error ? result.error->what() : "");
    EXPECT_EQ(result.accounts.listed, 400U);
    EXPECT_EQ(result.accounts.extra, 30U);
    EXPECT_EQ(result.accounts.extra_deleted, 30U);
    EXPECT_TRUE(result.accounts.closed());
    EXPECT_EQ(destination->inner.keys().size(), 400U);
    EXPECT_EQ(destination->inner.content("out/00004"), "content 4");
    expect_nothing_found_twice();
  }
}

TEST_F(DurableRunTest, WhatASyncPassesOverIsCountedOnceAndKeepsWhatLiesInItsPlace) {
  store::Capabilities files = memory::full_capabilities();
  files.range_listing = false;
  job.sources[0].store = source = std::make_shared<ListedStore>("source", files);
  source->page_size = 50;
  put_sources(300);
  job.operation = Operation::sync;
  job.options.delete_extra = true;
  for (int i = 9; i < 300; i += 10)
    source->links.push_back("in/" + name(i) + "link");
  for (const std::size_t die_at : {3, 4, 5, 7, 12, 30}) {
    state = {};
    for (int i = 0; i < 150; ++i)  // more than a page, so that a place lies among them
      destination->inner.put("out/" + name(59) + "link/" + name(i), "behind the link");
    destination->inner.put("out/" + name(59) + "linkage", "x");
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.status, RunStatus::completed) << (result.error ? result.error->what() : "");
    EXPECT_EQ(result.accounts.listed, 330U);
    EXPECT_EQ(result.accounts.skipped + result.accounts.copied, 330U);
    EXPECT_EQ(result.accounts.extra, 1U);
    EXPECT_EQ(destination->inner.keys().size(), 450U);
  }
}

TEST_F(DurableRunTest, WhatACopyPassesOverIsCountedOnce) {
  store::Capabilities files = memory::full_capabilities();
  files.range_listing = false;
  job.sources[0].store = source = std::make_shared<ListedStore>("source", files);
  source->page_size = 50;
  put_sources(300);
  for (int i = 9; i < 300; i += 10)
    source->links.push_back("in/" + name(i) + "link");
  for (const std::size_t die_at : {3, 4, 5, 7, 12, 30}) {
    state = {};
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.accounts.copied, 300U);
    EXPECT_EQ(result.accounts.skipped, 30U);
    EXPECT_EQ(result.accounts.listed, 330U);
  }
}

TEST_F(DurableRunTest, GuardsOfDeletionsHoldAfterAResume) {
  put_sources(100);
  for (int i = 0; i < 60; ++i)
    destination->inner.put("out/x" + name(i), "x");
  job.operation = Operation::sync;
  job.options.delete_extra = true;
  const RunResult result = run_with_kills(4);
  EXPECT_EQ(result.status, RunStatus::failed);
  ASSERT_TRUE(result.error);
  EXPECT_NE(std::string(result.error->what()).find("--max-delete"), std::string::npos);
  EXPECT_EQ(result.accounts.extra_kept, 60U);
  EXPECT_EQ(destination->inner.keys().size(), 160U);
}

TEST_F(DurableRunTest, WhatHasNoPlaceIsFoundAnewAndOnce) {
  put_sources(300);
  job.mapping = Mapping::flatten;
  for (const std::size_t die_at : {3, 4, 6, 9, 20}) {
    state = {};
    const RunResult result = run_with_kills(die_at);
    EXPECT_EQ(result.status, RunStatus::completed);
    EXPECT_EQ(result.accounts.copied, 300U);
    EXPECT_EQ(state.steps_with_place, 0U);
    expect_nothing_found_twice();
  }
}

TEST_F(DurableRunTest, AListOfKeysGoesOnBehindTheLastLine) {
  put_sources(300);
  const std::string path = testing::TempDir() + "durable_run_keys";
  {
    std::ofstream file(path);
    for (int i = 0; i < 300; ++i)
      file << name(i) << "\n";
  }
  for (const std::size_t die_at : {4, 7, 15}) {
    state = {};
    std::size_t processes = 0;
    for (RunResult result; !is_final(state.status); ++processes) {
      job.sources[0].keys = listing::open_manifest(
          {.store = nullptr, .name = path, .bucket = {}},
          {.format = listing::ManifestFormat::keys, .base = "in/"});  // as each process does
      DurableDouble engine(state, die_at);
      result = run(engine);
    }
    EXPECT_GT(processes, 1U);
    EXPECT_EQ(state.status, RunStatus::completed);
    EXPECT_EQ(state.accounts.copied, 300U);
    expect_nothing_found_twice();
  }
  std::filesystem::remove(path);
}

TEST_F(DurableRunTest, ARunWhoseProcessDiedWhileFinalizingOnlyFinalizes) {
  put_sources(20);
  run_with_kills(SIZE_MAX);
  state.status = RunStatus::finalizing;
  const std::uint64_t writes = destination->writes, pages = source->pages;
  EXPECT_EQ(run_with_kills(SIZE_MAX).status, RunStatus::completed);
  EXPECT_EQ(destination->writes, writes);
  EXPECT_EQ(source->pages, pages);
}

TEST_F(DurableRunTest, ARunThatHasEndedIsLeftAlone) {
  put_sources(20);
  run_with_kills(SIZE_MAX);
  DurableDouble engine(state);
  EXPECT_EQ(run(engine).status, RunStatus::completed);
  EXPECT_EQ(engine.changes(), 0U);
}

TEST_F(DurableRunTest, AListingThatFailsForAWhileIsGoneOnWithAfterGrowingWaits) {
  put_sources(600);
  int failures = 0;
  source->before_page = [&](std::uint64_t page) {
    if (page > 3 && failures < 4) {
      ++failures;
      throw Error(ErrorClass::unavailable, "busy");
    }
  };
  DurableDouble engine(state);
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 600U);
  expect_nothing_found_twice();
  EXPECT_GE(failures, 4);
  EXPECT_GT(world.env().slept(), 2s);
}

TEST_F(DurableRunTest, AListingThatNeverGetsOnFailsTheRunAndKeepsWhatWasDone) {
  put_sources(600);
  int failures = 0;
  source->before_page = [&](std::uint64_t page) {
    if (page > 3) {
      ++failures;
      throw Error(ErrorClass::unavailable, "busy");
    }
  };
  DurableDouble engine(state);
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::failed);
  ASSERT_TRUE(result.error);
  EXPECT_EQ(result.error->error_class(), ErrorClass::unavailable);
  EXPECT_LE(failures, 7);
  EXPECT_EQ(result.accounts.copied, result.accounts.listed);
  EXPECT_GT(result.accounts.copied, 0U);
  EXPECT_TRUE(result.accounts.closed());
}

TEST_F(DurableRunTest, AListingThatIsRefusedFailsAtOnce) {
  put_sources(10);
  source->before_page = [&](std::uint64_t) { throw Error(ErrorClass::permission_denied, "no"); };
  DurableDouble engine(state);
  EXPECT_EQ(run(engine).status, RunStatus::failed);
  EXPECT_EQ(source->pages, 1U);
}

TEST_F(DurableRunTest, CredentialsThatExpireLeaveARunThatCanBeGoneOnWith) {
  put_sources(600);
  source->before_page = [](std::uint64_t page) {
    if (page == 4) throw Error(ErrorClass::unauthenticated, "the token has expired");
  };
  const RunResult first = run_with_kills(SIZE_MAX);
  EXPECT_EQ(first.status, RunStatus::paused);
  EXPECT_TRUE(first.error);
  const RunResult result = run_with_kills(SIZE_MAX);
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 600U);
  expect_nothing_found_twice();
}

TEST_F(DurableRunTest, NothingIsChangedBeforeSomebodyApproves) {
  put_sources(200);
  job.options.approval = true;
  DurableDouble engine(state);
  int asked = 0;
  engine.approval = [&] {
    if (state.status == RunStatus::awaiting_approval) ++asked;
    if (asked <= 5) {
      EXPECT_EQ(destination->writes, 0U);
    }
    return asked > 5;
  };
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 200U);
  using enum RunStatus;
  EXPECT_EQ(state.statuses, (std::vector{discovering, awaiting_approval, processing, finalizing, completed}));
}

TEST_F(DurableRunTest, ARunThatWaitsForApprovalWaitsInTheNextProcessAsWell) {
  put_sources(100);
  job.options.approval = true;
  {
    DurableDouble engine(state);
    engine.approval = [] { return false; };
    int looks = 0;
    engine.asked = [&] {
      if (state.status == RunStatus::awaiting_approval && ++looks == 3)
        world.runtime().stop().raise(StopLevel::drain);
      return Wish::none;
    };
    EXPECT_EQ(run(engine).status, RunStatus::paused);
  }
  ManualRuntime later;
  DurableDouble engine(state);
  int asked = 0;
  engine.approval = [&] { return state.status == RunStatus::awaiting_approval && ++asked > 2; };
  Progress progress;
  const RunResult result = later.run_for(run_job(job, {engine, progress, sink}, later.runtime()));
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 100U);
  expect_nothing_found_twice();
}

TEST_F(DurableRunTest, APauseLosesNothingAndGoesOnWhenTheWishIsGone) {
  put_sources(600);
  DurableDouble engine(state);
  int records = 0, paused_looks = 0;
  engine.after = [&](std::string_view what) { records += what == "record" ? 1 : 0; };
  std::uint64_t writes_when_paused = 0;
  engine.asked = [&] {
    if (state.status == RunStatus::paused) {
      if (paused_looks++ == 0) writes_when_paused = destination->writes;
      EXPECT_EQ(destination->writes, writes_when_paused);
      return paused_looks < 5 ? Wish::pause : Wish::none;
    }
    return records >= 3 && paused_looks == 0 ? Wish::pause : Wish::none;
  };
  const RunResult result = run(engine);
  EXPECT_GE(paused_looks, 5);
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 600U);
  EXPECT_EQ(result.accounts.not_attempted, 0U);
  EXPECT_EQ(destination->writes, 600U);
  expect_nothing_found_twice();
}

TEST_F(DurableRunTest, ACancelledRunSaysWhatWasNotAttempted) {
  put_sources(600);
  DurableDouble engine(state);
  int records = 0;
  engine.after = [&](std::string_view what) { records += what == "record" ? 1 : 0; };
  engine.asked = [&] { return records >= 3 ? Wish::cancel : Wish::none; };
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::cancelled);
  EXPECT_GT(result.accounts.copied, 0U);
  EXPECT_GT(result.accounts.not_attempted, 0U);
  EXPECT_TRUE(result.accounts.closed());
}

TEST_F(DurableRunTest, ARunThatIsPausedCanBeCancelled) {
  put_sources(600);
  DurableDouble engine(state);
  int records = 0;
  engine.after = [&](std::string_view what) { records += what == "record" ? 1 : 0; };
  engine.asked = [&] {
    if (state.status == RunStatus::paused) return Wish::cancel;
    return records >= 3 ? Wish::pause : Wish::none;
  };
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::cancelled);
  EXPECT_TRUE(result.accounts.closed());
}

TEST_F(DurableRunTest, ASignalPausesTheRunForTheNextProcess) {
  put_sources(600);
  {
    DurableDouble engine(state);
    int records = 0;
    engine.after = [&](std::string_view what) {
      if (what == "record" && ++records == 3) world.runtime().stop().raise(StopLevel::drain);
    };
    const RunResult result = run(engine);
    EXPECT_EQ(result.status, RunStatus::paused);
    EXPECT_FALSE(result.error);
    EXPECT_LT(result.accounts.copied, 600U);
    EXPECT_EQ(result.accounts.not_attempted, 0U);
  }
  ManualRuntime later;
  DurableDouble engine(state);
  Progress progress;
  const RunResult result = later.run_for(run_job(job, {engine, progress, sink}, later.runtime()));
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.copied, 600U);
  expect_nothing_found_twice();
  EXPECT_EQ(progress.done_objects, 600U);
}

TEST_F(DurableRunTest, AShareOfFailuresEndsTheRunOnceTheSampleIsThere) {
  put_sources(600);
  job.options.max_failure_share = 0.25;
  job.options.failure_sample = 100;
  int writes = 0;
  destination->before_write = [&] {
    if (++writes % 2 == 0) throw Error(ErrorClass::permission_denied, "no");
  };
  DurableDouble engine(state);
  const RunResult result = run(engine);
  EXPECT_EQ(result.status, RunStatus::failed);
  EXPECT_GE(result.accounts.copied + result.accounts.failed, 100U);
  EXPECT_LT(result.accounts.copied + result.accounts.failed, 300U);
  EXPECT_TRUE(result.accounts.closed());
}

TEST_F(DurableRunTest, WhatDiscoverySettlesIsInTheLedgerOfAFullReport) {
  put_sources(10);
  job.operation = Operation::sync;
  job.options.full_report = true;
  run_with_kills(SIZE_MAX);
  state = {};
  run_with_kills(SIZE_MAX);
  EXPECT_EQ(state.accounts.skipped, 10U);
  EXPECT_EQ(std::ranges::count(state.lines, '\n'), 10);
}

struct TwoRuns {
  static Task<> one(const Job& job, RunPorts ports, Runtime& runtime, RunResult& result) {
    result = co_await run_job(job, ports, runtime);
  }
  static Task<> both(const Job& a, RunPorts a_ports, RunResult& a_result, const Job& b, RunPorts b_ports,
                     RunResult& b_result, Runtime& runtime) {
    TaskGroup group(runtime.context().executor());
    group.spawn(one(a, a_ports, runtime, a_result));
    group.spawn(one(b, b_ports, runtime, b_result));
    co_await group.join();
  }
};

TEST_F(DurableRunTest, LinksThatWereReadAheadOfAPauseAreCountedOnce) {
  store::Capabilities files = memory::full_capabilities();
  files.range_listing = false;
  job.sources[0].store = source = std::make_shared<ListedStore>("source", files);
  source->page_size = 50;
  destination->page_size = 20;
  job.operation = Operation::sync;
  put_sources(600);
  for (int i = 0; i < 600; i += 2)
    destination->inner.put("out/" + name(i), "old");
  for (int i = 9; i < 600; i += 10)
    source->links.push_back("in/" + name(i) + "link");
  {
    DurableDouble engine(state);
    int steps = 0;
    engine.after = [&](std::string_view what) {
      if (what == "step" && ++steps == 2) world.runtime().stop().raise(StopLevel::drain);
    };
    EXPECT_EQ(run(engine).status, RunStatus::paused);
  }
  ManualRuntime later;
  DurableDouble engine(state);
  Progress progress;
  const RunResult result = later.run_for(run_job(job, {engine, progress, sink}, later.runtime()));
  EXPECT_EQ(result.status, RunStatus::completed);
  EXPECT_EQ(result.accounts.listed, 660U);
  EXPECT_EQ(result.accounts.skipped, 60U);
}

TEST_F(DurableRunTest, ARunThatWasGivenUpNeverEndsComplete) {
  put_sources(600);
  const auto cancel_after_three = [this](DurableDouble& engine, std::size_t* cancelled_at) {
    int records = 0;
    engine.after = [&](std::string_view what) {
      records += what == "record";
      if (what == "cancel" && cancelled_at != nullptr) *cancelled_at = engine.changes();
    };
    engine.asked = [&] { return records >= 3 ? Wish::cancel : Wish::none; };
    run(engine);
  };
  std::size_t cancelled_at = 0;
  {
    DurableState undisturbed;
    DurableDouble engine(undisturbed);
    cancel_after_three(engine, &cancelled_at);
  }
  DurableDouble engine(state, cancelled_at);
  cancel_after_three(engine, nullptr);
  EXPECT_TRUE(engine.dead());
  EXPECT_EQ(run_with_kills(SIZE_MAX).status, RunStatus::cancelled);
}

TEST_F(DurableRunTest, CancellingOneRunLeavesAnotherOfTheSameProcessAlone) {
  put_sources(400);
  Job other = job;
  other.destination->prefix = "elsewhere/";
  DurableState other_state;
  DurableDouble engine(state), other_engine(other_state);
  engine.asked = [&] { return state.accounts.copied >= 40 ? Wish::cancel : Wish::none; };
  Progress progress, other_progress;
  RunResult result, other_result;
  world.run(TwoRuns::both(job, {engine, progress, sink}, result, other, {other_engine, other_progress, sink},
                          other_result, world.runtime()));
  EXPECT_EQ(result.status, RunStatus::cancelled);
  EXPECT_EQ(other_result.status, RunStatus::completed);
  EXPECT_EQ(other_result.accounts.copied, 400U);
}

}  // namespace
}  // namespace haul::job

// Whole runs over stores in memory: what the promise says of accounts, guards and repetition.
#include <gtest/gtest.h>

#include <mutex>

#include "engine/memory/memory_engine.h"
#include "job/coordinator.h"
#include "stores/memory/memory_store.h"

namespace haul::engine {
namespace {

using memory::MemoryOptions;
using memory::MemoryStore;

class CollectingSink final : public job::OutcomeSink {
 public:
  bool wants_all() const noexcept override { return true; }
  void accept(const job::Outcome& outcome) override {
    const std::lock_guard lock(mutex_);
    outcomes.push_back(outcome);
  }
  std::size_t count(job::OutcomeKind kind) const {
    return static_cast<std::size_t>(
        std::count_if(outcomes.begin(), outcomes.end(), [kind](const auto& o) { return o.kind == kind; }));
  }
  std::vector<job::Outcome> outcomes;

 private:
  std::mutex mutex_;
};

struct RunTest : testing::Test {
  RunTest() {
    MemoryOptions options;
    options.name = "source";
    source = std::make_shared<MemoryStore>(options);
    options.name = "destination";
    destination = std::make_shared<MemoryStore>(options);
    job.sources.push_back({.store = source, .text = "source", .prefix = "in/", .strip = "in/"});
    job.destination = job::Destination{.store = destination, .text = "destination", .prefix = "out/"};
  }

  void put_sources(int count) {
    for (int i = 0; i < count; ++i)
      source->put("in/" + std::to_string(i), "content " + std::to_string(i));
  }

  job::RunResult run() {
    RuntimeOptions options;
    options.shards = 2;
    Runtime runtime(system_env(), null_logger(), options);
    MemoryRunEngine engine({.chunks_waiting = 8});
    job::Progress progress;
    sink.outcomes.clear();
    job::RunResult result = runtime.run_for(job::run_job(job, {engine, progress, sink}, runtime));
    EXPECT_TRUE(result.accounts.closed());
    return result;
  }

  std::shared_ptr<MemoryStore> source, destination;
  job::Job job;
  CollectingSink sink;
};

TEST_F(RunTest, copy_gives_every_object_its_new_key_and_content) {
  put_sources(2500);
  source->put("elsewhere/x", "not meant");
  const auto result = run();
  EXPECT_EQ(result.status, job::RunStatus::completed);
  EXPECT_EQ(result.accounts.listed, 2500U);
  EXPECT_EQ(result.accounts.copied, 2500U);
  EXPECT_EQ(destination->keys().size(), 2500U);
  EXPECT_EQ(destination->content("out/1234"), "content 1234");
}

TEST_F(RunTest, a_second_sync_finds_nothing_to_do) {
  put_sources(1500);
  job.operation = job::Operation::sync;
  EXPECT_EQ(run().accounts.copied, 1500U);
  const auto again = run();
  EXPECT_EQ(again.accounts.copied, 0U);
  EXPECT_EQ(again.accounts.skipped, 1500U);
}

TEST_F(RunTest, sync_copies_exactly_what_is_new_or_different) {
  put_sources(100);
  job.operation = job::Operation::sync;
  run();
  source->put("in/7", "another length altogether");
  source->put("in/new", "x");
  const auto result = run();
  EXPECT_EQ(result.accounts.copied, 2U);
  EXPECT_EQ(destination->content("out/7"), "another length altogether");
}

TEST_F(RunTest, sync_keeps_extras_unless_told_to_delete_them) {
  put_sources(10);
  destination->put("out/extra", "x");
  destination->put("beside/untouched", "x");
  job.operation = job::Operation::sync;
  EXPECT_EQ(run().accounts.extra_kept, 1U);
  job.options.delete_extra = true;
  const auto result = run();
  EXPECT_EQ(result.accounts.extra_deleted, 1U);
  EXPECT_FALSE(destination->content("out/extra"));
  EXPECT_TRUE(destination->content("beside/untouched"));
}

TEST_F(RunTest, sync_refuses_to_delete_more_than_the_share) {
  put_sources(2);
  for (int i = 0; i < 8; ++i)
    destination->put("out/extra" + std::to_string(i), "x");
  job.operation = job::Operation::sync;
  job.options.delete_extra = true;
  const auto result = run();
  EXPECT_EQ(result.status, job::RunStatus::failed);
  ASSERT_TRUE(result.error);
  EXPECT_NE(std::string(result.error->what()).find("--max-delete"), std::string::npos);
  EXPECT_EQ(result.accounts.extra_kept, 8U);
  EXPECT_EQ(destination->keys().size(), 10U);
}

TEST_F(RunTest, sync_refuses_to_delete_for_an_empty_source) {
  destination->put("out/only", "x");
  job.operation = job::Operation::sync;
  job.options.delete_extra = true;
  job.options.max_delete_share = 1;
  EXPECT_EQ(run().status, job::RunStatus::failed);
  EXPECT_TRUE(destination->content("out/only"));
  job.options.allow_empty_source = true;
  EXPECT_EQ(run().status, job::RunStatus::completed);
  EXPECT_FALSE(destination->content("out/only"));
}

TEST_F(RunTest, what_a_filter_keeps_out_is_neither_copied_nor_deleted) {
  put_sources(5);
  source->put("in/a.tmp", "x");
  destination->put("out/b.tmp", "x");
  job.operation = job::Operation::sync;
  job.options.delete_extra = true;
  job.options.filters.patterns.push_back({false, "*.tmp"});
  const auto result = run();
  EXPECT_EQ(result.accounts.filtered, 1U);
  EXPECT_FALSE(destination->content("out/a.tmp"));
  EXPECT_TRUE(destination->content("out/b.tmp"));
}

TEST_F(RunTest, a_move_leaves_nothing_at_the_source) {
  put_sources(1200);
  job.operation = job::Operation::move;
  const auto result = run();
  EXPECT_EQ(result.accounts.moved, 1200U);
  EXPECT_EQ(source->keys().size(), 0U);
  EXPECT_EQ(destination->keys().size(), 1200U);
}

TEST_F(RunTest, objects_that_would_meet_under_one_key_fail_and_stay) {
  source->put("in/a/x", "first");
  source->put("in/b/x", "second");
  job.operation = job::Operation::move;
  job.mapping = job::Mapping::flatten;
  const auto result = run();
  EXPECT_EQ(result.accounts.moved, 1U);
  EXPECT_EQ(result.accounts.failed, 1U);
  EXPECT_EQ(source->keys().size(), 1U);
  EXPECT_EQ(destination->keys(), std::vector<std::string>{"out/x"});
}

TEST_F(RunTest, two_sources_with_one_name_do_not_overwrite_each_other) {
  source->put("in/x", "first");
  source->put("other/x", "second");
  job.sources.push_back({.store = source, .text = "other", .prefix = "other/", .strip = "other/"});
  job.operation = job::Operation::move;
  const auto result = run();
  EXPECT_EQ(result.accounts.moved, 1U);
  EXPECT_EQ(result.accounts.failed, 1U);
  EXPECT_EQ(source->keys().size(), 1U);
}

TEST_F(RunTest, a_dry_run_changes_nothing_and_counts_everything) {
  put_sources(30);
  for (const auto operation : {job::Operation::copy, job::Operation::move, job::Operation::sync}) {
    job.operation = operation;
    job.options.dry_run = true;
    const auto result = run();
    EXPECT_EQ(result.accounts.copied + result.accounts.moved, 30U);
    EXPECT_EQ(source->keys().size(), 30U);
    EXPECT_EQ(destination->keys().size(), 0U);
  }
}

TEST_F(RunTest, remove_takes_what_lies_below_the_prefix) {
  put_sources(2100);
  source->put("other", "x");
  job.operation = job::Operation::remove;
  job.destination.reset();
  EXPECT_EQ(run().accounts.deleted, 2100U);
  EXPECT_EQ(source->keys(), std::vector<std::string>{"other"});
}

TEST_F(RunTest, check_names_missing_extra_and_different) {
  put_sources(20);
  job.operation = job::Operation::sync;
  run();
  source->put("in/0", "longer than before");
  source->put("in/missing", "x");
  destination->put("out/extra", "x");
  job.operation = job::Operation::check;
  const auto result = run();
  EXPECT_EQ(result.accounts.same, 19U);
  EXPECT_EQ(result.accounts.different, 1U);
  EXPECT_EQ(result.accounts.missing, 1U);
  EXPECT_EQ(result.accounts.extra, 1U);
  EXPECT_EQ(sink.count(job::OutcomeKind::different), 3U);
}

TEST_F(RunTest, check_by_bytes_finds_what_size_and_time_hide) {
  source->put("in/a", "abc", {}, Time(std::chrono::seconds(100)));
  destination->put("out/a", "abd", {}, Time(std::chrono::seconds(200)));
  job.operation = job::Operation::check;
  job.options.check = job::CheckMode::bytes;
  const auto result = run();
  EXPECT_EQ(result.accounts.different, 1U);
}

TEST_F(RunTest, existing_objects_are_skipped_with_create_only) {
  put_sources(3);
  destination->put("out/1", "kept");
  job.options.create_only = true;
  const auto result = run();
  EXPECT_EQ(result.accounts.copied, 2U);
  EXPECT_EQ(result.accounts.skipped, 1U);
  EXPECT_EQ(destination->content("out/1"), "kept");
}

}  // namespace
}  // namespace haul::engine

// Runs whose process is killed, and whose disk is full, at moments that nobody chose: afterwards every object
// is recorded exactly once.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using job::RunStatus;

constexpr int kObjects = 20'000;
constexpr int kStep = 10;

// From its place on to the end. Every third step is one without a place, so that it is held.
Task<> discover_from_place(EmbeddedRunEngine& engine, OpContext context, int objects) {
  const job::DiscoveryState found = engine.discovery();
  bool first = true;
  for (int i = found.place ? std::stoi(*found.place) : 0; !found.ended && i < objects; i += kStep) {
    job::DiscoveryStep step = step_of(i, kStep, i + kStep >= objects);
    step.first = std::exchange(first, false);
    // One of the ten is settled by discovery itself.
    step.chunks.front().items.pop_back();
    ++step.accounts.skipped;
    add_line(step.ledger, key_of(i + kStep - 1));
    if (i / kStep % 3 == 1) step.place.reset();
    if (!co_await engine.discovered(std::move(step), context)) break;
  }
  engine.close();
}

// The first object of each chunk needs a second attempt, and every second chunk has a stage.
Task<> work(EmbeddedRunEngine& engine, OpContext context) {
  while (auto chunk = co_await engine.lease(context)) {
    if (chunk->id % 2 == 0 && chunk->stage == job::Stage::begin)
      co_await engine.record_stage(chunk->id, job::Stage::copied, "facts", context);
    job::ChunkReport report;
    report.chunk = chunk->id;
    std::span<const job::Item> items = chunk->items;
    if (chunk->attempt == 1) {
      report.rest = chunk_of(std::stoi(std::string(items.front().key.substr(3))), 1);
      report.rest->attempt = 2;
      items = items.subspan(1);
    }
    report.accounts.copied = items.size();
    for (const job::Item& item : items)
      add_line(report.ledger, item.key);
    co_await engine.record(std::move(report), context);
  }
}

Task<> work_to_the_end(EmbeddedRunEngine& engine, OpContext context, int objects) {
  if (engine.status() != RunStatus::discovering) co_await engine.set_status(RunStatus::discovering, context);
  TaskGroup group(context.executor());
  group.spawn(discover_from_place(engine, context, objects));
  for (int worker = 0; worker < 3; ++worker)
    group.spawn(work(engine, context));
  co_await group.join();
  co_await engine.set_status(RunStatus::finalizing, context);
  co_await engine.set_status(RunStatus::completed, context);
}

EmbeddedRunOptions quick_options() {
  EmbeddedRunOptions options;
  options.retry_delay = std::chrono::milliseconds(2);
  options.longest_retry_delay = std::chrono::milliseconds(5);
  options.segment_bytes = 20'000;
  options.report.segment_bytes = 50'000;
  options.queue_chunks = 40;
  return options;
}

void run_once(const std::string& directory, const std::string& run, int objects) {
  Runtime runtime(system_env(), null_logger(), {.shards = 2, .blocking_threads = 3});
  StateDirectory state(directory, system_env());
  state.lock();
  const job::Progress progress;
  EmbeddedRunEngine engine(state, run, quick_options(), progress);
  runtime.run(work_to_the_end(engine, runtime.context(), objects));
}

std::string create_run(const std::string& directory) {
  StateDirectory state(directory, system_env());
  return Runs(state).create({.job = "images", .operation = "copy"});
}

void expect_everything_once(const std::string& directory, const std::string& run, int objects) {
  StateDirectory state(directory, system_env());
  const RunInfo info = Runs(state).get(run);
  EXPECT_EQ(info.status, RunStatus::completed);
  EXPECT_TRUE(info.accounts.closed());
  EXPECT_EQ(info.accounts.listed, static_cast<std::uint64_t>(objects));
  EXPECT_EQ(info.accounts.skipped, static_cast<std::uint64_t>(objects / kStep));
  EXPECT_EQ(info.accounts.copied, static_cast<std::uint64_t>(objects - objects / kStep));
  std::vector<std::string> lines = ledger_lines(info.report);
  std::ranges::sort(lines);
  EXPECT_EQ(std::ranges::adjacent_find(lines), lines.end()) << "recorded twice";
  EXPECT_EQ(lines.size(), static_cast<std::size_t>(objects));
}

TEST(Crash, a_run_that_is_killed_a_hundred_times_records_every_object_once) {
  const TestDirectory directory;
  const std::string run = create_run(directory.path());
  std::mt19937 random(20261120);
  int killed = 0;
  bool ended = false;
  for (int round = 0; round < 1000 && !ended; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      try {
        run_once(directory.path(), run, kObjects);
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        ::_exit(1);
      }
      ::_exit(0);
    }
    if (killed < 100) {
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      ::kill(child, SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
      ++killed;
    } else {
      ASSERT_EQ(WEXITSTATUS(status), 0);
      ended = true;
    }
  }
  ASSERT_TRUE(ended);
  RecordProperty("killed", killed);
  EXPECT_EQ(killed, 100);
  expect_everything_once(directory.path(), run, kObjects);
}

// A disk that is full after `bytes`, and no longer so once room() was called.
class SmallDisk {
 public:
  explicit SmallDisk(std::uint64_t bytes) {
    if (::mount("haul", path().c_str(), "tmpfs", 0, ("size=" + std::to_string(bytes)).c_str()) != 0) return;
    mounted_ = true;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  const std::string& path() const noexcept { return directory_.path(); }
  bool mounted() const noexcept { return mounted_; }
  void grow(std::uint64_t bytes) const {
    ASSERT_EQ(::mount("haul", path().c_str(), "tmpfs", MS_REMOUNT, ("size=" + std::to_string(bytes)).c_str()),
              0);
  }

 private:
  TestDirectory directory_;
  bool mounted_ = false;
};

}  // namespace
}  // namespace haul::engine

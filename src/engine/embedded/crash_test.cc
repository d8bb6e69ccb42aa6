// Runs whose process is killed, and whose disk is full, at moments that nobody chose: afterwards every object
// is recorded exactly once.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"
#include "runtime/task_group.h"

namespace haul::engine {
namespace {

using job::RunStatus;

constexpr int kObjects = 10'000;
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
      report.rest.push_back(chunk_of(std::stoi(std::string(items.front().key.substr(3))), 1));
      report.rest.front().attempt = 2;
      items = items.subspan(1);
    }
    report.accounts.copied = items.size();
    for (const job::Item& item : items)
      add_line(report.ledger, item.key);
    co_await engine.record(std::move(report), context);
  }
}

// Who fails does not let the others wait for ever.
Task<> or_hold(EmbeddedRunEngine& engine, Task<> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    engine.hold();
    throw;
  }
}

Task<> work_to_the_end(EmbeddedRunEngine& engine, OpContext context, int objects) {
  co_await engine.set_status(RunStatus::discovering, context);
  TaskGroup group(context.executor());
  group.spawn(or_hold(engine, discover_from_place(engine, context, objects)));
  for (int worker = 0; worker < 3; ++worker)
    group.spawn(or_hold(engine, work(engine, context)));
  co_await group.join();
  co_await engine.set_status(RunStatus::finalizing, context);
  co_await engine.set_status(RunStatus::completed, context);
}

// A killed process leaves what it wrote to the kernel, so no disk is needed, and more is written in a while.
std::string in_memory() {
  return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : std::filesystem::temp_directory_path().string();
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

bool has_ended(const std::string& directory, const std::string& run) {
  StateDirectory state(directory, system_env());
  return job::is_final(Runs(state).get(run).status);
}

// Kills the process that works on the run after a while; true if the run came to its end before.
bool ended_before_killed(const std::string& directory, const std::string& run,
                         std::chrono::microseconds after) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      run_once(directory, run, kObjects);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      ::_exit(1);
    }
    ::_exit(0);
  }
  std::this_thread::sleep_for(after);
  ::kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  if (WIFSIGNALED(status)) return has_ended(directory, run);  // the process may have had its last lines to go
  EXPECT_EQ(WEXITSTATUS(status), 0);
  return true;
}

TEST(Crash, however_often_a_run_is_killed_it_records_every_object_once) {
  const TestDirectory directory{in_memory()};
  std::mt19937 random(20261120);
  std::string run = create_run(directory.path());
  for (int killed = 0; killed < 100;) {
    if (!ended_before_killed(directory.path(), run, std::chrono::microseconds(random() % 60'000))) {
      ++killed;
      continue;
    }
    expect_everything_once(directory.path(), run, kObjects);
    run = create_run(directory.path());
  }
  run_once(directory.path(), run, kObjects);
  expect_everything_once(directory.path(), run, kObjects);
}

// A disk of its own that can be filled up and freed; without the right to mount one, files that must not grow
// stand for it.
class FillableDisk {
 public:
  FillableDisk() {
    mounted_ = ::mount("haul", path().c_str(), "tmpfs", 0, "size=8m") == 0;
    ::signal(SIGXFSZ, SIG_IGN);
  }
  ~FillableDisk() {
    free();
    if (mounted_) ::umount2(path().c_str(), MNT_DETACH);
  }
  FillableDisk(const FillableDisk&) = delete;
  FillableDisk& operator=(const FillableDisk&) = delete;
  const std::string& path() const noexcept { return directory_.path(); }
  bool mounted() const noexcept { return mounted_; }

  void fill() const {
    if (!mounted_) return limit_files(0);
    const int file = ::open(filler().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const std::string block(4096, 'x');
    while (::write(file, block.data(), block.size()) > 0) {
    }
    ::close(file);
  }
  void free() const {
    if (!mounted_) return limit_files(RLIM_INFINITY);
    ::unlink(filler().c_str());
  }

 private:
  std::string filler() const { return path() + "/filler"; }
  static void limit_files(rlim_t bytes) {
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }

  TestDirectory directory_;
  bool mounted_ = false;
};

TEST(FullDisk, a_report_that_cannot_be_written_changes_nothing_and_can_be_made_again) {
  const FillableDisk disk;
  const std::string directory = disk.path() + "/state";
  const std::string run = create_run(directory);
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 1});
  OpContext context = runtime.context();
  StateDirectory state(directory, system_env());
  state.lock();
  const job::Progress progress;
  EmbeddedRunEngine engine(state, run, quick_options(), progress);
  runtime.run(engine.set_status(RunStatus::discovering, context));
  for (int i = 0; i < 3; ++i)
    runtime.run_for(engine.discovered(step_of(i * 1000, 1000, i == 2), context));
  const auto chunk = runtime.run_for(engine.lease(context));

  disk.fill();
  try {
    runtime.run(engine.record(all_copied(*chunk), context));
    ADD_FAILURE() << "recorded on a full disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::exhausted) << error.what();
  }
  EXPECT_EQ(engine.accounts().copied, 0U);
  EXPECT_EQ(engine.accounts().listed, 3000U);

  disk.free();
  runtime.run(engine.set_status(RunStatus::paused, context));
  runtime.run(engine.set_status(RunStatus::processing, context));
  engine.close();
  while (auto next = runtime.run_for(engine.lease(context)))
    runtime.run(engine.record(all_copied(*next), context));
  EXPECT_EQ(engine.accounts().copied, 3000U);
  runtime.run(engine.set_status(RunStatus::finalizing, context));
  runtime.run(engine.set_status(RunStatus::completed, context));
  EXPECT_EQ(ledger_lines(engine.report_path()).size(), 3000U);
}

TEST(FullDisk, whenever_the_disk_is_full_a_run_goes_on_once_there_is_room) {
  constexpr int kFewer = 5000;
  const FillableDisk disk;
  const std::string directory = disk.path() + "/state";
  const std::string run = create_run(directory);
  std::mt19937 random(7);
  bool ended = false;
  for (int round = 0; !ended; ++round) {
    std::jthread filler;
    if (round < 15)
      filler = std::jthread([&disk, after = random() % 40'000] {
        std::this_thread::sleep_for(std::chrono::microseconds(after));
        disk.fill();
      });
    try {
      run_once(directory, run, kFewer);
      ended = true;
    } catch (const Error& error) {
      // Of a limit for files, SQLite says no more than that writing has failed.
      if (disk.mounted()) EXPECT_EQ(error.error_class(), ErrorClass::exhausted) << error.what();
    }
    if (filler.joinable()) filler.join();
    disk.free();
  }
  expect_everything_once(directory, run, kFewer);
}

}  // namespace
}  // namespace haul::engine

// A state in a directory of its own, and runs in it, for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/embedded/embedded_run_engine.h"
#include "engine/embedded/runs.h"
#include "engine/embedded/state_directory.h"
#include "runtime/shard.h"
#include "sqlite/database.h"

namespace haul::engine {

class TestDirectory {
 public:
  explicit TestDirectory(const std::string& below = std::filesystem::temp_directory_path()) {
    std::string pattern = below + "/haul-state-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~TestDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

// An object of a run in tests is a number; its key and its line in the ledger say which.
inline std::string key_of(int number) {
  return "in/" + std::to_string(number);
}

inline job::Chunk chunk_of(int first, int count) {
  job::Chunk chunk;
  for (int i = first; i < first + count; ++i) {
    job::Item& item = chunk.items.emplace_back();
    item.key = chunk.text.store(key_of(i));
    item.destination_key = chunk.text.store("out/", std::to_string(i));
    item.size = static_cast<std::uint64_t>(i);
    chunk.bytes += item.size;
  }
  return chunk;
}

inline void add_line(job::Ledger& ledger, std::string_view key) {
  ledger.lines.append(R"({"key":")").append(key).append("\"}\n");
  ++ledger.outcomes;
}

// Everything in the chunk was copied.
inline job::ChunkReport all_copied(const job::Chunk& chunk) {
  job::ChunkReport report;
  report.chunk = chunk.id;
  report.accounts.copied = chunk.items.size();
  for (const job::Item& item : chunk.items)
    add_line(report.ledger, item.key);
  return report;
}

// One chunk of `count` objects from number `first` on; discovery goes on behind them.
inline job::DiscoveryStep step_of(int first, int count, bool last = false) {
  job::DiscoveryStep step;
  step.chunks.push_back(chunk_of(first, count));
  step.accounts.listed = static_cast<std::uint64_t>(count);
  step.place = std::to_string(first + count);
  step.last = last;
  return step;
}

inline job::Outcome failed_outcome(std::string key, ErrorClass error_class) {
  job::Outcome outcome;
  outcome.kind = job::OutcomeKind::failed;
  outcome.key = std::move(key);
  outcome.error = Error(error_class, "no luck");
  return outcome;
}

// The lines of a report's ledger.
inline std::vector<std::string> ledger_lines(const std::string& report) {
  std::vector<std::string> lines;
  for (const auto& file : std::filesystem::directory_iterator(report)) {
    if (!file.path().filename().string().starts_with("ledger-")) continue;
    std::ifstream in(file.path());
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
  }
  return lines;
}

class ScriptedRun : public testing::Test {
 protected:
  ScriptedRun() { begin(); }
  ~ScriptedRun() override { end(); }

  void begin() {
    state = std::make_unique<StateDirectory>(directory.path(), system_env());
    state->lock();
    runs = std::make_unique<Runs>(*state);
    if (run.empty()) run = runs->create({.job = "images", .operation = "copy"});
    options.heartbeat = Duration(0);
    options.retry_delay = std::chrono::milliseconds(20);
    engine = std::make_unique<EmbeddedRunEngine>(*state, run, options, progress);
  }
  void end() {
    engine.reset();
    runs.reset();
    state.reset();
  }
  // As after a process that left no traces in memory.
  void again() {
    end();
    begin();
  }

  // As after one that was killed: nobody has said that it is gone.
  void killed() {
    end();
    sqlite::Database(directory.path() + "/state.db", sqlite::OpenMode::create, std::chrono::seconds(1))
        .execute("UPDATE owners SET owner = 'somebody'");
    begin();
  }

  template <class T>
  T wait(Task<T> task) {
    return runtime.run_for(std::move(task));
  }
  void wait(Task<> task) { runtime.run(std::move(task)); }

  bool discover(job::DiscoveryStep step) { return wait(engine->discovered(std::move(step), context)); }
  std::optional<job::Chunk> lease() { return wait(engine->lease(context)); }
  void record(job::ChunkReport report) { wait(engine->record(std::move(report), context)); }
  void become(job::RunStatus status) { wait(engine->set_status(status, context)); }
  void begin_run() { become(job::RunStatus::discovering); }
  void complete_run() {
    become(job::RunStatus::finalizing);
    become(job::RunStatus::completed);
  }

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

  TestDirectory directory;
  Runtime runtime{system_env(), null_logger(), {.shards = 1, .blocking_threads = 2}};
  OpContext context = runtime.context();
  job::Progress progress;
  EmbeddedRunOptions options;
  std::string run;
  std::unique_ptr<StateDirectory> state;
  std::unique_ptr<Runs> runs;
  std::unique_ptr<EmbeddedRunEngine> engine;
};

}  // namespace haul::engine

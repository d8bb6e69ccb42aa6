// What it costs to keep a run: CPU and bytes of state for each object, beside the making of the chunks that
// every engine needs. No object is moved.
//
//   embedded_engine DIRECTORY [OBJECTS] [ledger]
//
// With `ledger`, each object also leaves a line of 300 bytes in the report, as a copy does.
#include <fmt/format.h>
#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>

#include "engine/embedded/embedded_run_engine.h"
#include "engine/embedded/runs.h"
#include "runtime/shard.h"
#include "runtime/task_group.h"

using namespace haul;          // NOLINT(google-build-using-namespace): a program of one file
using namespace haul::engine;  // NOLINT(google-build-using-namespace)

namespace {

constexpr std::uint64_t kChunk = 1000;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t bytes_below(const std::string& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory))
    if (file.is_regular_file() && file.path().string().find("/report/") == std::string::npos)
      bytes += file.file_size();
  return bytes;
}

job::Chunk make_chunk(std::uint64_t first) {
  job::Chunk chunk;
  chunk.items.resize(kChunk);
  for (std::uint64_t i = 0; i < kChunk; ++i) {
    job::Item& item = chunk.items[i];
    std::array<char, 64> name;
    const auto end = fmt::format_to(name.data(), "collection/2024/{:09}.jpg", first + i);
    const std::string_view text(name.data(), static_cast<std::size_t>(end - name.data()));
    item.key = chunk.text.store("image/", text);
    item.destination_key = chunk.text.store("avatar/", text);
    std::array<char, 33> etag;
    fmt::format_to(etag.data(), "{:016x}{:016x}", (first + i) * 0x9e3779b97f4a7c15,
                   (first - i) * 0xc2b2ae3d27d4eb4f);
    item.etag = chunk.text.store({etag.data(), 32});
    item.size = 50'000 + i;
    item.modified = item.changed =
        Time(std::chrono::seconds(1'700'000'000 + (first * 7919 + i * 104'729) % 10'000'000));
    chunk.bytes += item.size;
  }
  return chunk;
}

Task<> discover(EmbeddedRunEngine& engine, OpContext context, std::uint64_t objects) {
  for (std::uint64_t first = 0; first < objects; first += kChunk) {
    job::DiscoveryStep step;
    step.chunks.push_back(make_chunk(first));
    step.accounts.listed = kChunk;
    step.place = std::to_string(first + kChunk);
    step.last = first + kChunk >= objects;
    co_await engine.discovered(std::move(step), context);
  }
  engine.close();
}

Task<> work(EmbeddedRunEngine& engine, OpContext context, const std::string& lines) {
  while (auto chunk = co_await engine.lease(context)) {
    job::ChunkReport report;
    report.chunk = chunk->id;
    report.accounts.copied = chunk->items.size();
    report.ledger.lines = lines;
    report.ledger.outcomes = lines.empty() ? 0 : chunk->items.size();
    co_await engine.record(std::move(report), context);
  }
}

Task<> whole_run(EmbeddedRunEngine& engine, OpContext context, std::uint64_t objects,
                 const std::string& lines) {
  co_await engine.set_status(job::RunStatus::discovering, context);
  TaskGroup group(context.executor());
  group.spawn(discover(engine, context, objects));
  for (int worker = 0; worker < 4; ++worker)
    group.spawn(work(engine, context, lines));
  co_await group.join();
  co_await engine.set_status(job::RunStatus::finalizing, context);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::string directory = argv[1];
  const std::uint64_t objects = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1'000'000;
  std::string lines;
  if (argc > 3)
    for (std::uint64_t i = 0; i < kChunk; ++i)
      lines += fmt::format("{{\"key\":\"image/{:0280}\"}}\n", i);

  double before = cpu_seconds();
  std::uint64_t items = 0;
  for (std::uint64_t first = 0; first < objects; first += kChunk)
    items += make_chunk(first).items.size();
  const double making = (cpu_seconds() - before) / static_cast<double>(items) * 1e6;

  StateDirectory state(directory, system_env());
  state.lock();
  const std::string run = Runs(state).create({.job = "bench", .operation = "copy"});
  const job::Progress progress;
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 4});
  before = cpu_seconds();
  const auto started = std::chrono::steady_clock::now();
  std::uint64_t state_bytes = 0;
  {
    EmbeddedRunEngine engine(state, run, {}, progress);
    OpContext context = runtime.context();
    runtime.run(whole_run(engine, context, objects, lines));
    state_bytes = bytes_below(directory);
    runtime.run(engine.set_status(job::RunStatus::completed, context));
  }
  const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const double engine_cpu = (cpu_seconds() - before) / static_cast<double>(objects) * 1e6;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  fmt::print("making chunks        {:.2f} us of CPU an object\n", making);
  fmt::print("and keeping the run  {:.2f} us of CPU an object ({:.2f} for the engine)\n", engine_cpu,
             engine_cpu - making);
  fmt::print("state before the end {:.1f} bytes an object, report apart; after it {} bytes\n",
             static_cast<double>(state_bytes) / static_cast<double>(objects), bytes_below(directory));
  fmt::print("{:.0f} objects a second, {} MiB at the most\n", static_cast<double>(objects) / wall,
             usage.ru_maxrss / 1024);
}

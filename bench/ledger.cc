// What the lines of a report cost per object: both lines written, and the JSON line read back. The median of
// several rounds on one thread, in CPU time. With a directory and a number of objects: a whole report of so
// many, made durable chunk by chunk, counted again, and the memory it took.
#include <fmt/format.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/time_format.h"
#include "job/ledger_reader.h"
#include "job/ledger_recount.h"
#include "job/report.h"
#include "job/report_summary.h"
#include "stores/memory/memory_store.h"

namespace haul {
namespace {

constexpr int kObjects = 10'000;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

template <class Call>
void measure(std::string_view name, Call call) {
  std::array<double, 9> rounds{};
  for (double& round : rounds) {
    const double start = cpu_seconds();
    call();
    round = (cpu_seconds() - start) / kObjects * 1e9;
  }
  std::ranges::sort(rounds);
  fmt::print("{:<40}{:>10.0f} ns per object\n", name, rounds[rounds.size() / 2]);
}

struct Example {
  Example() {
    job.operation = job::Operation::move;
    job.sources.push_back({.store = std::make_shared<memory::MemoryStore>()});
    job.destination = job::Destination{.store = std::make_shared<memory::MemoryStore>()};
  }
  job::Outcome outcome{.kind = job::OutcomeKind::moved,
                       .key = "image/2024/01/31/0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg",
                       .destination_key = "avatar/2024/01/31/0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg",
                       .size = 123456,
                       .etag = "9e107d9d372bb6826bd81d3542a419d6",
                       .modified = *parse_iso8601("2024-01-31T12:34:56Z"),
                       .written_etag = "9e107d9d372bb6826bd81d3542a419d6",
                       .checksum = "crc64nvme:AAAAAAAAAAA=",
                       .how = "streamed",
                       .proof = "checksum",
                       .row = R"([123456,"image/2024/01/31/0a1b2c3d4e5f60718293a4b5c6d7e8f9.jpg"])",
                       .catalogue = job::CatalogueState::updated,
                       .took = std::chrono::microseconds(12345),
                       .finished = *parse_iso8601("2026-11-20T15:00:00.25Z")};
  job::Job job;
};

void measure_lines() {
  const Example example;
  std::string text;
  std::size_t json = 0, csv = 0;
  const auto write = [&](const job::ReportOptions& options) {
    job::LedgerWriter writer(example.job, options);
    for (int i = 0; i < kObjects; ++i)
      writer.add(example.outcome);
    const job::Ledger ledger = writer.take();
    json = ledger.lines.size() / kObjects;
    csv = ledger.succeeded.size() / kObjects;
    text = ledger.lines.substr(0, ledger.lines.find('\n'));
  };
  measure("JSON line written", [&] { write({.csv = false}); });
  measure("JSON and CSV line written", [&] { write({}); });
  measure("JSON line read", [&] {
    for (int i = 0; i < kObjects; ++i)
      job::parse_ledger_line(text);
  });
  fmt::print("bytes per object: {} JSON, {} CSV\n", json, csv);
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

void measure_files(const std::string& directory, std::uint64_t objects) {
  const Example example;
  double cpu = cpu_seconds(), wall = wall_seconds();
  const auto tell = [&](std::string_view what) {
    fmt::print("{:<40}{:>8.2f} us CPU, {:.2f} us per object; peak {} MB\n", what,
               (cpu_seconds() - cpu) / static_cast<double>(objects) * 1e6,
               (wall_seconds() - wall) / static_cast<double>(objects) * 1e6, peak_kilobytes() >> 10);
    cpu = cpu_seconds();
    wall = wall_seconds();
  };
  {
    job::ReportFiles files(directory, {}, "");
    for (std::uint64_t done = 0; done < objects;) {
      job::LedgerWriter writer(example.job, {});
      for (std::uint64_t i = 0; i < 1000 && done < objects; ++i, ++done)
        writer.add(example.outcome);
      files.append(writer.take());
    }
    tell("written and synced, 1000 at a time");
    files.finish(job::summary_json({.accounts = {.listed = objects, .moved = objects}}), Time{});
    tell("finished");
  }
  job::LedgerReader reader(directory);
  job::LedgerRecount recount;
  while (const auto line = reader.next())
    recount.add(*line);
  tell("counted again");
  fmt::print("{} counted\n", recount.lines());
}

}  // namespace
}  // namespace haul

int main(int argc, char** argv) {
  if (argc == 3)
    haul::measure_files(argv[1], std::stoull(argv[2]));
  else
    haul::measure_lines();
}

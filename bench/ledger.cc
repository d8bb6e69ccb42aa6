// What the lines of a report cost per object: both lines written, and the JSON line read back. The median of
// several rounds on one thread, in CPU time.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <string>

#include "base/time_format.h"
#include "job/report.h"
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

void run() {
  job::Job job;
  job.operation = job::Operation::move;
  job.sources.push_back({.store = std::make_shared<memory::MemoryStore>()});
  job.destination = job::Destination{.store = std::make_shared<memory::MemoryStore>()};
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
  std::size_t json = 0, csv = 0;
  const auto write = [&](const job::ReportOptions& options) {
    job::LedgerWriter writer(job, options);
    for (int i = 0; i < kObjects; ++i)
      writer.add(outcome);
    const job::Ledger ledger = writer.take();
    json = ledger.lines.size() / kObjects;
    csv = ledger.succeeded.size() / kObjects;
  };
  measure("JSON line written", [&] { write({.csv = false}); });
  measure("JSON and CSV line written", [&] { write({}); });
  fmt::print("bytes per object: {} JSON, {} CSV\n", json, csv);
}

}  // namespace
}  // namespace haul

int main() {
  haul::run();
}

// What a catalogue costs per row: paging, updating, and asking whether other rows name an object, in
// processor time of this process (user + system).
//
//   bench_catalog URL [rows] [rows per batch] [connections]       the password is in HAUL_BENCH_PASSWORD
//
// The database must hold a table haul_bench (id BIGINT PRIMARY KEY, path VARCHAR(500) NOT NULL UNIQUE) with
// the ids from 1 to rows and the paths 'image/1' and so on; afterwards they are 'avatar/1' and so on.
#include "catalog/catalog.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/log.h"
#include "runtime/shard.h"
#include "runtime/task_group.h"

namespace haul::catalog {
namespace {

double processor_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Bench {
  Catalog& catalog;
  std::size_t rows, batch;
  std::size_t next = 1;
  std::size_t updated = 0, named = 0;
};

Task<> page_all(Bench& bench, OpContext& context) {
  const Selection selection{.query = "SELECT id, path FROM haul_bench",
                            .cursor = "id",
                            .page_rows = static_cast<std::uint32_t>(bench.batch)};
  std::optional<Value> after;
  while (true) {
    const SelectedPage page = co_await bench.catalog.page(selection, after, context);
    if (page.rows.empty()) co_return;
    after = page.rows.back()[0];
  }
}

Task<> update_batches(Bench& bench, const Statement& statement, OpContext& context) {
  while (bench.next <= bench.rows) {
    std::vector<RowUpdate> rows;
    for (; rows.size() < bench.batch && bench.next <= bench.rows; ++bench.next) {
      std::string from = "image/" + std::to_string(bench.next), to = "avatar/" + std::to_string(bench.next);
      rows.push_back({.values = {to, static_cast<std::int64_t>(bench.next), std::move(from)},
                      .if_done = {to, static_cast<std::int64_t>(bench.next), to}});
    }
    const std::vector<RowResult> results = co_await bench.catalog.update(statement, rows, context);
    for (const RowResult& result : results)
      bench.updated += result.state == RowResult::State::updated ? 1 : 0;
  }
}

Task<> update_all(Bench& bench, unsigned connections, OpContext& context) {
  const Statement statement =
      Statement::parse("UPDATE haul_bench SET path = :to WHERE id = :id AND path = :from");
  TaskGroup group(context.executor());
  for (unsigned i = 0; i < connections; ++i)
    group.spawn(update_batches(bench, statement, context));
  co_await group.join();
}

// As before the sources of a batch are removed: nothing names them any more.
Task<> ask_all(Bench& bench, OpContext& context) {
  const Selection selection{.query = "SELECT id, path FROM haul_bench", .cursor = "id", .key = "path"};
  for (std::size_t next = 1; next <= bench.rows;) {
    std::vector<NamingRow> rows;
    for (; rows.size() < bench.batch && next <= bench.rows; ++next)
      rows.push_back({.key = "image/" + std::to_string(next), .cursor = static_cast<std::int64_t>(next)});
    for (const bool named : co_await bench.catalog.named_by_others(selection, rows, context))
      bench.named += named ? 1 : 0;
  }
}

int run(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: bench_catalog URL [rows] [rows per batch] [connections]\n", stderr);
    return 2;
  }
  const auto number = [&](int at, unsigned long usual) {
    return argc > at ? std::strtoul(argv[at], nullptr, 10) : usual;
  };
  CatalogOptions options{.url = argv[1]};
  if (const char* password = std::getenv("HAUL_BENCH_PASSWORD")) options.password = password;
  options.connections = static_cast<unsigned>(number(4, 1));
  const auto catalog = open_catalog(options);
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 8, .memory = 64ULL << 20});
  Bench bench{.catalog = *catalog, .rows = number(2, 100'000), .batch = number(3, 1000)};
  OpContext context = runtime.context();
  const auto measure = [&](const char* what, Task<> work) {
    const double cpu = processor_seconds();
    const auto begin = std::chrono::steady_clock::now();
    runtime.run(std::move(work));
    const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const auto rows = static_cast<double>(bench.rows);
    std::printf("%-8s %6.2f us CPU per row, %8.0f rows/s\n", what, (processor_seconds() - cpu) * 1e6 / rows,
                rows / wall);
  };
  measure("page", page_all(bench, context));
  measure("update", update_all(bench, options.connections, context));
  measure("ask", ask_all(bench, context));
  std::printf("%zu of %zu rows updated\n", bench.updated, bench.rows);
  return bench.updated == bench.rows && bench.named == 0 ? 0 : 1;
}

}  // namespace
}  // namespace haul::catalog

int main(int argc, char** argv) {
  return haul::catalog::run(argc, argv);
}

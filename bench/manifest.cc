// CPU time per line of reading manifests of a million lines: S3 Batch Operations' CSV, an inventory's row
// with all its columns, JSON lines, plain keys; and what gzip adds.
#include "listing/manifest.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/env.h"
#include "base/log.h"
#include "runtime/shard.h"
#include "stream_cost.h"

namespace {

using namespace haul;
using namespace haul::listing;

constexpr int kLines = 1'000'000;

void measure(const char* what, const std::string& path, ManifestOptions options) {
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 1});
  const auto stream = open_manifest({.store = nullptr, .name = path, .bucket = {}}, std::move(options));
  const double before = cpu_microseconds();
  const std::uint64_t entries = runtime.run_for(count_entries(*stream, runtime.context()));
  const double took = cpu_microseconds() - before;
  fmt::print("{:<28} {:>9} lines {:>7.3f} us/line\n", what, entries, took / static_cast<double>(entries));
}

}  // namespace

int main() {
  const std::string folder = "/var/tmp/haul-bench-manifest-" + make_id(system_env()) + "/";
  std::filesystem::create_directories(folder);
  std::ofstream batch(folder + "batch.csv"), inventory(folder + "inventory.csv"),
      lines(folder + "lines.jsonl");
  const std::string packed = folder + "inventory.csv.gz";
  gzFile zip = ::gzopen(packed.c_str(), "wb");
  for (int i = 0; i < kLines; ++i) {
    batch << fmt::format("media-src,images/2024/caf%C3%A9/{:09},3HL4kqtJlcpXroDTDmJ\n", i);
    const std::string row = fmt::format(
        "\"media-src\",\"images/2024/caf%C3%A9/"
        "{0:09}\",\"v{0}\",\"true\",\"false\",\"{0}\",\"2024-03-01T12:00:00.000Z\","
        "\"0cc175b9c0f1b6a831c399e269772661\",\"STANDARD\"\n",
        i);
    inventory << row;
    ::gzwrite(zip, row.data(), static_cast<unsigned>(row.size()));
    lines << fmt::format("{{\"bucket\":\"media-src\",\"key\":\"images/2024/{0:09}\",\"size\":{0}}}\n", i);
  }
  ::gzclose(zip);
  batch.close();
  inventory.close();
  lines.close();
  const std::vector<std::string> columns{"Bucket",         "Key",  "VersionId",        "IsLatest",
                                         "IsDeleteMarker", "Size", "LastModifiedDate", "ETag",
                                         "StorageClass"};
  measure("keys", folder + "batch.csv", {.format = ManifestFormat::keys});
  measure("CSV", folder + "batch.csv", {.bucket = "media-src"});
  measure("inventory's CSV", folder + "inventory.csv", {.fields = columns});
  measure("inventory's CSV, gzip", packed, {.fields = columns});
  measure("JSON lines", folder + "lines.jsonl", {});
  std::filesystem::remove_all(folder);
}

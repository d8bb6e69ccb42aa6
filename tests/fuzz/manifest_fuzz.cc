// A manifest, compressed or not, as a file; and its bytes as a key that is written and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "app/manifest_stream.h"
#include "app/manifest_writer.h"
#include "base/utf8.h"
#include "fuzz_input.h"
#include "runtime/manual_runtime.h"

namespace {

using namespace haul;

// A free function, since coroutines capture nothing.
Task<> read_all(app::ManifestStream& stream, OpContext context) {
  std::uint64_t keys = 0;
  while (const auto page = co_await stream.next(context)) {
    fuzz::check(!page->entries.empty());
    for (const store::Entry& entry : page->entries)
      fuzz::check(!entry.key.empty());
    keys += page->entries.size();
  }
  fuzz::check(stream.facts().complete() && stream.facts().listed == keys);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ManualRuntime world;  // its threads are started once
  static const int file = ::memfd_create("manifest", 0);
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check(::ftruncate(file, 0) == 0 &&
              ::pwrite(file, text.data(), size, 0) == static_cast<ssize_t>(size));
  fuzz::accepts({ErrorClass::invalid_argument, ErrorClass::data_loss}, [] {
    app::ManifestStream stream("/proc/self/fd/" + std::to_string(file), "", "");
    world.runtime().run(read_all(stream, world.context()));
  });
  if (text.empty()) return 0;
  for (const app::ManifestKind kind : {app::ManifestKind::csv, app::ManifestKind::json}) {
    if (kind == app::ManifestKind::json && !is_utf8(text)) continue;  // JSON is text
    app::ManifestWriter writer(kind, /*compressed=*/false, "bucket");
    store::Entry entry;
    entry.key = text;
    writer.add(entry);
    writer.finish();
    std::string line = writer.bytes();
    fuzz::check(line.ends_with('\n') && line.find('\n') + 1 == line.size());
    line.pop_back();
    const app::ManifestLine read = app::parse_manifest_line(line);
    fuzz::check(read.bucket == "bucket" && read.key == text);
  }
  return 0;
}

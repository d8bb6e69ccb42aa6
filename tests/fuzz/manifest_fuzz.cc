// A manifest of any format, compressed or not, as a file, from its start and from each place in it; and its
// bytes as a key that is written and read again.
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "app/manifest_writer.h"
#include "base/utf8.h"
#include "fuzz_input.h"
#include "listing/inventory.h"
#include "listing/manifest.h"
#include "listing/manifest_line.h"
#include "runtime/manual_runtime.h"

namespace {

using namespace haul;

struct Counted {
  std::uint64_t entries = 0, broken = 0;
  std::string middle;  // a place behind the first page
  std::uint64_t entries_there = 0, broken_there = 0;
};

// A free function, since coroutines capture nothing.
Task<> read_all(listing::EntryStream& stream, Counted& counted, OpContext context) {
  while (const auto page = co_await stream.next(context)) {
    fuzz::check(!page->entries.empty() || !page->broken.empty());
    for (const store::Entry& entry : page->entries)
      fuzz::check(!entry.key.empty());
    counted.entries += page->entries.size();
    counted.broken += page->broken.size();
    if (!counted.middle.empty()) continue;
    counted.middle = *stream.place();
    counted.entries_there = counted.entries;
    counted.broken_there = counted.broken;
  }
  fuzz::check(stream.facts().ended && stream.facts().listed == counted.entries &&
              stream.facts().broken == counted.broken);
}

void read_as(listing::ManifestFormat format, ManualRuntime& world, int file) {
  const listing::ManifestPlace place{
      .store = nullptr, .name = "/proc/self/fd/" + std::to_string(file), .bucket = {}};
  const listing::ManifestOptions options{.format = format, .broken = listing::BrokenLines::record};
  Counted whole;
  const auto stream = listing::open_manifest(place, options);
  world.run(read_all(*stream, whole, world.context()));
  if (whole.middle.empty()) return;
  Counted rest;
  stream->go_on_at(whole.middle);
  world.run(read_all(*stream, rest, world.context()));
  fuzz::check(whole.entries_there + rest.entries == whole.entries &&
              whole.broken_there + rest.broken == whole.broken);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static ManualRuntime world;  // its threads are started once
  static const int file = ::memfd_create("manifest", 0);
  const std::string_view text = fuzz::text_of(data, size);
  fuzz::check(::ftruncate(file, 0) == 0 &&
              ::pwrite(file, text.data(), size, 0) == static_cast<ssize_t>(size));
  for (const auto format :
       {listing::ManifestFormat::automatic, listing::ManifestFormat::csv, listing::ManifestFormat::json_lines,
        listing::ManifestFormat::inventory, listing::ManifestFormat::keys, listing::ManifestFormat::datasync})
    fuzz::accepts(
        {ErrorClass::invalid_argument, ErrorClass::data_loss, ErrorClass::unsupported, ErrorClass::not_found},
        [format] { read_as(format, world, file); });
  fuzz::accepts({ErrorClass::invalid_argument, ErrorClass::unsupported},
                [text] { listing::parse_inventory(text); });
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
    listing::ManifestLineReader reader;
    listing::ManifestLine read;
    TextArena arena;
    fuzz::check(
        !(kind == app::ManifestKind::csv ? reader.csv(line, arena, read) : reader.json(line, arena, read)));
    fuzz::check(read.bucket == "bucket" && read.entry.key == text);
  }
  return 0;
}

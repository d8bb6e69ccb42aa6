// Any set of keys, one a line, listed in parallel and again from a cursor in its midst: every key once.
// The first three bytes choose order, page size and where the listing is interrupted.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "fuzz_input.h"
#include "listing/model_store.h"
#include "listing/parallel_lister.h"
#include "runtime/manual_runtime.h"

namespace {

using namespace haul;

// A free function, since coroutines capture nothing. Reads `pages` pages at most.
Task<bool> read_pages(listing::ParallelLister& lister, std::size_t pages, std::vector<std::string>& keys,
                      std::optional<listing::ListCursor>& cursor, OpContext context) {
  bool ended = false;
  for (std::size_t i = 0; i < pages && !ended; ++i) {
    const auto page = co_await lister.next(context);
    ended = !page;
    if (page)
      for (const store::Entry& entry : page->entries)
        keys.emplace_back(entry.key);
  }
  cursor = lister.cursor();
  co_await lister.close();
  co_return ended;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  static ManualRuntime world;  // its threads are started once
  const bool in_order = data[0] % 2 == 0;
  const std::size_t interrupted_after = data[2] % 16;
  store::ListRequest request;
  request.page_size = 1 + data[1] % 8;
  std::string_view rest = fuzz::text_of(data + 3, size - 3);
  std::vector<std::string> expected;
  while (!rest.empty()) {
    const std::string_view line = fuzz::take_until(rest, '\n');
    if (!line.empty()) expected.push_back(escape_name(line));
  }
  listing::VirtualTime time;
  listing::ModelStore store(listing::ModelKeys::of(expected), &time);
  std::ranges::sort(expected);
  const auto repeated = std::ranges::unique(expected);
  expected.erase(repeated.begin(), repeated.end());

  listing::ParallelListOptions options;
  options.order = in_order ? listing::ListOrder::by_key : listing::ListOrder::any;
  std::vector<std::string> keys;
  std::optional<listing::ListCursor> cursor;
  listing::ParallelLister first(store, request, options, world.context());
  if (!time.run(world.shard(), read_pages(first, interrupted_after, keys, cursor, world.context()))) {
    fuzz::check(cursor.has_value());
    const auto stored = listing::ListCursor::parse(cursor->to_json());
    listing::ParallelLister second(store, request, stored, options, world.context());
    fuzz::check(time.run(world.shard(), read_pages(second, SIZE_MAX, keys, cursor, world.context())));
    fuzz::check(second.facts().complete() && second.facts().listed == expected.size());
  }
  if (!in_order) std::ranges::sort(keys);
  fuzz::check(keys == expected);
  return 0;
}

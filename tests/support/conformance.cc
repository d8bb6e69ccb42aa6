#include "support/conformance.h"

#include <algorithm>

namespace haul::testing_support {
namespace {

Task<std::string> read_all(store::Store& store, std::string key, store::ReadOptions options,
                           OpContext& context) {
  const auto reader = co_await store.read(std::move(key), options, context);
  std::string content(reader->size() + 1, '\0');
  std::size_t at = 0;
  // Steps of odd sizes, so that no boundary inside a store happens to fit.
  for (std::size_t step = 1;; step = step * 3 + 1) {
    const std::span<std::byte> room = std::as_writable_bytes(std::span(content)).subspan(at);
    if (room.empty()) throw Error(ErrorClass::internal, "the reader gives more than it announced");
    const std::size_t count = co_await reader->read_some(room.first(std::min(step, room.size())), context);
    if (count == 0) break;
    at += count;
  }
  EXPECT_EQ(at, reader->size());
  content.resize(at);
  co_return content;
}

Task<Listing> list_all(store::Store& store, store::ListRequest request, std::size_t strip,
                       OpContext& context) {
  Listing listing;
  const auto lister = store.list(std::move(request));
  for (bool last = false; !last;) {
    // Moving a page must leave its views valid.
    store::ListPage page = co_await lister->next(context);
    const store::ListPage moved = std::move(page);
    for (const auto& entry : moved.entries) {
      listing.keys.emplace_back(entry.key.substr(strip));
      listing.sizes.push_back(entry.size);
    }
    for (const auto& group : moved.common_prefixes)
      listing.common_prefixes.emplace_back(group.substr(strip));
    listing.failures += moved.failures.size();
    ++listing.pages;
    last = moved.last;
  }
  co_return listing;
}

}  // namespace

Conformance::Conformance()
    : runtime_(system_env(), null_logger(), {.shards = 1, .blocking_threads = 4}),
      context_(runtime_.context()),
      instance_(GetParam().make()) {}

Conformance::~Conformance() = default;

store::Written Conformance::write(std::string_view key, std::string_view content,
                                  store::WriteOptions options) {
  MemoryBody body(as_bytes(content));
  return runtime_.run_for(store().write(full(key), body, std::move(options), context_));
}

std::optional<store::Details> Conformance::stat(std::string_view key, store::ReadOptions options) {
  return runtime_.run_for(store().stat(full(key), std::move(options), context_));
}

std::string Conformance::read(std::string_view key, store::ReadOptions options) {
  return runtime_.run_for(read_all(store(), full(key), std::move(options), context_));
}

Listing Conformance::list(store::ListRequest request) {
  request.prefix = full(request.prefix);
  if (!request.after.empty()) request.after = full(request.after);
  if (!request.until.empty()) request.until = full(request.until);
  return runtime_.run_for(list_all(store(), std::move(request), instance_.prefix.size(), context_));
}

std::vector<store::RemoveResult> Conformance::remove(std::vector<std::string> keys) {
  std::vector<store::RemoveItem> items;
  for (auto& key : keys) {
    key = full(key);
    items.push_back({key, {}});
  }
  return runtime_.run_for(store().remove(items, context_));
}

store::Pin Conformance::pin_of(std::string_view key) {
  const auto details = stat(key);
  if (!details) throw Error(ErrorClass::not_found, "nothing to pin");
  store::Pin pin;
  pin.etag = details->etag;
  pin.size = details->size;
  pin.modified = details->modified;
  return pin;
}

std::string some_content(std::size_t size, std::uint64_t seed) {
  std::string content(size, '\0');
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (char& c : content) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state);
  }
  return content;
}

void add_as_file(std::set<std::string>& keys, std::string key) {
  for (std::size_t slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1))
    if (keys.contains(key.substr(0, slash))) return;
  const auto below = keys.lower_bound(key + "/");
  if (below != keys.end() && below->starts_with(key + "/")) return;
  keys.insert(std::move(key));
}

}  // namespace haul::testing_support

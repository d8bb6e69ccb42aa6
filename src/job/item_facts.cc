#include "job/item_facts.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"

namespace haul::job {
namespace {

constexpr std::size_t kWorthListing = 100;  // objects; a page costs as much as some twenty looks
constexpr std::size_t kFoundByPage = 50;    // to be worth the next one
constexpr std::size_t kFreePages = 2;       // to find out whether it is

bool is_unknown(const Item& item) {
  const bool copies = item.action == Action::copy || item.action == Action::copy_if_details;
  return copies && !item.facts_known && item.version.empty();
}

// Objects of one source whose facts are not known, by key.
std::vector<Item*> unknown_of(Chunk& chunk, std::uint16_t source) {
  std::vector<Item*> items;
  for (Item& item : chunk.items)
    if (item.source == source && is_unknown(item)) items.push_back(&item);
  std::ranges::sort(items, {}, [](const Item* item) { return item->key; });
  return items;
}

void take_facts(Item& item, const store::Entry& entry, TextArena& text) {
  item.size = entry.size;
  item.modified = entry.modified;
  item.changed = entry.changed;
  item.etag = text.store(entry.etag);
  item.storage_class = text.store(entry.storage_class);
  item.facts_known = true;
}

// Both ascend. Gives how many were found, and moves `next` behind what the page has passed.
std::size_t take_page(const store::ListPage& page, const std::vector<Item*>& items, std::size_t& next,
                      TextArena& text) {
  std::size_t found = 0;
  for (const store::Entry& entry : page.entries) {
    while (next < items.size() && items[next]->key < entry.key)
      ++next;
    for (; next < items.size() && items[next]->key == entry.key; ++next, ++found)
      take_facts(*items[next], entry, text);
  }
  return found;
}

Task<> learn_of_source(const Job& job, Chunk& chunk, std::uint16_t source, OpContext& context) {
  const Source& from = job.sources[source];
  const store::Capabilities& can = from.store->capabilities();
  if (!can.range_listing || !can.etag_in_listing) co_return;
  const std::vector<Item*> items = unknown_of(chunk, source);
  if (items.size() < kWorthListing) co_return;
  store::ListRequest request;
  request.prefix = from.prefix;
  request.after = items.front()->key.substr(0, items.front()->key.size() - 1);  // a little before it
  request.until = items.back()->key;
  const auto lister = from.store->list(std::move(request));
  std::size_t next = 0, found = 0;
  bool last = false;
  for (std::size_t pages = 0; !last && next < items.size(); ++pages) {
    if (pages > kFreePages && found < pages * kFoundByPage) co_return;
    const store::ListPage page = co_await lister->next(context);
    last = page.last;
    found += take_page(page, items, next, chunk.text);
  }
}

}  // namespace

Task<> learn_facts(const Job& job, Chunk& chunk, OpContext& context) {
  if (std::ranges::none_of(chunk.items, is_unknown)) co_return;
  const auto sources = static_cast<std::uint16_t>(job.sources.size());  // Item::source bounds them
  for (std::uint16_t source = 0; source < sources; ++source) {
    try {
      co_await learn_of_source(job, chunk, source, context);
    } catch (const Error& error) {
      if (error.error_class() == ErrorClass::cancelled) throw;
      context.log().log(LogLevel::info, "objects are looked up one by one, since they could not be listed",
                        {{"chunk", chunk.id}, {"error", std::string_view(error.what())}});
    }
  }
}

}  // namespace haul::job

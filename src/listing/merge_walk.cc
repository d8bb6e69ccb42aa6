#include "listing/merge_walk.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::listing {

std::string_view MergeWalk::Side::key() const {
  return page->entries[position].key.substr(strip.size());
}

void MergeWalk::Side::check_order() const {
  std::string_view before = last_key;
  for (const store::Entry& entry : page->entries) {
    if (!before.empty() && entry.key <= before)
      throw Error(ErrorClass::data_loss, "the listing is not in order: '" + visible(entry.key) +
                                             "' comes after '" + visible(before) + "'")
          .during("list")
          .with_hint("the server does not list by key; nothing may be concluded from what is missing");
    before = entry.key;
  }
}

// A page may hold nothing but what was skipped or failed: it is handed on by itself.
Task<> MergeWalk::Side::refill(OpContext& context) {
  fresh = false;
  if (ended || !exhausted()) co_return;
  if (page && !page->entries.empty()) last_key = page->entries.back().key;
  page = co_await stream.next(context);
  position = 0;
  if (page) {
    check_order();
    fresh = true;
  } else {
    ended = true;
  }
}

MergeWalk::MergeWalk(EntryStream& source, std::string source_strip, EntryStream& destination,
                     std::string destination_strip)
    : source_{source, std::move(source_strip), {}, 0, {}, false, false},
      destination_{destination, std::move(destination_strip), {}, 0, {}, false, false} {}

Task<bool> MergeWalk::next(std::vector<Pair>& pairs, OpContext& context) {
  pairs.clear();
  co_await source_.refill(context);
  co_await destination_.refill(context);
  if (source_.ended && destination_.ended) co_return false;
  // As far as both pages reach; a side that has ended no longer holds the other one back.
  while ((source_.ended || !source_.exhausted()) && (destination_.ended || !destination_.exhausted())) {
    Pair pair;
    if (source_.ended && destination_.ended) break;
    if (destination_.ended) {
      if (source_.exhausted()) break;
      take(source_, pair.source);
    } else if (source_.ended) {
      if (destination_.exhausted()) break;
      take(destination_, pair.destination);
    } else {
      const int order = source_.key().compare(destination_.key());
      if (order <= 0) take(source_, pair.source);
      if (order >= 0) take(destination_, pair.destination);
    }
    pair.key = pair.source != nullptr ? pair.source->key.substr(source_.strip.size())
                                      : pair.destination->key.substr(destination_.strip.size());
    pairs.push_back(pair);
  }
  co_return true;
}

void MergeWalk::take(Side& side, const store::Entry*& entry) {
  entry = &side.page->entries[side.position++];
}

}  // namespace haul::listing

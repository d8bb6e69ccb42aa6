#include "listing/merge_walk.h"

#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::listing {

MergeWalk::MergeWalk(EntryStream& source, EntryStream& destination, const KeyMapping& mapping)
    : source_{.stream = &source}, destination_{.stream = &destination}, mapping_(mapping) {}

namespace {

[[noreturn]] void out_of_order(std::string_view key) {
  throw Error(ErrorClass::data_loss, "a listing that must be in the order of keys is not")
      .during("compare listings")
      .on(visible(key));
}

}  // namespace

void MergeWalk::check_order(Side& side) {
  std::string_view before = side.last_key;
  for (const store::Entry& entry : side.page->entries) {
    if (entry.key < before) out_of_order(entry.key);
    before = entry.key;
  }
  side.last_key = before;
}

Task<> MergeWalk::fill(Side& side, OpContext& context) {
  while (side.empty() && !side.ended) {
    side.page.reset();  // not to hold two pages
    side.page = co_await side.stream->next(context);
    side.next = 0;
    side.ended = !side.page;
    // A mapped source ascends by another key, which map_front() looks at.
    if (side.page && (mapping_.keeps_order() || &side == &destination_)) check_order(side);
  }
}

Task<std::span<const SourceAndDestination>> MergeWalk::next(OpContext& context) {
  pairs_.clear();
  while (pairs_.empty()) {
    co_await fill(source_, context);
    co_await fill(destination_, context);
    if (source_.ended && destination_.ended) break;
    if (mapping_.keeps_order())
      merge_by_prefix();
    else
      merge_by_mapping();
  }
  co_return pairs_;
}

// Goes on until one page is used up: what comes next on that side is not known yet.
void MergeWalk::merge_by_prefix() {
  const std::size_t strip = mapping_.strip().size();
  const std::size_t put = mapping_.put().size();
  while (!source_.empty() && !destination_.empty()) {
    const store::Entry& here = source_.front();
    const store::Entry& there = destination_.front();
    const int order = here.key.substr(strip).compare(there.key.substr(put));
    pairs_.push_back({order <= 0 ? &here : nullptr, order >= 0 ? &there : nullptr, PairProblem::none});
    if (order <= 0) ++source_.next;
    if (order >= 0) ++destination_.next;
  }
  if (source_.ended)
    for (; !destination_.empty(); ++destination_.next)
      pairs_.push_back({nullptr, &destination_.front()});
  if (destination_.ended)
    for (; !source_.empty(); ++source_.next)
      pairs_.push_back({&source_.front(), nullptr});
}

bool MergeWalk::map_front() {
  if (front_is_mapped_) return true;
  const store::Entry& here = source_.front();
  std::swap(mapped_, last_mapped_);
  if (mapping_.map(here, mapped_)) {
    std::swap(mapped_, last_mapped_);
    pairs_.push_back({&here, nullptr, PairProblem::unmappable});
    ++source_.next;
    return false;
  }
  if (any_mapped_ && mapped_ == last_mapped_) {
    pairs_.push_back({&here, nullptr, PairProblem::collision});
    ++source_.next;
    return false;
  }
  if (any_mapped_ && mapped_ < last_mapped_) out_of_order(here.key);
  any_mapped_ = true;
  front_is_mapped_ = true;
  return true;
}

void MergeWalk::merge_by_mapping() {
  while (!source_.empty() && (destination_.ended || !destination_.empty())) {
    if (!map_front()) continue;
    const store::Entry& here = source_.front();
    const store::Entry* const there = destination_.ended ? nullptr : &destination_.front();
    const int order = there == nullptr ? -1 : std::string_view(mapped_).compare(there->key);
    pairs_.push_back({order <= 0 ? &here : nullptr, order >= 0 ? there : nullptr, PairProblem::none});
    if (order >= 0) ++destination_.next;
    if (order > 0) continue;
    ++source_.next;
    front_is_mapped_ = false;
  }
  if (source_.ended)
    for (; !destination_.empty(); ++destination_.next)
      pairs_.push_back({nullptr, &destination_.front()});
}

}  // namespace haul::listing

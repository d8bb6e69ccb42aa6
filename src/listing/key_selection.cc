#include "listing/key_selection.h"

#include <utility>

namespace haul::listing {

Task<bool> KeySelection::have_keys(OpContext& context) {
  while (!keys_ended_ && (!key_page_ || next_key_ == key_page_->entries.size())) {
    key_page_ = co_await keys_.next(context);
    next_key_ = 0;
    next_key_found_ = false;
    keys_ended_ = !key_page_;
  }
  co_return !keys_ended_;
}

void KeySelection::pass_key() {
  const std::string_view key = key_page_->entries[next_key_++].key;
  next_key_found_ = false;
  if (asked_ != 0 && key == last_key_) return;
  ++asked_;
  last_key_ = key;
}

Task<std::optional<store::ListPage>> KeySelection::next(OpContext& context) {
  while (auto page = co_await listing_.next(context)) {
    std::vector<store::Entry>& entries = page->entries;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size();) {
      if (!co_await have_keys(context)) break;
      while (i < entries.size() && next_key_ < key_page_->entries.size()) {
        const int order = key_page_->entries[next_key_].key.compare(entries[i].key);
        if (order < 0) {
          pass_key();
          continue;
        }
        if (order == 0) {
          // Versions of one object share its key.
          if (!std::exchange(next_key_found_, true)) ++found_;
          entries[kept++] = entries[i];
        }
        ++i;
      }
    }
    not_selected_ += entries.size() - kept;
    entries.resize(kept);
    if (kept != 0 || !page->failures.empty() || !page->skipped.empty()) co_return page;
  }
  while (co_await have_keys(context))
    pass_key();
  co_return std::nullopt;
}

}  // namespace haul::listing

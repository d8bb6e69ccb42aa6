#include "stores/memory/memory_lister.h"

#include <algorithm>

#include "base/crc.h"

namespace haul::memory {
namespace {

// The common prefix that a key falls under in a listing of one level; empty if it stands for itself.
std::string_view group_of(std::string_view key, const store::ListRequest& request) {
  if (!request.one_level) return {};
  const std::size_t slash = key.find('/', request.prefix.size());
  return slash == std::string_view::npos ? std::string_view() : key.substr(0, slash + 1);
}

bool full(const store::ListPage& page, const store::ListRequest& request) {
  return page.entries.size() + page.common_prefixes.size() >= std::max(1U, request.page_size);
}

}  // namespace

MemoryLister::MemoryLister(MemoryStore& store, store::ListRequest request)
    : store_(store), request_(std::move(request)), after_(request_.after) {}

Task<store::ListPage> MemoryLister::next(OpContext& context) {
  context.check();
  store::ListPage page;
  const std::lock_guard lock(store_.mutex_);
  if (store_.options_.capabilities.ordered_listing)
    fill_ordered(page);
  else
    fill_scattered(page);
  begun_ = true;
  co_return page;
}

bool MemoryLister::wanted(std::string_view key) const {
  return key.starts_with(request_.prefix) && (request_.after.empty() || key > request_.after) &&
         (request_.until.empty() || key <= request_.until);
}

void MemoryLister::add(store::ListPage& page, std::string_view key,
                       const std::vector<MemoryStore::StatePtr>& states) {
  if (request_.all_versions) {
    for (auto state = states.rbegin(); state != states.rend(); ++state)
      page.entries.push_back(store_.entry_of(key, **state, state == states.rbegin(), page.text));
  } else if (!states.back()->delete_marker) {
    page.entries.push_back(store_.entry_of(key, *states.back(), true, page.text));
  }
}

void MemoryLister::fill_ordered(store::ListPage& page) {
  const auto& objects = store_.objects_;
  // The key that equals the prefix is greater than anything before it.
  auto at = after_ < request_.prefix ? objects.lower_bound(request_.prefix) : objects.upper_bound(after_);
  const auto leave_group = [&] {
    while (after_group_ && at != objects.end() && at->first.starts_with(after_))
      ++at;
  };
  leave_group();
  for (; at != objects.end() && wanted(at->first); leave_group()) {
    if (full(page, request_)) return;
    const bool visible = request_.all_versions || !at->second.back()->delete_marker;
    const std::string_view group = visible ? group_of(at->first, request_) : std::string_view();
    after_group_ = !group.empty();
    if (after_group_) {
      after_ = group;
      page.common_prefixes.push_back(page.text.store(group));
    } else {
      after_ = at->first;
      add(page, at->first, at->second);
    }
    ++at;
  }
  page.last = true;
}

void MemoryLister::fill_scattered(store::ListPage& page) {
  if (!begun_) {
    for (const auto& [key, states] : store_.objects_)
      if (wanted(key)) scattered_.push_back(key);
    std::ranges::sort(scattered_, {}, [](const std::string& key) { return crc32(as_bytes(key)); });
  }
  for (; !scattered_.empty() && !full(page, request_); scattered_.pop_back()) {
    const auto found = store_.objects_.find(scattered_.back());
    if (found == store_.objects_.end()) continue;
    const std::string_view group = group_of(found->first, request_);
    if (group.empty()) {
      add(page, found->first, found->second);
    } else if (std::ranges::find(groups_, group) == groups_.end()) {
      groups_.emplace_back(group);
      page.common_prefixes.push_back(page.text.store(group));
    }
  }
  page.last = scattered_.empty();
}

}  // namespace haul::memory

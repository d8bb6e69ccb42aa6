// Pages of a memory store's listing. Looks at the live store, page by page: what is written behind the
// cursor meanwhile is missed, what is written ahead of it is seen, as on object stores.
#pragma once

#include <string>
#include <vector>

#include "stores/memory/memory_state.h"

namespace haul::memory {

class MemoryLister final : public store::Lister {
 public:
  MemoryLister(MemoryStore& store, store::ListRequest request);
  Task<store::ListPage> next(OpContext& context) override;

 private:
  void fill_ordered(store::ListPage& page);
  void fill_scattered(store::ListPage& page);
  void add(store::ListPage& page, std::string_view key, const std::vector<MemoryStore::StatePtr>& states);
  bool wanted(std::string_view key) const;

  MemoryStore& store_;
  store::ListRequest request_;
  std::string after_;         // the last key given, or the end of the last group
  bool after_group_ = false;  // after_ is a common prefix: everything that begins with it is done
  bool begun_ = false;
  std::vector<std::string> scattered_;  // unordered listings: the keys still to come, last first
  std::vector<std::string> groups_;     // unordered listings: common prefixes already given
};

}  // namespace haul::memory

// Two ordered listings side by side: what is on both sides, what is only here, what is only there. Constant
// memory: one page of each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "listing/entry_stream.h"
#include "listing/key_mapping.h"

namespace haul::listing {

enum class PairProblem : std::uint8_t {
  none,
  collision,   // another source object, earlier in the order, has got this key at the destination
  unmappable,  // the source object gets no key at the destination; KeyMapping::map tells why
};

// At least one of the two is there. Only a source object has a problem, and then it has no partner.
struct SourceAndDestination {
  const store::Entry* source = nullptr;
  const store::Entry* destination = nullptr;
  PairProblem problem = PairProblem::none;
};

// Belongs to one shard and one coroutine. The streams and the mapping must outlive it.
class MergeWalk {
 public:
  // `source` ascends by the mapped key: any listing by key where the mapping keeps the order, else one that
  // spill_sort.h has sorted by it. `destination` ascends by key; with a mapping that keeps the order all its
  // keys begin with mapping.put().
  MergeWalk(EntryStream& source, EntryStream& destination, const KeyMapping& mapping);

  // The next pairs, ascending by the key at the destination; empty at the end. They, and the entries they
  // point to, are valid until the next call. Throws what the streams throw, and data_loss where one of them
  // is not in order: objects would be missed, or deleted by mistake.
  Task<std::span<const SourceAndDestination>> next(OpContext& context);

 private:
  struct Side {
    EntryStream* stream;
    std::optional<store::ListPage> page;
    std::size_t next = 0;
    std::string last_key;  // of the page before
    bool ended = false;

    bool empty() const noexcept { return !page || next == page->entries.size(); }
    const store::Entry& front() const noexcept { return page->entries[next]; }
  };

  Task<> fill(Side& side, OpContext& context);
  static void check_order(Side& side);
  void merge_by_prefix();
  void merge_by_mapping();
  bool map_front();  // false: the front of the source was dealt with

  Side source_;
  Side destination_;
  const KeyMapping& mapping_;
  std::vector<SourceAndDestination> pairs_;
  // Of a mapping that does not keep the order:
  std::string mapped_;  // key of the source's front at the destination
  std::string last_mapped_;
  bool front_is_mapped_ = false;
  bool any_mapped_ = false;
};

}  // namespace haul::listing

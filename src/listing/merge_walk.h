// Two ordered listings side by side, in constant memory.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "listing/entry_stream.h"
#include "runtime/context.h"
#include "runtime/task.h"
#include "store/entry.h"

namespace haul::listing {

// One relative key, and who has it. At least one side is set. Views and pointers are valid until the next
// call of MergeWalk::next().
struct Pair {
  std::string_view key;  // relative
  const store::Entry* source = nullptr;
  const store::Entry* destination = nullptr;
};

// Each side's keys are compared after its strip prefix is taken off. Belongs to one shard and one coroutine.
// The streams must outlive it.
class MergeWalk {
 public:
  MergeWalk(EntryStream& source, std::string source_strip, EntryStream& destination,
            std::string destination_strip);

  // Replaces `pairs` by the next ones, in ascending order of keys; false at the end. Throws what the streams
  // throw, and data_loss if one of them is not in order (objects would be missed or deleted by mistake).
  Task<bool> next(std::vector<Pair>& pairs, OpContext& context);

  // The pages behind the pairs of the last next(), when they are new: for what they skipped and failed to
  // list.
  const store::ListPage* new_source_page() const noexcept { return source_.fresh ? &*source_.page : nullptr; }
  const store::ListPage* new_destination_page() const noexcept {
    return destination_.fresh ? &*destination_.page : nullptr;
  }

 private:
  struct Side {
    EntryStream& stream;
    std::string strip;
    std::optional<store::ListPage> page;
    std::size_t position = 0;
    std::string last_key;  // of the page before
    bool fresh = false;    // the page came with the last next()
    bool ended = false;

    bool exhausted() const { return !page || position == page->entries.size(); }
    std::string_view key() const;
    Task<> refill(OpContext& context);
    void check_order() const;
  };
  void take(Side& side, const store::Entry*& entry);

  Side source_, destination_;
};

}  // namespace haul::listing

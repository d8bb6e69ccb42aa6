// The comparisons that need more than a listing: details of both sides, or their contents.
#pragma once

#include <optional>
#include <string>

#include "job/chunk.h"
#include "job/job.h"
#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::job {

struct ItemVerdict {
  bool alike = false;
  std::string reason;
};

// A decision in words, for outcomes: "sizes differ". Literals.
std::string_view describe(const listing::Decision& decision) noexcept;

// The item as the listing of its source gave it. Views point into the item's chunk.
store::Entry entry_of(const Item& item);

// The item as a removal that spares an object which was changed since it was listed.
store::RemoveItem remove_item_of(const Item& item);

// By the details of both sides, and by their contents if the job asks for checksums and the sides have none.
Task<ItemVerdict> compare_by_details(const Job& job, const Item& item, OpContext& context);

// For check: by what the job's CheckMode asks for.
Task<ItemVerdict> compare_for_check(const Job& job, const Item& item, OpContext& context);

// An item's source and an object at its destination that has provably the same content.
struct Twins {
  store::Details source, destination;
  transfer::Proof proof;  // etag or checksum
};
// Nothing where either is missing, they differ, or sizes and times are all there is to judge by.
Task<std::optional<Twins>> find_twins(const Job& job, const Item& item, OpContext& context);

// Why an object is not, or not any more, what is recorded of it; nothing if it is. `found`: as it is now.
std::optional<Error> state_changed(const store::Store& store, const Item& recorded,
                                   const std::optional<store::Details>& found);

}  // namespace haul::job

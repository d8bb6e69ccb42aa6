// The comparisons that need more than a listing: details of both sides, or their contents.
#pragma once

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

}  // namespace haul::job

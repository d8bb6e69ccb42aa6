// Several coroutines that share the parts of one object out among themselves.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/context.h"
#include "runtime/task_group.h"
#include "transfer/part_plan.h"

namespace haul::transfer {

// Which part is next. Belongs to one shard.
class PartCursor {
 public:
  // A drain ends the object at the next part, unless no more than `drain_allowance` bytes are left.
  PartCursor(const PartPlan& plan, std::uint64_t drain_allowance) noexcept
      : plan_(plan), drain_allowance_(drain_allowance) {}

  // Nothing when all parts are taken or another worker has failed; throws cancelled when stopping.
  std::optional<Part> take(const OpContext& context) {
    if (closed_ || next_ > plan_.count) return std::nullopt;
    context.check();
    const Part part = plan_.part(next_);
    if (context.stop().draining() && plan_.size - part.offset > drain_allowance_)
      throw Error(ErrorClass::cancelled, "stopped between two parts");
    ++next_;
    return part;
  }

  void close() noexcept { closed_ = true; }

 private:
  const PartPlan plan_;
  const std::uint64_t drain_allowance_;
  std::uint32_t next_ = 1;
  bool closed_ = false;
};

template <class Each>
Task<> part_worker(PartCursor& cursor, Each& each, OpContext& context) {
  try {
    while (const auto part = cursor.take(context))
      co_await each(*part);
  } catch (...) {
    cursor.close();  // the others finish the part they are at, and begin no more
    throw;
  }
}

// Calls each(Part), a plain callable that returns a Task<>, for all parts, at most `parallel` at a time.
// Throws the first failure after all have ended.
template <class Each>
Task<> for_each_part(PartPlan plan, unsigned parallel, std::uint64_t drain_allowance, Each each,
                     OpContext& context) {
  PartCursor cursor(plan, drain_allowance);
  const auto workers = std::min<std::uint64_t>(std::max(1U, parallel), plan.count);
  if (workers == 1) {
    co_await part_worker(cursor, each, context);
    co_return;
  }
  TaskGroup group(context.executor());
  for (std::uint64_t i = 0; i < workers; ++i)
    group.spawn(part_worker(cursor, each, context));
  co_await group.join();
}

}  // namespace haul::transfer

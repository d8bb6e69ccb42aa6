// What a worker does with one object by itself, before anything that is done for many at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "job/item_result.h"
#include "job/job.h"
#include "runtime/context.h"
#include "runtime/shard.h"
#include "runtime/task.h"
#include "transfer/transfer.h"

namespace haul::job {

// Each leaves in `result` what the object has come to, and throws what makes it a failed one. A result with
// the step `arrived` is not settled yet: catalogue or removal follow.
// Thread safety: may be used on any shard. Refers to the job.
class ItemSteps {
 public:
  // durable: whether an attempt before this one may have done some of the work.
  ItemSteps(const Job& job, bool durable, Runtime& runtime);

  // copy, copy_if_details, compare, tag.
  Task<> carry_out(const Item& item, ItemResult& result, OpContext& context);

  // Of a move whose sources were kept: throws unless the copy still is what was written there (remove_kept),
  // or the source still is what was copied (revert).
  Task<> confirm_copy(const Item& item, const ItemResult& result, OpContext& context) const;
  Task<> confirm_source(const Item& item, OpContext& context) const;
  // Throws if there is a source in another state than the one that was copied; gone is fine.
  Task<> confirm_nothing_newer(const Item& item, const ItemResult& result, OpContext& context) const;
  // Whether what is seen at the destination is what was written there.
  Task<bool> copy_is_there(const Item& item, const ItemResult& result, OpContext& context) const;
  // The same of the very version that was written; true as well if that is gone.
  Task<bool> copy_is_as_written(const Item& item, const ItemResult& result, OpContext& context) const;

  std::uint64_t bytes_moved() const noexcept { return transfer_.bytes_moved(); }
  // Whether something follows after an object's copy has arrived.
  bool goes_on_after_copy() const noexcept;

 private:
  Task<> copy(const Item& item, ItemResult& result, OpContext& context);
  Task<bool> is_left_out(const Item& item, OpContext& context) const;
  Task<bool> needs_no_copy(const Item& item, ItemResult& result, OpContext& context) const;
  Task<> leave_existing(const Item& item, ItemResult& result, OpContext& context) const;
  transfer::TransferRequest request_of(const Item& item) const;
  void take(const Item& item, ItemResult& result, transfer::TransferResult moved) const;
  Task<> compare(const Item& item, ItemResult& result, OpContext& context) const;
  Task<> tag(const Item& item, ItemResult& result, OpContext& context) const;
  Task<std::optional<Error>> copy_changed(const Item& item, const ItemResult& result,
                                          std::string_view version, OpContext& context) const;
  Task<bool> take_twin(const Item& item, ItemResult& result, OpContext& context) const;
  Task<bool> find_moved(const Item& item, ItemResult& result, OpContext& context) const;
  void check_listed_state(const Item& item, const transfer::TransferResult& moved) const;

  const Job& job_;
  const bool durable_;
  transfer::Transfer transfer_;
};

}  // namespace haul::job

// Only the keys that somebody has written down, of any number (manifest.h): they are sorted (spill_sort.h),
// and laid beside the listing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "listing/entry_stream.h"

namespace haul::listing {

// Those entries of `listing` whose key is among `keys`. Both ascend by key; keys may be there twice. Both
// must outlive it.
class KeySelection final : public EntryStream {
 public:
  KeySelection(EntryStream& listing, EntryStream& keys) : listing_(listing), keys_(keys) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override { return listing_.facts(); }
  Task<> close() override { return listing_.close(); }

  std::uint64_t not_selected() const noexcept { return not_selected_; }
  // Keys that were asked for and are not in the listing, each once. Known at the end.
  std::uint64_t missing() const noexcept { return asked_ - found_; }

 private:
  Task<bool> have_keys(OpContext& context);
  void pass_key();

  EntryStream& listing_;
  EntryStream& keys_;
  std::optional<store::ListPage> key_page_;
  std::size_t next_key_ = 0;
  bool next_key_found_ = false;
  bool keys_ended_ = false;
  std::string last_key_;  // last one passed
  std::uint64_t asked_ = 0;
  std::uint64_t found_ = 0;
  std::uint64_t not_selected_ = 0;
};

}  // namespace haul::listing

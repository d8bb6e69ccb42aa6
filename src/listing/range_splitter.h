// Decides which range of a parallel listing is cut next, and where; parallel_lister.h tells what it may cost.
// A pure policy: it sends nothing. Not thread-safe.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "listing/entry_stream.h"
#include "listing/key_space.h"

namespace haul::listing {

// What is known of a range while it is being listed.
struct RangeProgress {
  KeyRange left;            // not received yet; `after` is the last key received
  std::string first;        // first key received, empty if none was
  std::string page_start;   // first key of the last page
  std::uint64_t keys = 0;   // received
  unsigned pages = 0;       // received, full or not
  unsigned ladder_due = 0;  // the number of pages at which a ladder is next worth its price
  unsigned poor_cuts = 0;   // in a row: cuts above which there was much less than expected
  double estimate = 0;      // pages left, as far as known
  double promised = 0;      // what was expected of the range when it was cut off another
  bool branching = false;   // keys differ at the depth where the range begins to
  bool settled = false;     // no cut was found; wait for more pages
  bool ended = false;
};

class RangeSplitter {
 public:
  RangeSplitter(std::string prefix, ListOrder order, std::uint32_t page_size, unsigned max_ranges);

  // A page of the range has arrived; `left` is up to date. `keys` ascending, those that were of use.
  void received(RangeProgress& range, std::span<const std::string_view> sample, std::uint64_t keys);
  // The range has come to its end with a page of so many keys. `below` is its neighbour, if it has one.
  void ended(RangeProgress& range, std::uint64_t keys, RangeProgress* below);

  struct Cut {
    std::size_t range;                     // index into what was given
    std::vector<std::string> at;           // ascending
    std::vector<double> estimates;         // of the ranges above each
    std::optional<std::string> old_until;  // where the range ended before
  };
  // The next cut worth making, or nothing. Ranges in key order; `window`: pages that may wait in a buffer.
  std::optional<Cut> next(std::span<RangeProgress* const> ranges, double window);

 private:
  double allowance() const noexcept;
  bool wants_ladder(const RangeProgress& range) const noexcept;
  bool wants_middle(const RangeProgress& range, double worth) const noexcept;
  static unsigned ladder_after(const RangeProgress& range) noexcept;
  void estimate(RangeProgress& range);
  std::optional<Cut> cut_ladder(std::span<RangeProgress* const> ranges, std::size_t index, std::size_t most);
  std::optional<Cut> cut_middle(std::span<RangeProgress* const> ranges, std::size_t index, double window);

  KeySpace space_;
  ListOrder order_;
  double page_size_;
  unsigned max_ranges_;
  double useful_ = 0;  // pages' worth of keys received
  double wasted_ = 0;  // what the last pages of ended ranges lacked
  std::uint64_t received_ = 0;
};

}  // namespace haul::listing

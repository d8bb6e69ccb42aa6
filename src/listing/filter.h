// What of a listing takes part: the only place that knows the rules of --include, --exclude, sizes and ages.
//
// Patterns are tried in their order, the first that matches decides. As users of rclone know it: where there
// is any --include, what no pattern matches is left out, also if there are --exclude; where there are only
// those, it takes part. Patterns see the key below the prefix that was listed (base/glob.h, the filter
// dialect).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/glob.h"
#include "listing/entry_stream.h"
#include "store/entry.h"

namespace haul::listing {

struct FilterPattern {
  bool include = false;
  std::string glob;
};

struct FilterOptions {
  std::vector<FilterPattern> patterns;              // as given, includes and excludes in one row
  bool ignore_case = false;                         // of A to Z
  std::optional<std::uint64_t> min_size, max_size;  // bytes, both inclusive
  std::optional<Time> older_than;                   // modified before or at
  std::optional<Time> newer_than;                   // modified after or at

  bool need_facts() const noexcept { return min_size || max_size || older_than || newer_than; }
};

enum class FilterReason : std::uint8_t { accepted, pattern, size, age };

// By size and age alone.
FilterReason judge_facts(const FilterOptions& options, std::uint64_t size, Time modified) noexcept;

// Counts what it leaves out: one filter a listing. Not thread-safe.
class Filter {
 public:
  // Throws invalid_argument: a malformed pattern, a range of sizes or times that nothing can be in.
  Filter(const FilterOptions& options, std::string prefix);

  // Directories and markers pass sizes and ages: they stand for what is below them.
  FilterReason judge(const store::Entry& entry);
  // Takes out what does not take part, and counts it.
  void apply(store::ListPage& page);

  // What every key that takes part begins with: the prefix to list, `prefix` or longer.
  std::string listing_prefix() const;

  std::uint64_t filtered() const noexcept { return filtered_by_[1] + filtered_by_[2] + filtered_by_[3]; }
  std::uint64_t filtered(FilterReason reason) const noexcept {
    return filtered_by_[static_cast<std::size_t>(reason)];
  }

 private:
  struct Rule {
    bool include;
    Glob glob;
  };

  std::string prefix_;
  FilterOptions options_;
  std::vector<Rule> rules_;
  bool rest_takes_part_ = true;
  std::string folded_;  // a key in lower case
  std::array<std::uint64_t, 4> filtered_by_{};
};

// A stream with what a filter lets through. Stream and filter must outlive it.
class FilteredStream final : public EntryStream {
 public:
  FilteredStream(EntryStream& input, Filter& filter) : input_(input), filter_(filter) {}
  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  // `listed` counts what was listed before the filter: together with filtered() it closes the account.
  const ListingFacts& facts() const noexcept override { return input_.facts(); }
  Task<> close() override { return input_.close(); }

 private:
  EntryStream& input_;
  Filter& filter_;
};

}  // namespace haul::listing

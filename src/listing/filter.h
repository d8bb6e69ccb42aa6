// Which objects are meant: the one place where --include, --exclude, sizes, ages and lists of keys are
// decided.
//
// Patterns are globs as users of rclone know them (base/glob.h), tried in the order given: the first that
// matches decides. An object that no pattern matches is taken, unless there are includes and no excludes:
// then includes say all that is wanted. All conditions must hold. Keys are relative: what stands below the
// source or destination.
// Thread safety: immutable after construction; accepts() may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/env.h"
#include "base/glob.h"
#include "store/entry.h"

namespace haul::listing {

struct FilterRule {
  bool include = false;
  std::string pattern;
};

struct FilterSpec {
  std::vector<FilterRule> rules;
  std::optional<std::uint64_t> min_size, max_size;      // bytes, both inclusive
  std::optional<Time> modified_after, modified_before;  // newer-than and older-than, as moments
  std::optional<std::vector<std::string>> keys;         // only these (--from-file)
};

class Filter {
 public:
  Filter() = default;  // takes everything
  // Throws invalid_argument for a malformed pattern, naming it and the position.
  explicit Filter(const FilterSpec& spec);

  bool accepts(std::string_view relative_key, const store::Entry& entry) const;

  // By key alone: for objects whose size and age are not to be looked at (extras at a destination).
  bool accepts_key(std::string_view relative_key) const;

  bool empty() const noexcept { return rules_.empty() && keys_ == nullptr && !has_facts_; }

  // What every accepted key begins with: lets a listing be narrowed. Empty if nothing is known.
  std::string common_prefix() const;

 private:
  struct Rule {
    bool include;
    Glob glob;
  };
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
  };
  using KeySet = std::unordered_set<std::string, KeyHash, std::equal_to<>>;

  std::vector<Rule> rules_;
  bool only_included_ = false;
  bool has_facts_ = false;
  std::uint64_t min_size_ = 0, max_size_ = UINT64_MAX;
  Time modified_after_ = Time::min(), modified_before_ = Time::max();
  std::shared_ptr<const KeySet> keys_;
};

}  // namespace haul::listing

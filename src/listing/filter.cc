#include "listing/filter.h"

#include <algorithm>

namespace haul::listing {

Filter::Filter(const FilterSpec& spec) {
  bool includes = false, excludes = false;
  for (const FilterRule& rule : spec.rules) {
    rules_.push_back({rule.include, Glob(rule.pattern, GlobDialect::filter)});
    (rule.include ? includes : excludes) = true;
  }
  only_included_ = includes && !excludes;
  has_facts_ = spec.min_size || spec.max_size || spec.modified_after || spec.modified_before;
  min_size_ = spec.min_size.value_or(min_size_);
  max_size_ = spec.max_size.value_or(max_size_);
  modified_after_ = spec.modified_after.value_or(modified_after_);
  modified_before_ = spec.modified_before.value_or(modified_before_);
  if (spec.keys) keys_ = std::make_shared<const KeySet>(spec.keys->begin(), spec.keys->end());
}

bool Filter::accepts_key(std::string_view relative_key) const {
  if (keys_ != nullptr && !keys_->contains(relative_key)) return false;
  for (const Rule& rule : rules_)
    if (rule.glob.matches(relative_key)) return rule.include;
  return !only_included_;
}

bool Filter::accepts(std::string_view relative_key, const store::Entry& entry) const {
  if (has_facts_ && (entry.size < min_size_ || entry.size > max_size_ || entry.modified < modified_after_ ||
                     entry.modified > modified_before_))
    return false;
  return accepts_key(relative_key);
}

std::string Filter::common_prefix() const {
  std::string prefix;
  bool first = true;
  const auto narrow = [&](std::string_view text) {
    if (first)
      prefix = text;
    else
      prefix.resize(static_cast<std::size_t>(
          std::mismatch(prefix.begin(), prefix.end(), text.begin(), text.end()).first - prefix.begin()));
    first = false;
  };
  if (keys_ != nullptr) {
    for (const std::string& key : *keys_)
      narrow(key);
    return prefix;
  }
  // Only includes bound what is wanted: an object that an exclude misses is taken.
  if (!only_included_) return prefix;
  for (const Rule& rule : rules_)
    narrow(rule.glob.literal_prefix());
  return prefix;
}

}  // namespace haul::listing

#include "listing/filter.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace haul::listing {
namespace {

void fold_case(std::string_view text, std::string& out) {
  out.assign(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
}

}  // namespace

Filter::Filter(const FilterOptions& options, std::string prefix)
    : prefix_(std::move(prefix)), options_(options) {
  if (options.min_size && options.max_size && *options.min_size > *options.max_size)
    throw Error(ErrorClass::invalid_argument,
                "--min-size is greater than --max-size: nothing could take part");
  if (options.newer_than && options.older_than && *options.newer_than > *options.older_than)
    throw Error(ErrorClass::invalid_argument,
                "nothing can be newer than --newer-than and older than --older-than")
        .with_hint("--newer-than names the greater age");
  for (const FilterPattern& pattern : options.patterns) {
    if (options.ignore_case) fold_case(pattern.glob, folded_);
    rules_.push_back(
        {pattern.include, Glob(options.ignore_case ? folded_ : pattern.glob, GlobDialect::filter)});
    if (pattern.include) rest_takes_part_ = false;
  }
}

FilterReason judge_facts(const FilterOptions& options, std::uint64_t size, Time modified) noexcept {
  if (options.min_size && size < *options.min_size) return FilterReason::size;
  if (options.max_size && size > *options.max_size) return FilterReason::size;
  if (options.older_than && modified > *options.older_than) return FilterReason::age;
  if (options.newer_than && modified < *options.newer_than) return FilterReason::age;
  return FilterReason::accepted;
}

FilterReason Filter::judge(const store::Entry& entry) {
  if (entry.kind != store::EntryKind::directory && entry.kind != store::EntryKind::delete_marker) {
    const FilterReason reason = judge_facts(options_, entry.size, entry.modified);
    if (reason != FilterReason::accepted) return reason;
  }
  if (rules_.empty()) return FilterReason::accepted;
  std::string_view key = entry.key.starts_with(prefix_) ? entry.key.substr(prefix_.size()) : entry.key;
  if (options_.ignore_case) {
    fold_case(key, folded_);
    key = folded_;
  }
  for (const Rule& rule : rules_)
    if (rule.glob.matches(key)) return rule.include ? FilterReason::accepted : FilterReason::pattern;
  return rest_takes_part_ ? FilterReason::accepted : FilterReason::pattern;
}

void Filter::apply(store::ListPage& page) {
  std::erase_if(page.entries, [this](const store::Entry& entry) {
    const FilterReason reason = judge(entry);
    ++filtered_by_[static_cast<std::size_t>(reason)];
    return reason != FilterReason::accepted;
  });
}

std::string Filter::listing_prefix() const {
  if (rest_takes_part_ || options_.ignore_case) return prefix_;
  std::optional<std::string_view> common;
  for (const Rule& rule : rules_) {
    if (!rule.include) continue;
    const std::string_view literal = rule.glob.literal_prefix();
    if (!common) common = literal;
    const auto end = std::ranges::mismatch(*common, literal).in1;
    common = common->substr(0, static_cast<std::size_t>(end - common->begin()));
  }
  std::string listing = prefix_ + std::string(common.value_or(""));
  // A prefix goes to the server as text, so it may not end within a character.
  while (listing.size() > prefix_.size() && (static_cast<unsigned char>(listing.back()) & 0xc0) == 0x80)
    listing.pop_back();
  if (listing.size() > prefix_.size() && static_cast<unsigned char>(listing.back()) >= 0xc0)
    listing.pop_back();
  return listing;
}

Task<std::optional<store::ListPage>> FilteredStream::next(OpContext& context) {
  while (auto page = co_await input_.next(context)) {
    filter_.apply(*page);
    const bool anything = !page->entries.empty() || !page->failures.empty() || !page->skipped.empty() ||
                          !page->common_prefixes.empty();
    if (anything) co_return page;
  }
  co_return std::nullopt;
}

}  // namespace haul::listing

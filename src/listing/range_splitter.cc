#include "listing/range_splitter.h"

#include <algorithm>
#include <utility>

namespace haul::listing {
namespace {

constexpr std::uint64_t kPagesBeforeCuts = 5;  // small listings cost nothing extra
constexpr double kWorthCutting = 4;            // pages: the two ends lose one page on average
constexpr double kWorthCuttingInOrder =
    6;  // smaller pieces would lose more, as all of a listing is cut in order
constexpr double kWorthLadder = 1.5;
constexpr unsigned kPoorCutsBeforeLadder = 2;
constexpr double kUnknown = 1e9;  // pages: the last pages did not move within the range
constexpr std::size_t kMostRungs = 16;

}  // namespace

RangeSplitter::RangeSplitter(std::string prefix, ListOrder order, std::uint32_t page_size,
                             unsigned max_ranges)
    : space_(std::move(prefix)), order_(order), page_size_(page_size), max_ranges_(max_ranges) {}

double RangeSplitter::allowance() const noexcept {
  return 16 + std::min(useful_, 64.0) + useful_ / 10;
}

void RangeSplitter::received(RangeProgress& range, std::span<const std::string_view> sample,
                             std::uint64_t keys) {
  ++received_;
  ++range.pages;
  range.keys += keys;
  range.settled = false;
  useful_ += static_cast<double>(keys) / page_size_;
  if (sample.empty()) return;
  space_.learn(sample);
  range.page_start = sample.front();
  if (range.first.empty()) range.first = sample.front();
  estimate(range);
  if (range.ladder_due == 0) range.ladder_due = received_ == 1 ? kPagesBeforeCuts : ladder_after(range);
}

void RangeSplitter::ended(RangeProgress& range, std::uint64_t keys, RangeProgress* below) {
  range.ended = true;
  wasted_ += std::max(0.0, 1 - static_cast<double>(keys) / page_size_);
  if (below == nullptr || below->ended) return;
  if (static_cast<double>(range.keys) / page_size_ >= range.promised / 4 && range.keys != 0) return;
  ++below->poor_cuts;
  below->settled = false;
  if (!below->first.empty()) estimate(*below);
}

void RangeSplitter::estimate(RangeProgress& range) {
  range.branching = space_.branches(range.left);
  const double done = space_.position(KeyRange{range.first, range.left.until}, range.left.after);
  range.estimate = done > 1e-7 ? static_cast<double>(range.keys) / page_size_ * (1 - done) / done : kUnknown;
}

// A range that goes on for much longer than expected has keys where none were expected.
unsigned RangeSplitter::ladder_after(const RangeProgress& range) noexcept {
  return range.pages + static_cast<unsigned>(3 + 1.5 * std::min(range.estimate, 1e6));
}

bool RangeSplitter::wants_ladder(const RangeProgress& range) const noexcept {
  if (range.pages == 0 || range.first.empty()) return false;
  return range.pages >= range.ladder_due || range.poor_cuts >= kPoorCutsBeforeLadder ||
         (!range.branching && range.estimate >= kWorthLadder);
}

bool RangeSplitter::wants_middle(const RangeProgress& range, double worth) const noexcept {
  return range.branching && range.estimate >= worth;
}

std::optional<RangeSplitter::Cut> RangeSplitter::next(std::span<RangeProgress* const> ranges, double window) {
  std::size_t alive = 0;
  for (const RangeProgress* range : ranges)
    alive += range->ended ? 0 : 1;
  if (received_ < kPagesBeforeCuts && alive <= 1) return std::nullopt;
  while (true) {
    const double credit = allowance() - wasted_ - static_cast<double>(alive);
    if (credit < 1 || alive >= max_ranges_) return std::nullopt;
    const double worth = order_ == ListOrder::any ? kWorthCutting : kWorthCuttingInOrder;
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const RangeProgress& range = *ranges[i];
      if (range.ended || range.settled || range.pages == 0 ||
          !(wants_ladder(range) || wants_middle(range, worth)))
        continue;
      if (!best || (order_ == ListOrder::any && range.estimate > ranges[*best]->estimate)) best = i;
      if (order_ == ListOrder::by_key) break;  // the consumer waits for the first
    }
    if (!best) return std::nullopt;
    const std::size_t most = std::min(static_cast<std::size_t>(credit), max_ranges_ - alive);
    auto cut = wants_ladder(*ranges[*best]) ? cut_ladder(ranges, *best, std::min(most, kMostRungs))
                                            : cut_middle(ranges, *best, window);
    if (cut) return cut;
    ranges[*best]->settled = true;
  }
}

std::optional<RangeSplitter::Cut> RangeSplitter::cut_ladder(std::span<RangeProgress* const> ranges,
                                                            std::size_t index, std::size_t most) {
  RangeProgress& range = *ranges[index];
  range.poor_cuts = 0;
  Cut cut{index, space_.ladder(range.left, range.page_start, most), {}, range.left.until};
  range.ladder_due = 2 * range.pages + 8;
  if (cut.at.empty()) return std::nullopt;
  cut.estimates.assign(cut.at.size(), 0.0);  // the first page of each will tell
  range.left.until = cut.at.front();
  estimate(range);
  range.ladder_due = ladder_after(range);
  return cut;
}

std::optional<RangeSplitter::Cut> RangeSplitter::cut_middle(std::span<RangeProgress* const> ranges,
                                                            std::size_t index, double window) {
  RangeProgress& range = *ranges[index];
  double share = 0.5;
  if (order_ == ListOrder::by_key && range.estimate < kUnknown)
    share = std::min(0.5, window / range.estimate);
  auto at = space_.middle(range.left, share);
  if (!at) return std::nullopt;
  // An estimate that is only a guess is not to be divided further before a page has confirmed it.
  const bool known = range.estimate < kUnknown;
  Cut cut{index, {std::move(*at)}, {known ? range.estimate * (1 - share) : 0.0}, range.left.until};
  range.left.until = cut.at.front();
  range.estimate = known ? range.estimate * share : 0.0;
  range.branching = space_.branches(range.left);
  range.settled = true;  // until the next page tells whether that was right
  return cut;
}

}  // namespace haul::listing

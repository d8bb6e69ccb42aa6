#include "listing/key_space.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "base/utf8.h"

namespace haul::listing {
namespace {

constexpr std::size_t kMostOthers = 256;
constexpr unsigned kFinishedEnough = 8;
constexpr double kPassedBy = 0.25;  // weight of a code point that is only expected, beside one that was seen
constexpr int kMostDigits = 40;     // more do not change a double, even of small alphabets

// The least scalar value above; nothing above the last one.
std::optional<char32_t> successor(char32_t point) {
  if (point >= 0x10ffff) return std::nullopt;
  return point == 0xd7ff ? char32_t{0xe000} : point + 1;
}

// Names are made from a few classes of characters. Who has seen some of a class expects the others, since
// keys come in ascending order and the higher ones are yet to be seen.
void complete_class(std::bitset<128>& seen, char first, char last, std::size_t enough, bool whole) {
  std::size_t count = 0;
  char low = last;
  char high = first;
  for (char c = first; c <= last; ++c) {
    if (!seen[static_cast<std::size_t>(c)]) continue;
    ++count;
    low = std::min(low, c);
    high = std::max(high, c);
  }
  if (count < enough) return;
  if (whole) low = first, high = last;
  for (char c = low; c <= high; ++c)
    seen.set(static_cast<std::size_t>(c));
}

// Scripts with more characters than a sample shows: who has seen some of one expects all of it.
struct Script {
  char32_t first, last;
};
constexpr Script kScripts[] = {{0x80, 0x24f},    {0x370, 0x3ff},   {0x400, 0x52f},     {0x590, 0x5ff},
                               {0x600, 0x6ff},   {0x900, 0xdff},   {0xe00, 0xe7f},     {0x3040, 0x30ff},
                               {0x4e00, 0x9fff}, {0xac00, 0xd7a3}, {0x1f300, 0x1faff}, {0x20000, 0x2fa1f}};
constexpr char32_t kScriptGrid = 256;  // points that stand for a script

void add_scripts(std::u32string& points) {
  std::u32string grid;
  for (const Script& script : kScripts) {
    const auto low = std::ranges::lower_bound(points, script.first);
    const auto high = std::ranges::upper_bound(points, script.last);
    if (high - low < 3) continue;
    const char32_t step = std::max<char32_t>(1, (script.last - script.first) / kScriptGrid);
    for (char32_t point = script.first; point <= script.last; point += step)
      grid.push_back(point);
  }
  if (grid.empty()) return;
  std::u32string both;
  std::ranges::set_union(points, grid, std::back_inserter(both));
  points = std::move(both);
}

bool any_of(const std::bitset<128>& seen, char first, char last) {
  for (char c = first; c <= last; ++c)
    if (seen[static_cast<std::size_t>(c)]) return true;
  return false;
}

}  // namespace

KeySpace::CodePoints KeySpace::decode(std::string_view key) const {
  key.remove_prefix(std::min(prefix_.size(), key.size()));
  CodePoints points;
  points.reserve(key.size());
  // What follows a byte that is no UTF-8 cannot take part in a cut, which must be UTF-8.
  while (const auto point = take_code_point(key))
    points.push_back(*point);
  return points;
}

std::string KeySpace::encode(const CodePoints& points) const {
  std::string key = prefix_;
  for (const char32_t point : points)
    append_code_point(key, point);
  return key;
}

void KeySpace::learn(std::span<const std::string_view> keys) {
  std::string_view before;
  for (std::string_view key : keys) {
    key.remove_prefix(std::min(prefix_.size(), key.size()));
    const auto common = std::ranges::mismatch(key, before).in1 - key.begin();
    learn(key, before.empty() ? key.size() : static_cast<std::size_t>(common));
    before = key;
  }
}

// The first `common` bytes are those of the key before. Below what differs something new begins, so there
// whatever came before was seen to its end.
void KeySpace::learn(std::string_view key, std::size_t common) {
  std::string_view rest = key;
  bool begun = false;
  for (std::size_t depth = 0;; ++depth) {
    const auto point = take_code_point(rest);
    if (!point) return;
    if (depth == alphabets_.size()) {
      alphabets_.emplace_back();
      digits_.emplace_back();
    }
    Alphabet& alphabet = alphabets_[depth];
    if (begun && ++alphabet.finished == kFinishedEnough) digits_[depth].points.clear();
    begun = key.size() - rest.size() > common;
    if (*point < 128) {
      if (alphabet.ascii[*point]) continue;
      alphabet.ascii.set(*point);
    } else {
      const auto at = std::ranges::lower_bound(alphabet.others, *point);
      if ((at != alphabet.others.end() && *at == *point) || alphabet.others.size() == kMostOthers) continue;
      alphabet.others.insert(at, *point);
    }
    digits_[depth].points.clear();
  }
}

const KeySpace::Digits& KeySpace::digits(std::size_t depth) const {
  static const Digits none;
  if (depth >= alphabets_.size()) return none;
  Digits& digits = digits_[depth];
  if (!digits.points.empty()) return digits;
  const Alphabet& seen = alphabets_[depth];
  std::bitset<128> ascii = seen.ascii;
  std::u32string others = seen.others;
  if (seen.finished < kFinishedEnough) {
    complete_class(ascii, '0', '9', 2, true);
    const bool numbers = ascii['0'] && ascii['9'];
    const bool hexadecimal = numbers && !any_of(ascii, 'g', 'z') && !any_of(ascii, 'G', 'Z');
    complete_class(ascii, 'a', hexadecimal ? 'f' : 'z', hexadecimal ? 1 : 3, hexadecimal);
    complete_class(ascii, 'A', hexadecimal ? 'F' : 'Z', hexadecimal ? 1 : 3, hexadecimal);
    add_scripts(others);
  }
  digits.starts.assign(1, 0.0);
  char32_t highest = seen.others.empty() ? 0 : seen.others.back();
  for (std::size_t c = 0; c < seen.ascii.size(); ++c)
    if (seen.ascii[c]) highest = std::max(highest, static_cast<char32_t>(c));
  // Keys come in ascending order: what lies above those seen may only be yet to come, what lies between them
  // has been passed by.
  const double yet_to_come = 1.0 / (1 + seen.finished);
  const auto add = [&](char32_t point, bool was_seen) {
    digits.points.push_back(point);
    digits.starts.push_back(digits.starts.back() + (was_seen          ? 1
                                                    : point > highest ? yet_to_come
                                                                      : kPassedBy));
  };
  for (std::size_t c = 0; c < ascii.size(); ++c)
    if (ascii[c]) add(static_cast<char32_t>(c), seen.ascii[c]);
  for (const char32_t point : others)
    add(point, std::ranges::binary_search(seen.others, point));
  for (double& start : digits.starts)
    start /= digits.starts.back();
  return digits;
}

KeySpace::Bounds KeySpace::bounds(const KeyRange& range) const {
  Bounds bounds{decode(range.after), std::nullopt, 0};
  if (!range.until) return bounds;
  bounds.until = decode(*range.until);
  const CodePoints& low = bounds.after;
  const CodePoints& high = *bounds.until;
  const std::size_t common = std::min(low.size(), high.size());
  while (bounds.depth < common && low[bounds.depth] == high[bounds.depth])
    ++bounds.depth;
  // `abc` .. `abd` holds nothing but what begins with `abc`.
  if (high.size() == bounds.depth + 1 && low.size() > bounds.depth &&
      successor(low[bounds.depth]) == high[bounds.depth]) {
    ++bounds.depth;
    bounds.until.reset();
  }
  return bounds;
}

double KeySpace::number(const CodePoints& key, std::size_t depth) const {
  double value = 0;
  double weight = 1;
  for (std::size_t i = depth; i < key.size() && weight > 1e-17; ++i) {
    const Digits& digits = this->digits(i);
    if (digits.points.empty()) break;
    const auto at =
        static_cast<std::size_t>(std::ranges::lower_bound(digits.points, key[i]) - digits.points.begin());
    value += weight * digits.starts[at];
    if (at == digits.points.size() || digits.points[at] != key[i]) break;  // where the next one above begins
    weight *= digits.starts[at + 1] - digits.starts[at];
  }
  return value;
}

double KeySpace::position(const KeyRange& range, std::string_view key) const {
  const Bounds bounds = this->bounds(range);
  const CodePoints points = decode(key);
  // A key beside the common beginning of the range is at or beyond one of its ends.
  const std::size_t common = std::min(bounds.depth, points.size());
  if (points.compare(0, common, bounds.after, 0, std::min(common, bounds.after.size())) != 0)
    return points < bounds.after ? 0 : 1;
  const double low = number(bounds.after, bounds.depth);
  const double high = bounds.until ? number(*bounds.until, bounds.depth) : 1;
  if (high <= low) return 0;
  return std::clamp((number(points, bounds.depth) - low) / (high - low), 0.0, 1.0);
}

bool KeySpace::branches(const KeyRange& range) const {
  const std::size_t depth = bounds(range).depth;
  return digits(depth).points.size() > 1;
}

std::optional<std::string> KeySpace::middle(const KeyRange& range, double share) const {
  const Bounds bounds = this->bounds(range);
  const double low = number(bounds.after, bounds.depth);
  const double high = bounds.until ? number(*bounds.until, bounds.depth) : 1;
  const double width = high - low;
  if (width < 1e-13) return std::nullopt;
  double rest = low + share * width;
  double weight = 1;
  CodePoints cut(bounds.after, 0, std::min(bounds.depth, bounds.after.size()));
  for (int i = 0; i < kMostDigits; ++i) {
    const Digits& digits = this->digits(cut.size());
    if (digits.points.empty()) break;
    const auto above = std::ranges::upper_bound(digits.starts, rest) - digits.starts.begin();
    const auto digit = std::clamp<std::size_t>(static_cast<std::size_t>(above), 1, digits.points.size()) - 1;
    const double part = digits.starts[digit + 1] - digits.starts[digit];
    rest = (rest - digits.starts[digit]) / part;
    weight *= part;
    cut.push_back(digits.points[digit]);
    if (weight > width / 16) continue;  // too coarse to be in the right ratio
    std::string key = encode(cut);
    if (key > range.after && (!range.until || key < *range.until)) return key;
  }
  return std::nullopt;
}

std::vector<std::string> KeySpace::ladder(const KeyRange& range, std::string_view page_start,
                                          std::size_t most) const {
  const Bounds bounds = this->bounds(range);
  const CodePoints& key = bounds.after;
  const CodePoints start = decode(page_start);
  const std::size_t lowest = bounds.depth;
  std::size_t deepest = static_cast<std::size_t>(std::ranges::mismatch(key, start).in1 - key.begin());
  if (key.empty() || most == 0 || lowest >= key.size()) return {};
  deepest = std::clamp(deepest, lowest, key.size() - 1);

  // Close together near the keys just seen, where most trees branch, and ever wider towards the root.
  std::vector<std::size_t> depths;
  for (std::size_t back = 0, step = 1; back < deepest - lowest; back += step) {
    depths.push_back(deepest - back);
    if (back >= 4 && back >= 4 * step) step *= 2;
  }
  depths.push_back(lowest);
  std::vector<std::string> rungs;
  const std::size_t count = std::min(most, depths.size());
  for (std::size_t i = 0; i < count; ++i) {
    // Always the one nearest to the root: all that lies behind it is settled at once.
    const std::size_t depth = depths[depths.size() - 1 - i * depths.size() / count];
    const auto next = successor(key[depth]);
    if (!next) continue;
    CodePoints rung(key, 0, depth);
    rung.push_back(*next);
    std::string cut = encode(rung);
    if (cut > range.after && (!range.until || cut < *range.until)) rungs.push_back(std::move(cut));
  }
  std::ranges::sort(rungs);
  const auto repeated = std::ranges::unique(rungs);
  rungs.erase(repeated.begin(), repeated.end());
  return rungs;
}

}  // namespace haul::listing

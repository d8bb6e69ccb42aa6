// The shape of a bucket's keys, learnt from those seen, and where to cut a range of them in two.
//
// A listing can start at any string, so a range of keys can be cut anywhere; what is hard is to find a cut
// with keys on both sides while nothing is known of the upper one. Two ways:
//
//   middle()  takes the code points seen at each depth for the digits of a number, and finds the string whose
//             number divides the range in the wanted ratio. Right where keys are spread over the range.
//   ladder()  cuts behind each of a known key's own beginnings: `2024/01/07/a` gives `2024/01/07/b`,
//             `2024/01/08`, `2024/01/1`, `2025` and so on. Of the ranges between such rungs those are empty
//             whose depth does not branch, so one round of parallel requests finds out, also under a long
//             common prefix, where the keys are.
//
// All cuts are valid UTF-8 as long as the prefix and the keys are. Depth is counted in code points behind the
// prefix. Not thread-safe.
#pragma once

#include <bitset>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace haul::listing {

// The keys k with after < k <= until. Without `until`: to the last.
struct KeyRange {
  std::string after;
  std::optional<std::string> until;
  bool operator==(const KeyRange&) const = default;
};

class KeySpace {
 public:
  explicit KeySpace(std::string prefix) : prefix_(std::move(prefix)) {}

  // Takes note of some keys of a page, ascending.
  void learn(std::span<const std::string_view> keys);

  // A string that divides the range so that about `share` (0..1) of its keys come before; nothing if none is
  // known.
  std::optional<std::string> middle(const KeyRange& range, double share) const;

  // At most `most` rungs above `range.after`, ascending. `page_start` is a key some thousand before it:
  // depths where the two differ hold too little to be worth a rung.
  std::vector<std::string> ladder(const KeyRange& range, std::string_view page_start, std::size_t most) const;

  // How far into the range a key lies, 0..1, if its keys are spread evenly over the known digits.
  double position(const KeyRange& range, std::string_view key) const;

  // Whether keys are known to differ at the depth where the range begins to: then middle() is worth a trial.
  bool branches(const KeyRange& range) const;

 private:
  using CodePoints = std::u32string;
  struct Alphabet {
    std::bitset<128> ascii;
    std::u32string others;  // ascending, a sample
    unsigned finished = 0;  // how often all code points below one beginning were seen, the last one too
  };
  // The code points that are expected at a depth, and how the keys are expected to spread over them: those
  // that begin with points[i] fill starts[i] to starts[i + 1].
  struct Digits {
    std::u32string points;
    std::vector<double> starts;
  };
  // A range as code points: `after` and `until` differ at `depth` and at none before. Without `until`
  // everything that begins as `after` does up to `depth` is inside.
  struct Bounds {
    CodePoints after;
    std::optional<CodePoints> until;
    std::size_t depth = 0;
  };

  void learn(std::string_view key, std::size_t common);
  CodePoints decode(std::string_view key) const;
  std::string encode(const CodePoints& points) const;
  Bounds bounds(const KeyRange& range) const;
  double number(const CodePoints& key, std::size_t depth) const;
  const Digits& digits(std::size_t depth) const;

  std::string prefix_;
  std::vector<Alphabet> alphabets_;     // by depth
  mutable std::vector<Digits> digits_;  // by depth, made from alphabets_ when asked for
};

}  // namespace haul::listing

#include "base/glob_syntax.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul {
namespace {

using Kind = GlobNode::Kind;

constexpr char32_t kFirstNonAscii = 0x80;
constexpr char32_t kLastCodePoint = 0x10ffff;

struct CodePointRange {
  char32_t first;
  char32_t last;
};

ByteSet byte_range(unsigned first, unsigned last) {
  ByteSet set;
  for (unsigned b = first; b <= last; ++b)
    set.set(b);
  return set;
}

GlobNode one_of(ByteSet set) {
  return {Kind::one, set, {}};
}
GlobNode any_number_of(ByteSet set) {
  return {Kind::any_number, set, {}};
}
GlobNode literal_byte(char c) {
  return one_of(byte_range(static_cast<unsigned char>(c), static_cast<unsigned char>(c)));
}
GlobNode continuation() {
  return one_of(byte_range(0x80, 0xbf));
}

GlobNode sequence_of(GlobNode first, GlobNode second) {
  GlobNode node{Kind::sequence, {}, {}};
  node.children.push_back(std::move(first));
  node.children.push_back(std::move(second));
  return node;
}

GlobNode either(GlobNode first, GlobNode second) {
  GlobNode node = sequence_of(std::move(first), std::move(second));
  node.kind = Kind::alternatives;
  return node;
}

// Any character beyond ASCII. Its tails are shared, as this is what every `?` costs: six places. It trusts
// that what starts as a sequence of three bytes is a valid one.
GlobNode any_beyond_ascii() {
  GlobNode four_then_one = sequence_of(one_of(byte_range(0xf0, 0xf4)), continuation());
  GlobNode three_then_one =
      sequence_of(either(one_of(byte_range(0xe0, 0xef)), std::move(four_then_one)), continuation());
  return sequence_of(either(one_of(byte_range(0xc2, 0xdf)), std::move(three_then_one)), continuation());
}

// Adds to `out` sequences of byte ranges that match exactly the UTF-8 of the range: it is cut until all
// encodings of a piece have one length and vary in each byte independently.
void add_utf8_range(GlobNode& out, char32_t first, char32_t last) {
  for (const char32_t longest : {char32_t{0x7f}, char32_t{0x7ff}, char32_t{0xffff}}) {
    if (first <= longest && longest < last) {
      add_utf8_range(out, first, longest);
      add_utf8_range(out, longest + 1, last);
      return;
    }
  }
  const int tails = last <= 0x7f ? 0 : last <= 0x7ff ? 1 : last <= 0xffff ? 2 : 3;
  for (int i = 1; i <= tails; ++i) {
    const char32_t low = (char32_t{1} << (6 * i)) - 1;
    if ((first & ~low) == (last & ~low)) continue;
    if ((first & low) != 0) {
      add_utf8_range(out, first, first | low);
      add_utf8_range(out, (first | low) + 1, last);
      return;
    }
    if ((last & low) != low) {
      add_utf8_range(out, first, (last & ~low) - 1);
      add_utf8_range(out, last & ~low, last);
      return;
    }
  }
  constexpr std::array<unsigned, 4> kLead{0, 0xc0, 0xe0, 0xf0};
  const auto byte_of = [&](char32_t c, int i) {
    const char32_t bits = c >> (6 * i);
    return static_cast<unsigned>(i == tails ? kLead[static_cast<std::size_t>(tails)] | bits
                                            : 0x80 | (bits & 0x3f));
  };
  GlobNode piece{Kind::sequence, {}, {}};
  for (int i = tails; i >= 0; --i)
    piece.children.push_back(one_of(byte_range(byte_of(first, i), byte_of(last, i))));
  out.children.push_back(std::move(piece));
}

// What the ranges leave of all code points.
std::vector<CodePointRange> complement_of(std::vector<CodePointRange> ranges) {
  std::ranges::sort(ranges, {}, &CodePointRange::first);
  std::vector<CodePointRange> rest;
  char32_t next = 0;
  for (const auto& [first, last] : ranges) {
    if (first > next) rest.push_back({next, first - 1});
    next = std::max<char32_t>(next, last + 1);
  }
  if (next <= kLastCodePoint) rest.push_back({next, kLastCodePoint});
  return rest;
}

class GlobParser {
 public:
  GlobParser(std::string_view pattern, GlobDialect dialect) : pattern_(pattern), dialect_(dialect) {
    matchable_.set();
    if (is_filter()) matchable_.reset('/');
  }

  GlobNode parse() {
    if (pattern_.empty()) refuse("is empty", 0);
    return is_filter() ? parse_filter() : parse_items(0);
  }

 private:
  static constexpr int kDeepest = 16;

  bool is_filter() const noexcept { return dialect_ == GlobDialect::filter; }
  bool at_end() const noexcept { return at_ == pattern_.size(); }
  bool take(char c) noexcept {
    if (at_end() || pattern_[at_] != c) return false;
    ++at_;
    return true;
  }

  [[noreturn]] void refuse(std::string_view why, std::size_t position) const {
    throw Error(ErrorClass::invalid_argument,
                fmt::format("the pattern '{}' {} at position {}", visible(pattern_), why, position + 1));
  }

  GlobNode parse_filter() {
    const bool anchored = take('/');
    // `**` in front reaches any depth by itself.
    const bool any_depth = pattern_.substr(at_).starts_with("**");
    const bool empty = at_end();
    GlobNode items = parse_items(0);
    if (empty || ends_in_slash_) items.children.push_back(any_number_of(ByteSet().set()));
    if (!anchored && !any_depth) {
      GlobNode below = sequence_of(any_number_of(ByteSet().set()), literal_byte('/'));
      items.children.insert(items.children.begin(), either({}, std::move(below)));
    }
    return items;
  }

  // Up to the end, or within braces up to a comma or the closing brace.
  GlobNode parse_items(int depth) {
    GlobNode items{Kind::sequence, {}, {}};
    while (!at_end()) {
      const char c = pattern_[at_];
      if (is_filter() && depth > 0 && (c == ',' || c == '}')) break;
      ends_in_slash_ = c == '/';
      parse_item(items.children, depth);
    }
    return items;
  }

  void parse_item(std::vector<GlobNode>& items, int depth) {
    const std::size_t start = at_;
    switch (const char c = pattern_[at_++]) {
      case '*': items.push_back(stars(start)); return;
      case '?': items.push_back(either(one_of(ascii_part(matchable_)), any_beyond_ascii())); return;
      case '[': items.push_back(character_class(start)); return;
      case '\\':
        if (at_end()) refuse("ends in a backslash that escapes nothing", start);
        items.push_back(literal_byte(pattern_[at_++]));
        return;
      case '{':
        if (!is_filter()) break;
        items.push_back(braces(start, depth + 1));
        return;
      case '}':
        if (!is_filter()) break;
        refuse("closes a brace that was never opened", start);
      default: items.push_back(literal_byte(c)); return;
    }
    items.push_back(literal_byte(pattern_[start]));
  }

  GlobNode stars(std::size_t start) {
    while (take('*')) {
    }
    const std::size_t count = at_ - start;
    if (!is_filter()) return any_number_of(matchable_);
    if (count > 2) refuse("has more than two stars in a row", start);
    return any_number_of(count == 2 ? ByteSet().set() : matchable_);
  }

  GlobNode braces(std::size_t start, int depth) {
    if (!at_end() && pattern_[at_] == '{') {
      refuse("has a regular expression in {{ }}, which is not supported, or doubled braces", start);
    }
    if (depth > kDeepest) refuse("nests braces too deeply", start);
    GlobNode node{Kind::alternatives, {}, {}};
    do {
      node.children.push_back(parse_items(depth));
    } while (take(','));
    if (!take('}')) refuse("opens a brace that is never closed", start);
    ends_in_slash_ = false;
    return node;
  }

  GlobNode character_class(std::size_t start) {
    const bool negated = take('!') || take('^');
    std::vector<CodePointRange> ranges;
    for (bool first = true; first || !take(']'); first = false) {
      const std::size_t member = at_;
      const char32_t from = class_member(start);
      char32_t to = from;
      if (at_ + 1 < pattern_.size() && pattern_[at_] == '-' && pattern_[at_ + 1] != ']') {
        ++at_;
        to = class_member(start);
        if (to < from) refuse("has a range that runs backwards", member);
      }
      ranges.push_back({from, to});
    }
    return class_of(ranges, negated);
  }

  char32_t class_member(std::size_t start) {
    if (at_end()) refuse("opens a bracket that is never closed", start);
    if (take('\\') && at_end()) refuse("opens a bracket that is never closed", start);
    std::string_view rest = pattern_.substr(at_);
    const auto c = take_code_point(rest);
    if (!c) refuse("has a byte in brackets that is not UTF-8", at_);
    at_ = pattern_.size() - rest.size();
    return *c;
  }

  GlobNode class_of(const std::vector<CodePointRange>& listed, bool negated) const {
    const bool ascii_only =
        std::ranges::all_of(listed, [](auto range) { return range.last < kFirstNonAscii; });
    ByteSet ascii;
    GlobNode node{Kind::alternatives, {}, {}};
    for (const auto& [first, last] : negated ? complement_of(listed) : listed) {
      for (char32_t c = first; c <= std::min<char32_t>(last, kFirstNonAscii - 1); ++c)
        ascii.set(c);
      if (last >= kFirstNonAscii && !ascii_only) {
        add_utf8_range(node, std::max(first, kFirstNonAscii), last);
      }
    }
    if (negated && ascii_only) node.children.push_back(any_beyond_ascii());
    node.children.push_back(one_of(ascii & matchable_));
    return node.children.size() == 1 ? std::move(node.children.front()) : std::move(node);
  }

  static ByteSet ascii_part(const ByteSet& set) { return set & byte_range(0, 0x7f); }

  std::string_view pattern_;
  std::size_t at_ = 0;
  GlobDialect dialect_;
  ByteSet matchable_;           // what a wildcard other than ** may stand for
  bool ends_in_slash_ = false;  // whether the last item read was a plain slash
};

}  // namespace

GlobNode parse_glob(std::string_view pattern, GlobDialect dialect) {
  return GlobParser(pattern, dialect).parse();
}

}  // namespace haul

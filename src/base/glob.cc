// The automaton is Glushkov's: a state for each place in the pattern that takes a byte, and for each the set
// of places that may take the next. Reading a key moves a set of states along, all at once, as words of bits.
// There is no going back, so no pattern makes it slow: a key of n bytes costs n steps over at most
// kMostPlaces bits.
#include "base/glob.h"

#include <bit>
#include <utility>

#include "base/error.h"

namespace haul {
namespace {

using NodeKind = GlobNode::Kind;

constexpr std::size_t kWordBits = 64;
constexpr std::size_t kMostPlaces = 1024;
constexpr std::size_t kMostWords = kMostPlaces / kWordBits;

std::size_t count_places(const GlobNode& node) {
  if (node.kind == NodeKind::one || node.kind == NodeKind::any_number) return 1;
  std::size_t count = 0;
  for (const GlobNode& child : node.children)
    count += count_places(child);
  return count;
}

bool is_literal_byte(const GlobNode& node) {
  return node.kind == NodeKind::one && node.set.count() == 1;
}

char byte_of(const GlobNode& node) {
  unsigned b = 0;
  while (!node.set.test(b))
    ++b;
  return static_cast<char>(b);
}

bool is_anything(const GlobNode& node) {
  return node.kind == NodeKind::any_number && node.set.all();
}

bool is_name_part(const GlobNode& node) {
  return node.kind == NodeKind::any_number && node.set.count() == 255 && !node.set.test('/');
}

}  // namespace

// A piece of the pattern: whether it can be empty, and where it can begin and end.
struct Glob::Fragment {
  bool can_be_empty = true;
  Row first;
  std::vector<std::size_t> last;
};

class Glob::Compiler {
 public:
  explicit Compiler(Glob& glob, std::size_t places) : glob_(glob), words_(glob.words_) {
    glob_.follow_.assign(places * words_, 0);
    glob_.takes_.assign(256 * words_, 0);
  }

  Fragment compile(const GlobNode& node) {
    switch (node.kind) {
      case NodeKind::one: return place(node.set);
      case NodeKind::any_number: {
        Fragment loop = place(node.set);
        connect(loop, loop.first);
        loop.can_be_empty = true;
        return loop;
      }
      case NodeKind::alternatives: return alternatives(node);
      case NodeKind::sequence: break;
    }
    return sequence(node);
  }

 private:
  Fragment place(const ByteSet& set) {
    const std::size_t at = next_place_++;
    const std::size_t word = at / kWordBits;
    const Word bit = Word{1} << at % kWordBits;
    for (std::size_t b = 0; b < set.size(); ++b) {
      if (set.test(b)) glob_.takes_[b * words_ + word] |= bit;
    }
    Fragment fragment{false, Row(words_, 0), {at}};
    fragment.first[word] |= bit;
    return fragment;
  }

  void connect(const Fragment& from, const Row& to) {
    for (const std::size_t place : from.last) {
      for (std::size_t w = 0; w < words_; ++w)
        glob_.follow_[place * words_ + w] |= to[w];
    }
  }

  static void add(Row& to, const Row& from) {
    for (std::size_t w = 0; w < to.size(); ++w)
      to[w] |= from[w];
  }

  Fragment sequence(const GlobNode& node) {
    Fragment whole{true, Row(words_, 0), {}};
    for (const GlobNode& child : node.children) {
      Fragment next = compile(child);
      connect(whole, next.first);
      if (whole.can_be_empty) add(whole.first, next.first);
      if (!next.can_be_empty) whole.last.clear();
      whole.last.insert(whole.last.end(), next.last.begin(), next.last.end());
      whole.can_be_empty = whole.can_be_empty && next.can_be_empty;
    }
    return whole;
  }

  Fragment alternatives(const GlobNode& node) {
    Fragment any{false, Row(words_, 0), {}};
    for (const GlobNode& child : node.children) {
      const Fragment one = compile(child);
      add(any.first, one.first);
      any.last.insert(any.last.end(), one.last.begin(), one.last.end());
      any.can_be_empty = any.can_be_empty || one.can_be_empty;
    }
    return any;
  }

  Glob& glob_;
  std::size_t words_;
  std::size_t next_place_ = 0;
};

Glob::Glob(std::string_view pattern, GlobDialect dialect) : pattern_(pattern) {
  const GlobNode root = parse_glob(pattern, dialect);
  find_shape(root, dialect);
  if (shape_ != Shape::general) return;

  const std::size_t places = count_places(root);
  if (places > kMostPlaces) {
    throw Error(ErrorClass::invalid_argument, "the pattern is too long: it takes " + std::to_string(places) +
                                                  " steps of the matcher, and 1024 are the most")
        .with_hint("use several shorter patterns");
  }
  words_ = (places + kWordBits - 1) / kWordBits;
  Fragment whole = Compiler(*this, places).compile(root);
  matches_empty_ = whole.can_be_empty;
  first_ = std::move(whole.first);
  last_.assign(words_, 0);
  for (const std::size_t place : whole.last)
    last_[place / kWordBits] |= Word{1} << place % kWordBits;
  forever_.assign(words_, 0);
  // Places are numbered in the order of the pattern: a star at its end has the last number.
  if (ends_in_anything_) forever_.back() |= Word{1} << (places - 1) % kWordBits;
}

void Glob::find_shape(const GlobNode& root, GlobDialect dialect) {
  const auto& items = root.children;
  std::size_t begin = 0;
  while (begin < items.size() && is_literal_byte(items[begin]))
    prefix_ += byte_of(items[begin++]);
  if (begin == items.size()) {
    shape_ = Shape::exact;
    return;
  }
  ends_in_anything_ = is_anything(items.back());
  std::size_t end = items.size();
  while (end > begin && is_literal_byte(items[end - 1]))
    --end;
  for (std::size_t i = end; i < items.size(); ++i)
    suffix_ += byte_of(items[i]);

  if (end - begin == 1 && is_anything(items[begin])) shape_ = Shape::between;
  // `*.tmp` as a filter: the start of any name, then what has no slash, is no condition on what stands
  // before.
  const bool starts_anywhere = dialect == GlobDialect::filter && begin == 0 && end == 2 &&
                               items[0].kind == NodeKind::alternatives && pattern_.starts_with('*');
  if (starts_anywhere && is_name_part(items[1]) && !suffix_.contains('/')) shape_ = Shape::between;
}

bool Glob::matches(std::string_view key) const noexcept {
  if (shape_ == Shape::exact) return key == prefix_;
  if (key.size() < prefix_.size() + suffix_.size()) return false;
  if (!key.ends_with(suffix_) || !key.starts_with(prefix_)) return false;
  if (shape_ == Shape::between) return true;
  if (key.empty()) return matches_empty_;
  return words_ == 1 ? run_one_word(key) : run(key);
}

bool Glob::covers_tree(std::string_view directory) const noexcept {
  return ends_in_anything_ && suffix_.empty() && matches(directory);
}

bool Glob::run_one_word(std::string_view key) const noexcept {
  Word next = first_[0];
  Word states = 0;
  for (const char c : key) {
    states = next & takes_[static_cast<unsigned char>(c)];
    if (states == 0) return false;
    if ((states & forever_[0]) != 0) return true;
    next = 0;
    for (Word left = states; left != 0; left &= left - 1) {
      next |= follow_[static_cast<std::size_t>(std::countr_zero(left))];
    }
  }
  return (states & last_[0]) != 0;
}

bool Glob::run(std::string_view key) const noexcept {
  std::array<Word, kMostWords> states{};
  std::array<Word, kMostWords> next{};
  for (std::size_t w = 0; w < words_; ++w)
    next[w] = first_[w];
  for (const char c : key) {
    const Word* takes = &takes_[static_cast<unsigned char>(c) * words_];
    Word alive = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      states[w] = next[w] & takes[w];
      alive |= states[w];
      if ((states[w] & forever_[w]) != 0) return true;
      next[w] = 0;
    }
    if (alive == 0) return false;
    for (std::size_t w = 0; w < words_; ++w) {
      for (Word left = states[w]; left != 0; left &= left - 1) {
        const std::size_t place = w * kWordBits + static_cast<std::size_t>(std::countr_zero(left));
        for (std::size_t v = 0; v < words_; ++v)
          next[v] |= follow_[place * words_ + v];
      }
    }
  }
  for (std::size_t w = 0; w < words_; ++w) {
    if ((states[w] & last_[w]) != 0) return true;
  }
  return false;
}

bool has_wildcards(std::string_view location) noexcept {
  for (std::size_t i = 0; i < location.size(); ++i) {
    if (location[i] == '\\') {
      ++i;
    } else if (location[i] == '*' || location[i] == '?' || location[i] == '[') {
      return true;
    }
  }
  return false;
}

}  // namespace haul

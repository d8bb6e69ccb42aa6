// Patterns over keys. Two dialects, since users know two:
//
// location (in s3://bucket/logs/*.gz, and local paths)
//     *        any number of any characters, also none, also /
//     ?        one character, also /
//     [a-z]    one of these characters; [!a-z] or [^a-z] one other
//     \x       x itself
//   The pattern covers the whole key.
//
// filter (--include, --exclude), as users of rclone know it
//     *        any number of characters but /
//     **       any number of any characters
//     ?, []    one character, never /
//     {a,b*}   one of these patterns; braces nest ({{ is refused: regular expressions are not supported)
//     \x       x itself
//   A pattern that begins with / covers the key from its start; any other may begin at the start or after any
//   /. Both run to the end of the key. A pattern that ends in / means everything below: dir/ is dir/**.
//
// Keys are bytes and compared as such, with regard to case. One character is one character of UTF-8; a byte
// that is not UTF-8 is only covered by stars or itself.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/glob_syntax.h"

namespace haul {

// Immutable after construction: any number of threads may match at once. The time to match is linear in the
// length of the key for any pattern; the most common shapes (prefix, suffix, both) are two comparisons of
// bytes.
class Glob {
 public:
  // Throws Error(invalid_argument) that names the position of what is wrong, or says that the pattern is too
  // long.
  Glob(std::string_view pattern, GlobDialect dialect);

  bool matches(std::string_view key) const noexcept;

  // Whether every key that begins with `directory` (which ends in /) is matched, so that nobody has to look
  // below. Never true by mistake; false if that cannot be told from the pattern's end.
  bool covers_tree(std::string_view directory) const noexcept;

  // What every matching key begins with, escapes resolved: the prefix to list. Empty where nothing is known.
  const std::string& literal_prefix() const noexcept { return prefix_; }

  // Whether exactly one key matches, literal_prefix().
  bool is_literal() const noexcept { return shape_ == Shape::exact; }

  const std::string& pattern() const noexcept { return pattern_; }

 private:
  enum class Shape : std::uint8_t {
    exact,    // the prefix, and nothing else
    between,  // anything from the prefix to the suffix
    general,  // what the automaton says, once prefix and suffix are there
  };
  using Word = std::uint64_t;
  using Row = std::vector<Word>;  // a set of places in the pattern

  struct Fragment;
  class Compiler;

  void find_shape(const GlobNode& root, GlobDialect dialect);
  bool run_one_word(std::string_view key) const noexcept;
  bool run(std::string_view key) const noexcept;

  std::string pattern_;
  std::string prefix_;
  std::string suffix_;
  Shape shape_ = Shape::general;
  bool ends_in_anything_ = false;

  // The automaton has one state per place in the pattern that takes a byte, held as sets of bits. All rows
  // have `words_` words.
  std::size_t words_ = 0;
  bool matches_empty_ = false;
  Row first_;    // places that may take the first byte
  Row last_;     // places that may take the last one
  Row forever_;  // places that, once reached, take all the rest
  Row follow_;   // for each place those that may come next
  Row takes_;    // for each byte the places that take it
};

// Whether a location has an unescaped wildcard, so that it names many keys.
bool has_wildcards(std::string_view location) noexcept;

}  // namespace haul

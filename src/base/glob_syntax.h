// Glob patterns read into a tree. glob.cc turns the tree into an automaton; everybody else takes Glob from
// base/glob.h, where the two dialects are described.
#pragma once
#include <bitset>
#include <cstdint>
#include <string_view>
#include <vector>

namespace haul {

enum class GlobDialect : std::uint8_t { location, filter };

using ByteSet = std::bitset<256>;

struct GlobNode {
  enum class Kind : std::uint8_t {
    one,           // one byte of `set`
    any_number,    // any number of bytes of `set`
    sequence,      // the children one after the other; none: the empty text
    alternatives,  // one of the children
  };
  Kind kind = Kind::sequence;
  ByteSet set;
  std::vector<GlobNode> children;
};

// The top level is a sequence. Throws Error(invalid_argument) that names the position.
GlobNode parse_glob(std::string_view pattern, GlobDialect dialect);

}  // namespace haul

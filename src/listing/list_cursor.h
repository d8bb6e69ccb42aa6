// How far a listing has come, as a value: what is left of the key space, and what was found wrong so far.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "listing/entry_stream.h"
#include "listing/key_space.h"

namespace haul::listing {

struct ListCursor {
  std::vector<KeyRange> remaining;  // ascending, disjoint; empty: nothing is left
  ListingFacts facts;               // of what was handed out before

  // JSON, one line. Keys are JSON strings where they are UTF-8, and hexadecimal in an object where not.
  std::string to_json() const;
  // Throws invalid_argument: malformed, ranges that overlap or are out of order.
  static ListCursor parse(std::string_view json);
};

}  // namespace haul::listing

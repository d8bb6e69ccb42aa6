// What was probably meant by a word with a slip of the pen in it.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace haul {

// The nearest of `known`, or one that `word` begins; empty if none is near.
std::string nearest_word(std::string_view word, std::span<const std::string> known);

}  // namespace haul

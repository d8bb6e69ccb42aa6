// What every fuzz target needs: the input as text, and two ways to say what must hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string_view>

#include "base/error.h"

namespace haul::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What stands before the next `separator`, which is taken off the front of `rest` with it.
inline std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return part;
}

inline void check(bool holds) {
  if (!holds) std::abort();
}

// Runs `read` on hostile input: it may succeed or refuse, and refuses with one of these classes only. Whether
// it succeeded.
template <class Read>
bool accepts(std::initializer_list<ErrorClass> refusals, Read&& read) {
  try {
    read();
    return true;
  } catch (const Error& error) {
    for (const ErrorClass allowed : refusals)
      if (error.error_class() == allowed) return false;
    std::abort();
  }
}

}  // namespace haul::fuzz

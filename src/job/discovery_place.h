// Where a discovery goes on: which source, and the place in it.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace haul::job {

struct DiscoveryPlace {
  std::uint16_t source = 0;
  std::optional<std::string> stream;  // of the source's list or listing; nothing: its start
  std::optional<std::string> pair;    // of a merge: the relative key behind which both sides go on
  std::deque<std::string> skipped;  // of a merge: skipped relative keys below which the destination may go on

  // One line of text.
  std::string to_text() const;
  // Throws invalid_argument for what to_text() did not give.
  static DiscoveryPlace parse(std::string_view text);
};

}  // namespace haul::job

// The checksum of a whole from those of its parts, which come in any order.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "base/checksum.h"

namespace haul::transfer {

// Keeps only what has arrived ahead of its turn: as many values as parts are in flight.
// CRCs only. Not thread-safe.
class OrderedChecksum {
 public:
  // Each part once; number counts from 1.
  void add(std::uint32_t number, const Checksum& checksum, std::uint64_t length) {
    early_.emplace(number, std::pair(checksum, length));
    for (auto next = early_.begin(); next != early_.end() && next->first == next_; next = early_.begin()) {
      const auto& [part, part_length] = next->second;
      whole_ = whole_ ? combine(*whole_, part, part_length) : part;
      early_.erase(next);
      ++next_;
    }
  }

  // Of all parts up to the first that is missing.
  const std::optional<Checksum>& whole() const noexcept { return whole_; }
  std::uint32_t parts() const noexcept { return next_ - 1; }

 private:
  std::map<std::uint32_t, std::pair<Checksum, std::uint64_t>> early_;
  std::optional<Checksum> whole_;
  std::uint32_t next_ = 1;
};

}  // namespace haul::transfer

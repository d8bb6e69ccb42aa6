// Where an object goes: from its key at the source to its key at the destination. The only place that knows.
//
//   prefix    `strip` taken off, `put` put in front; keeps the order of keys and never maps two to one
//   flatten   `put` and the name behind the last `/`; several may meet in one
//   template  `put` and a pattern with
//               {key}   the key without `strip`          {name}  what is behind its last `/`
//               {dir}   what is before its last `/`      {ext}   what is behind the name's last `.`
//               {stem}  the name without that           {year} {month} {day} of the modification time, UTC
//             `{{` and `}}` are braces. A `/` behind an empty {dir} is left out.
//
// Where the order is not kept, the mapped listing must be sorted before it is merged (spill_sort.h), and that
// is also where keys that meet are found (merge_walk.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/entry.h"

namespace haul::listing {

// Immutable: may be used from any thread.
class KeyMapping {
 public:
  static KeyMapping prefix(std::string strip, std::string put);
  static KeyMapping flatten(std::string strip, std::string put);
  // Throws invalid_argument with the position: an unknown name, a brace that is not closed, no name at all.
  static KeyMapping from_template(std::string strip, std::string put, std::string_view pattern);

  bool keeps_order() const noexcept { return keeps_order_; }
  const std::string& strip() const noexcept { return strip_; }
  const std::string& put() const noexcept { return put_; }

  // Writes the key at the destination to `out`. An object that cannot have one (an empty key, a name that is
  // missing) gives the reason instead, as an unmet condition of that object alone.
  [[nodiscard]] std::optional<Error> map(const store::Entry& entry, std::string& out) const;

 private:
  enum class Part : std::uint8_t { literal, key, name, dir, stem, ext, year, month, day };
  struct Piece {
    Part part;
    std::string text;  // of a literal
  };
  KeyMapping(std::string strip, std::string put, std::vector<Piece> pieces);

  std::string strip_;
  std::string put_;
  std::vector<Piece> pieces_;
  bool keeps_order_ = false;
};

}  // namespace haul::listing

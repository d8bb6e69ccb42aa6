// What an object is called at its destination, below the destination's prefix.
// Thread safety: immutable after construction; map() may be called from any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "store/entry.h"

namespace haul::listing {

class KeyMapping {
 public:
  // The key as it is.
  KeyMapping() = default;
  // The last component alone: `a/b/c.txt` is `c.txt`. Two objects may then have one name.
  static KeyMapping flatten();
  // Text with {key}, {dir} (without the last `/`), {name}, {stem}, {ext} (without the dot) and {year},
  // {month}, {day} of the modification time (UTC); {{ and }} are braces. Throws invalid_argument with the
  // position.
  static KeyMapping templated(std::string_view pattern);

  // Whether keys in ascending order give keys in ascending order: then two listings can be merged.
  bool keeps_order() const noexcept { return kind_ == Kind::identity; }
  // Whether different keys give different keys.
  bool injective() const noexcept;

  // prefix followed by the mapped key, stored in `text`. Throws invalid_argument if nothing is left of the
  // key.
  std::string_view map(std::string_view prefix, std::string_view relative_key, const store::Entry& entry,
                       TextArena& text) const;

 private:
  enum class Kind : std::uint8_t { identity, flatten, templated };
  enum class Field : std::uint8_t { literal, key, dir, name, stem, ext, year, month, day };
  struct Piece {
    Field field;
    std::string literal;
  };
  Kind kind_ = Kind::identity;
  std::vector<Piece> pieces_;
};

}  // namespace haul::listing

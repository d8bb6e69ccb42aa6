// Keys as paths below a root, and back.
//
// A key names a file if it is UTF-8, does not begin with `/`, and none of its components is empty, `.`, `..`,
// contains a NUL or is longer than the file system takes. Components of the path may be any bytes: those that
// are not UTF-8 are escaped in keys (base/utf8.h). A key that ends in `/` names a directory.
// Pure functions, safe from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haul::local {

inline constexpr std::size_t kLongestName = 255;  // bytes of a component (NAME_MAX)
inline constexpr std::size_t kLongestPath =
    4095;  // bytes of a path below the root (PATH_MAX without the NUL)

struct FilePath {
  std::string raw;         // relative to the root, as the kernel takes it, without a trailing slash
  bool directory = false;  // the key ended in `/`

  // The directory that holds it, empty for the root, and the name in there.
  std::string_view parent() const noexcept;
  std::string_view name() const noexcept;
};

// Why a key cannot be a file, or an empty text if it can.
std::string_view why_not_a_file(std::string_view key) noexcept;

// Precondition: why_not_a_file(key) is empty.
FilePath to_path(std::string_view key);

// Names of files that are still being written: `.<name>.haul-<13 characters of chance>.tmp`, without the name
// where it would become too long. They are never listed, and no key may name one.
std::string temporary_name(std::string_view name, std::uint64_t chance);
bool is_temporary_name(std::string_view name) noexcept;
// Of which file; empty where the name was too long. Precondition: is_temporary_name(temporary).
std::string_view name_of_temporary(std::string_view temporary) noexcept;

// Whether the target of a symbolic link at `path` stays below the root, going by its text alone.
bool link_stays_inside(std::string_view path, std::string_view target);

}  // namespace haul::local

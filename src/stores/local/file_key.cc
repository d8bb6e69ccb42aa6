#include "stores/local/file_key.h"

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"

namespace haul::local {
namespace {

constexpr std::string_view kMark = ".haul-";
constexpr std::string_view kEnd = ".tmp";
constexpr std::size_t kChance = 13;  // 64 bits, five a character
constexpr std::size_t kSuffix = kMark.size() + kChance + kEnd.size();
constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford's base 32

// Takes the first component off; the rest begins after its slash.
std::string_view take_component(std::string_view& rest) noexcept {
  const std::size_t slash = rest.find('/');
  const std::string_view component = rest.substr(0, slash);
  rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  return component;
}

// Only characters of this lead byte can be the escapes of stray bytes.
bool may_hold_escapes(std::string_view key) noexcept {
  return key.find('\xee') != std::string_view::npos;
}

}  // namespace

std::string_view FilePath::parent() const noexcept {
  const std::size_t slash = raw.rfind('/');
  return slash == std::string::npos ? std::string_view() : std::string_view(raw).substr(0, slash);
}

std::string_view FilePath::name() const noexcept {
  const std::size_t slash = raw.rfind('/');
  return slash == std::string::npos ? std::string_view(raw) : std::string_view(raw).substr(slash + 1);
}

std::string_view why_not_a_file(std::string_view key) noexcept {
  if (key.empty()) return "an empty key cannot be a file";
  if (key.front() == '/') return "a key that begins with '/' cannot be a file below the root";
  if (key.find('\0') != std::string_view::npos) return "a key with a NUL byte cannot be a file";
  if (!is_utf8(key)) return "a key that is not UTF-8 cannot be told from the escape of another name";
  const bool escapes = may_hold_escapes(key);
  std::size_t length = 0;
  for (std::string_view rest = key; !rest.empty();) {
    const std::string_view component = take_component(rest);
    if (component.empty()) return "a key with an empty part ('//') cannot be a file";
    if (component == "." || component == "..") return "a key with a part '.' or '..' cannot be a file";
    const std::size_t size = escapes ? unescape_name(component).size() : component.size();
    if (size > kLongestName) return "a part of the key is longer than a file name can be (255 bytes)";
    length += size + 1;
    if (component.front() == '.' && is_temporary_name(component))
      return "the name is one of those that Haul gives to files under way";
  }
  if (length > kLongestPath) return "the key is longer than a path can be (4095 bytes)";
  return {};
}

FilePath to_path(std::string_view key) {
  FilePath path;
  path.directory = key.ends_with('/');
  if (path.directory) key.remove_suffix(1);
  if (!may_hold_escapes(key)) {
    path.raw = key;
    return path;
  }
  for (std::string_view rest = key; !rest.empty();) {
    if (!path.raw.empty()) path.raw += '/';
    path.raw += unescape_name(take_component(rest));
  }
  return path;
}

std::string temporary_name(std::string_view name, std::uint64_t chance) {
  std::string temporary(".");
  if (1 + name.size() + kSuffix <= kLongestName)
    temporary.append(name);
  else
    temporary.clear();
  temporary.append(kMark);
  for (std::size_t i = 0; i < kChance; ++i, chance >>= 5)
    temporary += kDigits[chance & 31];
  temporary.append(kEnd);
  return temporary;
}

bool is_temporary_name(std::string_view name) noexcept {
  if (name.size() < kSuffix || name.front() != '.' || !name.ends_with(kEnd)) return false;
  const std::string_view suffix = name.substr(name.size() - kSuffix);
  const std::string_view chance = suffix.substr(kMark.size(), kChance);
  return suffix.starts_with(kMark) && chance.find_first_not_of(kDigits) == std::string_view::npos;
}

std::string_view name_of_temporary(std::string_view temporary) noexcept {
  if (temporary.size() <= kSuffix) return {};
  return temporary.substr(1, temporary.size() - kSuffix - 1);
}

bool link_stays_inside(std::string_view path, std::string_view target) {
  if (target.empty() || target.front() == '/') return false;
  auto depth = std::ranges::count(path, '/');
  while (!target.empty()) {
    const std::string_view component = take_component(target);
    if (component == "..") {
      if (--depth < 0) return false;
    } else if (!component.empty() && component != ".") {
      ++depth;
    }
  }
  return true;
}

}  // namespace haul::local

#include "base/utf8.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace haul {
namespace {

constexpr char32_t kStrayFirst = 0xef80;  // stands for the byte 0x80
constexpr char32_t kStrayLast = 0xefff;   // and this for 0xff
constexpr char32_t kStrayBase = 0xef00;

constexpr bool is_stray_mark(char32_t c) noexcept {
  return c >= kStrayFirst && c <= kStrayLast;
}

// Passes over ASCII, eight bytes at a time.
std::size_t ascii_prefix(std::string_view bytes) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    if ((word & kHighBits) != 0) break;
  }
  while (at < bytes.size() && static_cast<unsigned char>(bytes[at]) < 0x80)
    ++at;
  return at;
}

void append_stray(std::string& out, char byte) {
  append_code_point(out, kStrayBase + static_cast<unsigned char>(byte));
}

// The escape without regard to names that look like one: injective, but not onto all UTF-8.
std::string mark_strays(std::string_view name) {
  std::string out;
  out.reserve(name.size() + 8);
  while (!name.empty()) {
    const std::size_t plain = ascii_prefix(name);
    out.append(name, 0, plain);
    name.remove_prefix(plain);
    if (name.empty()) break;
    const std::string_view before = name;
    const auto c = take_code_point(name);
    if (!c) {
      append_stray(out, name.front());
      name.remove_prefix(1);
    } else if (is_stray_mark(*c)) {
      for (const char byte : before.substr(0, 3))
        append_stray(out, byte);
    } else {
      out.append(before, 0, before.size() - name.size());
    }
  }
  return out;
}

// Undoes mark_strays. Nothing if there is no mark, or if mark_strays would not have written this.
std::optional<std::string> unmark_strays(std::string_view key) {
  std::string out;
  out.reserve(key.size());
  bool marked = false;
  for (std::string_view rest = key; !rest.empty();) {
    const std::string_view before = rest;
    const auto c = take_code_point(rest);
    if (!c) return std::nullopt;
    if (is_stray_mark(*c)) {
      out += static_cast<char>(*c - kStrayBase);
      marked = true;
    } else {
      out.append(before, 0, before.size() - rest.size());
    }
  }
  if (!marked || mark_strays(out) != key) return std::nullopt;
  return out;
}

// Whether a name that is not UTF-8 lies at the bottom of this one, however often it was marked. Each step
// makes it shorter.
bool hides_strays(std::string_view key) {
  for (auto inner = unmark_strays(key); inner; inner = unmark_strays(*inner)) {
    if (!is_utf8(*inner)) return true;
  }
  return false;
}

bool has_stray_mark(std::string_view utf8) noexcept {
  // U+EF80 to U+EFFF are EE BE xx and EE BF xx.
  for (std::size_t at = utf8.find('\xee'); at != std::string_view::npos; at = utf8.find('\xee', at + 1)) {
    if (at + 1 < utf8.size() && (utf8[at + 1] == '\xbe' || utf8[at + 1] == '\xbf')) return true;
  }
  return false;
}

constexpr bool is_invisible(char32_t c) noexcept {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
         (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe000 && c <= 0xf8ff) ||
         (c >= 0xe0000 && c <= 0xe007f) || c >= 0xf0000;
}

void append_number(std::string& out, std::uint32_t value, int least_digits) {
  int digits = least_digits;
  while (digits < 8 && (value >> (4 * digits)) != 0)
    ++digits;
  while (digits-- > 0)
    out += "0123456789abcdef"[value >> (4 * digits) & 15];
}

void append_visible(std::string& out, char32_t c) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\\': out += "\\\\"; return;
    default: break;
  }
  if (!is_invisible(c)) {
    append_code_point(out, c);
  } else if (c < 0x80) {
    out += "\\x";
    append_number(out, c, 2);
  } else {
    out += "\\u{";
    append_number(out, c, 1);
    out += '}';
  }
}

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& rest) noexcept {
  if (rest.empty()) return std::nullopt;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) {
    rest.remove_prefix(1);
    return lead;
  }
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || rest.size() < size) return std::nullopt;
  char32_t c = lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return std::nullopt;
    c = c << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (c < kLeast[size] || !is_scalar(c)) return std::nullopt;
  rest.remove_prefix(size);
  return c;
}

bool is_utf8(std::string_view bytes) noexcept {
  for (;;) {
    bytes.remove_prefix(ascii_prefix(bytes));
    if (bytes.empty()) return true;
    if (!take_code_point(bytes)) return false;
  }
}

void append_code_point(std::string& out, char32_t code_point) {
  const char32_t c = is_scalar(code_point) ? code_point : 0xfffd;
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// That this is a bijection is the argument of Schroeder and Bernstein: mark_strays maps all byte strings into
// UTF-8, the identity maps UTF-8 into all byte strings. Following both backwards from a name ends either at
// one that is not UTF-8, then marking is applied, or does not, then the identity is.
std::string escape_name(std::string_view name) {
  if (is_utf8(name) && (!has_stray_mark(name) || !hides_strays(name))) return std::string(name);
  return mark_strays(name);
}

std::string unescape_name(std::string_view key) {
  if (!has_stray_mark(key) || !hides_strays(key)) return std::string(key);
  return *unmark_strays(key);
}

std::string visible(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    if (const auto c = take_code_point(bytes)) {
      append_visible(out, *c);
    } else {
      out += "\\x";
      append_number(out, static_cast<unsigned char>(bytes.front()), 2);
      bytes.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace haul

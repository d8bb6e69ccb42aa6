// UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF), and two ways to carry bytes
// that are not UTF-8 through places that insist on it. Pure functions, safe from any thread.
//
// escape_name / unescape_name are a bijection between all byte strings and all valid UTF-8 strings, so a file
// name in any encoding becomes an object key and comes back, and a key from anywhere becomes a file name and
// comes back:
//
//   - A byte that is no part of valid UTF-8 (always >= 0x80) becomes the private-use character U+EF00 + byte,
//     U+EF80 to U+EFFF. In a name that is escaped, characters of that range that it contains already are
//     taken for three stray bytes each, so nothing is mistaken for an escape.
//   - A name that is valid UTF-8 stays as it is, even with such characters in it; only a name that is the
//   escape of
//     a name that is not UTF-8 (once or several times over) is escaped once more, to keep the two apart.
//
// So ASCII never changes, nearly every name is its own escape, and an escaped stray byte takes three bytes.
// Escape one path component at a time, in both directions: the escape of a whole is not that of its parts
// joined. The order of escaped names is not that of the raw ones: whoever must list in key order sorts the
// escaped ones.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace haul {

bool is_utf8(std::string_view bytes) noexcept;

// Takes the first code point off the front. Nothing at the end, or at a byte that starts no valid one; the
// view is then left as it was.
std::optional<char32_t> take_code_point(std::string_view& rest) noexcept;

// Precondition: a Unicode scalar value (is_scalar). Anything else is written as U+FFFD.
void append_code_point(std::string& out, char32_t code_point);
constexpr bool is_scalar(char32_t c) noexcept {
  return c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

std::string escape_name(std::string_view name);  // any bytes -> valid UTF-8
std::string unescape_name(
    std::string_view key);  // the way back; bytes that are not UTF-8 are returned as they are

// For messages, logs and terminals: control characters, line separators, invisible and direction-changing
// characters, backslashes and stray bytes are shown as \n, \t, \r, \\, \x1b, \u{202e}. One line, valid UTF-8,
// and different bytes never look alike.
std::string visible(std::string_view bytes);

}  // namespace haul

// Encodings that S3 speaks: URL and form encoding, XML text, base64, hexadecimal, its three date formats.
// All functions are pure and thread safe; strings are bytes.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haul::fakes3 {

inline void append_number(std::string& out, std::uint64_t value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

/// The whole text as a decimal number; nothing for anything else.
inline std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

int hex_digit(char c);
bool equal_ignoring_case(std::string_view a, std::string_view b);

enum class Plus { literal, space };
std::string url_decode(std::string_view text, Plus plus);

/// What SigV4 calls UriEncode: everything but letters, digits and `-._~` (and `/` when kept).
enum class Slash { keep, encode };
void append_uri_encoded(std::string& out, std::string_view text, Slash slash);

/// Keys in listings with encoding-type=url: form encoding that leaves `/` alone.
void append_form_encoded(std::string& out, std::string_view text);

void append_xml(std::string& out, std::string_view text);
std::string xml_unescape(std::string_view text);

std::string base64_encode(std::string_view bytes);
std::optional<std::string> base64_decode(std::string_view text);
std::string hex(std::string_view bytes);
std::optional<std::string> unhex(std::string_view text);

/// `Tue, 01 Jan 2026 00:00:00 GMT`
std::string http_date(std::int64_t seconds);
/// `2026-01-01T00:00:00.000Z`
std::string iso_date(std::int64_t seconds);
/// `20260101T000000Z` as seconds since the epoch.
std::optional<std::int64_t> parse_amz_date(std::string_view text);
std::optional<std::int64_t> parse_http_date(std::string_view text);

/// `*` any characters (also `/`), `?` one, everything else itself.
bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace haul::fakes3

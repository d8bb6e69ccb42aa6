#include "base/encoding.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace haul {
namespace {

constexpr std::string_view kLowerDigits = "0123456789abcdef";
constexpr std::string_view kUpperDigits = "0123456789ABCDEF";
constexpr std::string_view kBase64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNotADigit = 0xff;

constexpr std::array<std::uint8_t, 256> kHexValue = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (std::uint8_t i = 0; i < 16; ++i) {
    values[static_cast<std::uint8_t>(kLowerDigits[i])] = i;
    values[static_cast<std::uint8_t>(kUpperDigits[i])] = i;
  }
  return values;
}();

constexpr std::array<std::uint8_t, 256> kBase64Value = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNotADigit);
  for (std::uint8_t i = 0; i < 64; ++i)
    values[static_cast<std::uint8_t>(kBase64Digits[i])] = i;
  return values;
}();

constexpr std::array<bool, 256> kUnreserved = [] {
  std::array<bool, 256> unreserved{};
  for (std::uint8_t i = 0; i < 62; ++i)
    unreserved[static_cast<std::uint8_t>(kBase64Digits[i])] = true;
  for (const unsigned char c : {'-', '.', '_', '~'})
    unreserved[c] = true;
  return unreserved;
}();

std::uint8_t hex_value(char c) noexcept {
  return kHexValue[static_cast<unsigned char>(c)];
}
std::uint8_t base64_value(char c) noexcept {
  return kBase64Value[static_cast<unsigned char>(c)];
}

// Whether one of eight characters is `%` or, in a form, `+`: most keys have neither, and are done eight at a
// time.
bool has_escape(const char* eight, bool form) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes << 7;
  std::uint64_t word;
  std::memcpy(&word, eight, 8);
  const auto contains = [word](char c) {
    const std::uint64_t zero_where_equal = word ^ (kOnes * static_cast<unsigned char>(c));
    return ((zero_where_equal - kOnes) & ~zero_where_equal & kHighs) != 0;
  };
  return contains('%') || (form && contains('+'));
}

std::optional<std::size_t> decode_escapes(std::span<char> text, bool form) noexcept {
  std::size_t from = 0;
  while (from + 8 <= text.size() && !has_escape(text.data() + from, form))
    from += 8;
  std::size_t to = from;
  while (from < text.size()) {
    char c = text[from++];
    if (c == '%') {
      if (text.size() - from < 2) return std::nullopt;
      const std::uint8_t high = hex_value(text[from]);
      const std::uint8_t low = hex_value(text[from + 1]);
      if ((high | low) == kNotADigit) return std::nullopt;
      c = static_cast<char>(high << 4 | low);
      from += 2;
    } else if (form && c == '+') {
      c = ' ';
    }
    text[to++] = c;
  }
  return to;
}

std::optional<std::string> decoded_copy(std::string_view text, bool form) {
  std::string copy(text);
  const auto size = decode_escapes(copy, form);
  if (!size) return std::nullopt;
  copy.resize(*size);
  return copy;
}

// The number of bytes that well-formed base64 of this shape stands for; digits are not looked at.
std::optional<std::size_t> base64_size(std::string_view text) noexcept {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return 0;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  return text.size() / 4 * 3 - padding;
}

}  // namespace

void append_hex(std::string& out, ByteView bytes) {
  const std::size_t start = out.size();
  out.resize(start + 2 * bytes.size());
  char* to = out.data() + start;
  for (const std::byte b : bytes) {
    *to++ = kLowerDigits[static_cast<std::uint8_t>(b) >> 4];
    *to++ = kLowerDigits[static_cast<std::uint8_t>(b) & 15];
  }
}

std::string to_hex(ByteView bytes) {
  std::string out;
  append_hex(out, bytes);
  return out;
}

bool decode_hex(std::string_view text, std::span<std::byte> out) noexcept {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint8_t high = hex_value(text[2 * i]);
    const std::uint8_t low = hex_value(text[2 * i + 1]);
    if ((high | low) == kNotADigit) return false;
    out[i] = static_cast<std::byte>(high << 4 | low);
  }
  return true;
}

std::optional<std::string> decode_hex(std::string_view text) {
  std::string out(text.size() / 2, '\0');
  if (!decode_hex(text, std::as_writable_bytes(std::span(out)))) return std::nullopt;
  return out;
}

void append_base64(std::string& out, ByteView bytes) {
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4);
  char* to = out.data() + start;
  const auto value = [&](std::size_t i) { return static_cast<std::uint32_t>(bytes[i]); };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t three = value(i) << 16 | value(i + 1) << 8 | value(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6)
      *to++ = kBase64Digits[three >> shift & 63];
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  const std::uint32_t last = value(i) << 16 | (rest == 2 ? value(i + 1) << 8 : 0);
  *to++ = kBase64Digits[last >> 18];
  *to++ = kBase64Digits[last >> 12 & 63];
  *to++ = rest == 2 ? kBase64Digits[last >> 6 & 63] : '=';
  *to = '=';
}

std::string to_base64(ByteView bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

bool decode_base64(std::string_view text, std::span<std::byte> out) noexcept {
  if (base64_size(text) != out.size()) return false;
  while (text.ends_with('='))
    text.remove_suffix(1);
  std::uint32_t bits = 0;
  int held = 0;
  std::size_t to = 0;
  for (const char c : text) {
    const std::uint8_t value = base64_value(c);
    if (value == kNotADigit) return false;
    bits = bits << 6 | value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      if (to == out.size()) return false;
      out[to++] = static_cast<std::byte>(bits >> held & 0xff);
    }
  }
  // Bits that belong to no byte must be zero, so that a value has one spelling only.
  return to == out.size() && (bits & ((1U << held) - 1)) == 0;
}

std::optional<std::string> decode_base64(std::string_view text) {
  const auto size = base64_size(text);
  if (!size) return std::nullopt;
  std::string out(*size, '\0');
  if (!decode_base64(text, std::as_writable_bytes(std::span(out)))) return std::nullopt;
  return out;
}

void append_percent_encoded(std::string& out, std::string_view text, Slash slash) {
  const bool keep_slash = slash == Slash::keep;
  std::size_t plain_from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (kUnreserved[c] || (keep_slash && c == '/')) continue;
    out.append(text, plain_from, i - plain_from);
    const std::array<char, 3> escape{'%', kUpperDigits[c >> 4], kUpperDigits[c & 15]};
    out.append(escape.data(), escape.size());
    plain_from = i + 1;
  }
  out.append(text, plain_from);
}

std::string percent_encode(std::string_view text, Slash slash) {
  std::string out;
  append_percent_encoded(out, text, slash);
  return out;
}

std::optional<std::string> percent_decode(std::string_view text) {
  return decoded_copy(text, false);
}
std::optional<std::string> form_decode(std::string_view text) {
  return decoded_copy(text, true);
}

std::optional<std::size_t> percent_decode_in_place(std::span<char> text) noexcept {
  return decode_escapes(text, false);
}
std::optional<std::size_t> form_decode_in_place(std::span<char> text) noexcept {
  return decode_escapes(text, true);
}

}  // namespace haul

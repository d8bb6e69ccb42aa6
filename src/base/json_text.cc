#include "base/json_text.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/encoding.h"
#include "base/utf8.h"

namespace haul {
namespace {

// Bytes that stand for themselves in a JSON string, whatever stands beside them.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x20; c < 0x7f; ++c)
    plain[c] = c != '"' && c != '\\';
  return plain;
}();

// Eight bytes at a time, since nearly all keys are plain from one end to the other.
bool all_plain(const char* eight) noexcept {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = kOnes << 7;
  std::uint64_t word;
  std::memcpy(&word, eight, 8);
  // Where no byte has its high bit, none of these sums carries into the next byte.
  if ((word & kHighs) != 0) return false;
  const auto zero_byte = [](std::uint64_t v) { return ~(v + kOnes * 0x7f) & kHighs; };
  const std::uint64_t below_blank = ~(word + kOnes * (0x80 - 0x20)) & kHighs;
  const std::uint64_t is_delete = (word + kOnes) & kHighs;
  return (below_blank | is_delete | zero_byte(word ^ (kOnes * '"')) | zero_byte(word ^ (kOnes * '\\'))) == 0;
}

std::size_t plain_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at + 8 <= text.size() && all_plain(text.data() + at))
    at += 8;
  while (at < text.size() && kPlain[static_cast<unsigned char>(text[at])])
    ++at;
  return at;
}

void append_escaped(std::string& out, unsigned char byte) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (byte) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default:
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
  }
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
  out += '"';
  while (true) {
    const std::size_t plain = plain_prefix(text);
    out.append(text, 0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x80) {
      append_escaped(out, byte);
      text.remove_prefix(1);
      continue;
    }
    const std::string_view before = text;
    if (take_code_point(text)) {
      out.append(before, 0, before.size() - text.size());
    } else {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    }
  }
  out += '"';
}

void append_json_bytes(std::string& out, std::string_view bytes) {
  if (plain_prefix(bytes) == bytes.size()) {
    out += '"';
    out.append(bytes);
    out += '"';
  } else if (is_utf8(bytes)) {
    append_json(out, bytes);
  } else {
    out += "{\"hex\":\"";
    append_hex(out, as_bytes(bytes));
    out += "\"}";
  }
}

}  // namespace haul

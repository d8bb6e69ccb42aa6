#include "base/json_text.h"

#include <array>

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

std::size_t plain_prefix(std::string_view text) noexcept {
  std::size_t at = 0;
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
    out += bytes;
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

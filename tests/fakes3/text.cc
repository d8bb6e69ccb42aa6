#include "text.h"

#include <openssl/evp.h>
#include <strings.h>
#include <time.h>

#include <array>
#include <utility>

namespace haul::fakes3 {

namespace {

constexpr char kUpperHex[] = "0123456789ABCDEF";
constexpr char kLowerHex[] = "0123456789abcdef";

using ByteSet = std::array<bool, 256>;

constexpr ByteSet byte_set(std::string_view extra) {
  ByteSet set{};
  for (int c = '0'; c <= '9'; ++c)
    set[c] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    set[c] = set[c - 'a' + 'A'] = true;
  for (char c : extra)
    set[static_cast<unsigned char>(c)] = true;
  return set;
}

constexpr ByteSet kUriPlain = byte_set("-._~");
constexpr ByteSet kUriPlainPath = byte_set("-._~/");
constexpr ByteSet kFormPlain = byte_set("-._*/");

void append_percent(std::string& out, char c) {
  auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kUpperHex[byte >> 4];
  out += kUpperHex[byte & 15];
}

std::string format_time(std::int64_t seconds, const char* format) {
  time_t at = seconds;
  tm parts{};
  gmtime_r(&at, &parts);
  char text[64];
  return {text, strftime(text, sizeof text, format, &parts)};
}

std::optional<std::int64_t> parse_time(std::string_view text, const char* format) {
  tm parts{};
  std::string copy(text);
  const char* end = strptime(copy.c_str(), format, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return timegm(&parts);
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

}  // namespace

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string url_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' && plus == Plus::space ? ' ' : text[i];
    }
  }
  return out;
}

void append_uri_encoded(std::string& out, std::string_view text, Slash slash) {
  const ByteSet& plain = slash == Slash::keep ? kUriPlainPath : kUriPlain;
  for (char c : text) {
    if (plain[static_cast<unsigned char>(c)]) {
      out += c;
    } else {
      append_percent(out, c);
    }
  }
}

void append_form_encoded(std::string& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kFormPlain[static_cast<unsigned char>(text[i])]) continue;
    out.append(text.substr(copied, i - copied));
    copied = i + 1;
    if (text[i] == ' ') {
      out += '+';
    } else {
      append_percent(out, text[i]);
    }
  }
  out.append(text.substr(copied));
}

void append_xml(std::string& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x20 && c != '&' && c != '<' && c != '>' && c != '"') continue;
    out.append(text.substr(copied, i - copied));
    copied = i + 1;
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        out += "&#x";
        if (c >= 16) out += kLowerHex[c >> 4];
        out += kLowerHex[c & 15];
        out += ';';
    }
  }
  out.append(text.substr(copied));
}

std::string xml_unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t end = text[i] == '&' ? text.find(';', i) : std::string_view::npos;
    if (end == std::string_view::npos) {
      out += text[i];
      continue;
    }
    std::string_view name = text.substr(i + 1, end - i - 1);
    if (name == "amp") {
      out += '&';
    } else if (name == "lt") {
      out += '<';
    } else if (name == "gt") {
      out += '>';
    } else if (name == "quot") {
      out += '"';
    } else if (name == "apos") {
      out += '\'';
    } else if (name.size() > 1 && name[0] == '#') {
      bool hexadecimal = name[1] == 'x' || name[1] == 'X';
      std::string_view digits = name.substr(hexadecimal ? 2 : 1);
      std::uint32_t code = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), code, hexadecimal ? 16 : 10);
      append_utf8(out, code);
    }
    i = end;
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

std::string hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) {
    out += kLowerHex[static_cast<unsigned char>(c) >> 4];
    out += kLowerHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::optional<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string http_date(std::int64_t seconds) {
  // most objects of a run have the time of the one before
  thread_local std::pair<std::int64_t, std::string> last{-1, ""};
  if (last.first != seconds) last = {seconds, format_time(seconds, "%a, %d %b %Y %H:%M:%S GMT")};
  return last.second;
}

std::string iso_date(std::int64_t seconds) {
  thread_local std::pair<std::int64_t, std::string> last{-1, ""};
  if (last.first != seconds) last = {seconds, format_time(seconds, "%Y-%m-%dT%H:%M:%S.000Z")};
  return last.second;
}

std::optional<std::int64_t> parse_amz_date(std::string_view text) {
  return parse_time(text, "%Y%m%dT%H%M%SZ");
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
  return parse_time(text, "%a, %d %b %Y %H:%M:%S GMT");
}

bool glob_match(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

}  // namespace haul::fakes3

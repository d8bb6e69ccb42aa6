#include "base/json_scanner.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/encoding.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul {
namespace {

constexpr unsigned kDeepest = 64;

constexpr bool is_decimal(char c) noexcept {
  return c >= '0' && c <= '9';
}

}  // namespace

void JsonScanner::fail(std::string_view what) const {
  throw Error(ErrorClass::data_loss, fmt::format("{} at column {}", what, at_ + 1));
}

char JsonScanner::peek() noexcept {
  while (at_ < text_.size() &&
         (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
    ++at_;
  return at_ < text_.size() ? text_[at_] : '\0';
}

void JsonScanner::need(char c) {
  if (peek() != c) fail(fmt::format("'{}' is missing", c));
  ++at_;
}

void JsonScanner::need_word(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) fail("this is no JSON");
  at_ += word.size();
}

void JsonScanner::begin(char c) {
  need(c);
  if (++depth_ > kDeepest) fail("JSON is nested too deeply");
}

bool JsonScanner::more(char end, bool first) {
  if (peek() == end) {
    ++at_;
    return false;
  }
  if (!first) {
    need(',');
    if (peek() == end) fail("a value is missing");
  }
  return true;
}

void JsonScanner::string(std::string& out) {
  need('"');
  out.clear();
  bool ascii = true;
  std::size_t from = at_;
  while (true) {
    if (at_ == text_.size()) fail("a string does not end");
    const auto byte = static_cast<unsigned char>(text_[at_]);
    if (byte == '"') break;
    if (byte < 0x20) fail("a string holds a control character");
    ascii &= byte < 0x80;
    if (byte != '\\') {
      ++at_;
      continue;
    }
    out.append(text_, from, at_ - from);
    ++at_;
    escape(out);
    from = at_;
  }
  out.append(text_, from, at_ - from);
  if (!ascii && !is_utf8(out)) fail("a string is not UTF-8");
  ++at_;
}

void JsonScanner::escape(std::string& out) {
  if (at_ == text_.size()) fail("a string does not end");
  switch (text_[at_++]) {
    case '"': out += '"'; return;
    case '\\': out += '\\'; return;
    case '/': out += '/'; return;
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case 'n': out += '\n'; return;
    case 'r': out += '\r'; return;
    case 't': out += '\t'; return;
    case 'u': break;
    default: fail("a string holds an escape that is none");
  }
  char32_t c = hex4();
  if (c >= 0xd800 && c < 0xdc00) {
    if (!text_.substr(at_).starts_with("\\u")) fail("half a character is missing");
    at_ += 2;
    const unsigned low = hex4();
    if (low < 0xdc00 || low > 0xdfff) fail("half a character is missing");
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  } else if (!is_scalar(c)) {
    fail("half a character is missing");
  }
  append_code_point(out, c);
}

unsigned JsonScanner::hex4() {
  unsigned value = 0;
  const std::string_view digits = text_.substr(at_, 4);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (digits.size() != 4 || error != std::errc{} || end != digits.data() + 4)
    fail("a string holds an escape that is none");
  at_ += 4;
  return value;
}

void JsonScanner::bytes(std::string& out) {
  if (!at_object()) {
    string(out);
    return;
  }
  bool found = false;
  object([&](std::string_view name) {
    if (name != "hex" || found) fail("bytes are given otherwise than in hex");
    found = true;
    std::string digits;
    string(digits);
    auto decoded = decode_hex(digits);
    if (!decoded) fail("bytes are given otherwise than in hex");
    out = std::move(*decoded);
  });
  if (!found) fail("bytes are given otherwise than in hex");
}

std::string_view JsonScanner::number_text() {
  peek();
  const std::size_t from = at_;
  const auto digits = [this] {
    if (at_ == text_.size() || !is_decimal(text_[at_])) fail("a number is missing");
    while (at_ < text_.size() && is_decimal(text_[at_]))
      ++at_;
  };
  const auto take = [this](char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  };
  take('-');
  if (!take('0')) digits();
  if (take('.')) digits();
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    digits();
  }
  return text_.substr(from, at_ - from);
}

std::uint64_t JsonScanner::unsigned_number() {
  const std::string_view text = number_text();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) fail("a number is no count");
  return value;
}

double JsonScanner::number() {
  const std::string_view text = number_text();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
    fail("a number is too large");
  return value;
}

bool JsonScanner::boolean() {
  if (peek() == 't') {
    need_word("true");
    return true;
  }
  need_word("false");
  return false;
}

std::string_view JsonScanner::raw() {
  peek();
  const std::size_t from = at_;
  skip_value();
  return text_.substr(from, at_ - from);
}

void JsonScanner::skip_value() {
  switch (peek()) {
    case '{': object([this](std::string_view) { skip_value(); }); return;
    case '[': array([this] { skip_value(); }); return;
    case '"': {
      std::string unused;
      string(unused);
      return;
    }
    case 't':
    case 'f': static_cast<void>(boolean()); return;
    case 'n': need_word("null"); return;
    default: static_cast<void>(number_text());
  }
}

void JsonScanner::end() {
  if (peek() != '\0' || at_ < text_.size()) fail("something follows the value");
}

}  // namespace haul

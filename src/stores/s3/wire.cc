#include "stores/s3/wire.h"

#include <algorithm>
#include <array>

#include "base/encoding.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul::s3 {
namespace {

// RFC 9110 section 5.6.2, without capitals: names are compared and signed as they stand.
constexpr std::array<bool, 256> kTokenCharacters = [] {
  std::array<bool, 256> may{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"))
    may[static_cast<unsigned char>(c)] = true;
  return may;
}();

bool is_token(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return kTokenCharacters[static_cast<unsigned char>(c)]; });
}

// No early end of the loop: this way it becomes a handful of vector instructions.
bool has_control(std::string_view value) {
  unsigned found = 0;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    found |= static_cast<unsigned>((byte < 0x20 && byte != '\t') || byte == 0x7f);
  }
  return found != 0;
}

std::string_view name_of(std::string_view piece) {
  return piece.substr(0, piece.find('='));
}

// Where a new piece belongs among those that are there.
std::size_t place_of(std::string_view query, std::string_view name, std::string_view value) {
  std::size_t begin = 0;
  while (begin < query.size()) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view piece = query.substr(begin, end - begin);
    const std::string_view there = name_of(piece);
    if (there > name || (there == name && piece.substr(there.size() + 1) > value)) return begin;
    begin = end + 1;
  }
  return query.size();
}

}  // namespace

void append_key_path(std::string& out, std::string_view key) {
  append_percent_encoded(out, key, Slash::keep);
}

Query& Query::add(std::string_view name, std::string_view value) {
  const std::string encoded_name = percent_encode(name);
  const std::string encoded_value = percent_encode(value);
  const std::size_t place = place_of(text_, encoded_name, encoded_value);
  std::string piece = encoded_name + "=" + encoded_value;
  if (place == text_.size()) {
    if (!text_.empty()) text_ += '&';
    text_ += piece;
  } else {
    text_.insert(place, piece += '&');
  }
  return *this;
}

void HeaderList::add(std::string_view name, std::string_view value) {
  if (!is_token(name))
    throw Error(ErrorClass::invalid_argument, "'" + visible(name) + "' cannot be the name of a header")
        .with_hint("names of metadata have letters, digits and hyphens");
  if (has_control(value))
    throw Error(ErrorClass::invalid_argument,
                "the value of " + std::string(name) + " has a control character");
  const auto place = std::ranges::upper_bound(headers_, name, {}, &auth::HeaderView::name);
  headers_.insert(place, {name, value});
}

std::string_view HeaderList::find(std::string_view name) const noexcept {
  const auto found = std::ranges::lower_bound(headers_, name, {}, &auth::HeaderView::name);
  return found != headers_.end() && found->name == name ? found->value : std::string_view{};
}

std::string_view HeaderList::take(std::string_view name) noexcept {
  const auto found = std::ranges::lower_bound(headers_, name, {}, &auth::HeaderView::name);
  if (found == headers_.end() || found->name != name) return {};
  const std::string_view value = found->value;
  headers_.erase(found);
  return value;
}

void HeaderList::append_lines(std::string& out) const {
  for (const auto& [name, value] : headers_)
    out.append(name).append(": ").append(value).append("\r\n");
}

void append_xml_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\r': out += "&#13;"; break;  // as itself it would become a line feed
      case '\n': out += "&#10;"; break;
      case '\t': out += "&#9;"; break;
      default: out += c;
    }
  }
}

bool xml_can_carry(std::string_view text) {
  while (!text.empty()) {
    const auto code = take_code_point(text);
    if (!code || *code == 0xfffe || *code == 0xffff) return false;
    if (*code < 0x20 && *code != '\t' && *code != '\n' && *code != '\r') return false;
  }
  return true;
}

}  // namespace haul::s3

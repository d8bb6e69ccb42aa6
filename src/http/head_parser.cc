#include "http/head_parser.h"

#include <array>
#include <charconv>
#include <cstring>

namespace haul::http {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Characters of a token (RFC 9110 section 5.6.2).
constexpr std::array<bool, 256> kToken = [] {
  std::array<bool, 256> token{};
  for (int c = '0'; c <= '9'; ++c)
    token[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c)
    token[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c)
    token[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    token[static_cast<unsigned char>(c)] = true;
  return token;
}();

constexpr bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

// The next element of a comma-separated list, without blanks; takes it off the front.
std::string_view take_element(std::string_view& list) noexcept {
  const std::size_t comma = std::min(list.find(','), list.size());
  std::string_view element = list.substr(0, comma);
  list.remove_prefix(std::min(comma + 1, list.size()));
  while (!element.empty() && is_blank(element.front()))
    element.remove_prefix(1);
  while (!element.empty() && is_blank(element.back()))
    element.remove_suffix(1);
  return element;
}

}  // namespace

bool equal_names(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

void ResponseHead::reset() noexcept {
  fields_.clear();
  complaint_ = {};
  searched_ = 0;
  size_ = 0;
  content_length_.reset();
  status_ = 0;
  keep_alive_ = true;
  close_ = false;
  chunked_ = false;
}

HeadParse ResponseHead::refuse(std::string_view complaint) noexcept {
  complaint_ = complaint;
  return HeadParse::malformed;
}

HeadParse ResponseHead::parse(std::string_view bytes) {
  // What is no HTTP at all is said at once, not after waiting for an end that never comes.
  constexpr std::string_view kProtocol = "HTTP/1.";
  const std::size_t known = std::min(bytes.size(), kProtocol.size());
  if (bytes.substr(0, known) != kProtocol.substr(0, known)) return refuse("it does not begin with HTTP/1");

  const std::size_t end = bytes.find(kEndOfHead, searched_);
  if (end == std::string_view::npos) {
    searched_ = bytes.size() < kEndOfHead.size() ? 0 : bytes.size() - (kEndOfHead.size() - 1);
    return HeadParse::incomplete;
  }
  size_ = end + kEndOfHead.size();
  fields_.clear();
  if (std::memchr(bytes.data(), '\0', size_) != nullptr) return refuse("there is a NUL in it");
  std::size_t line = bytes.find('\r');
  if (!parse_status_line(bytes.substr(0, line))) return refuse("its status line is malformed");
  while (line < end) {
    const std::size_t from = line + 2;
    if (bytes[line + 1] != '\n') return refuse("a carriage return stands alone");
    line = bytes.find('\r', from);
    if (!parse_field(bytes, from, line)) {
      return refuse(complaint_.empty() ? std::string_view("a header field is malformed") : complaint_);
    }
  }
  if (chunked_ && content_length_) {
    // Such an answer may be an attempt to smuggle another one (RFC 9112 section 6.3): do not go on after it.
    content_length_.reset();
    close_ = true;
  }
  return HeadParse::complete;
}

bool ResponseHead::parse_status_line(std::string_view line) noexcept {
  // HTTP/1.x SP 3DIGIT [SP reason]
  if (line.size() < 12 || line[8] != ' ' || line[7] < '0' || line[7] > '9') return false;
  keep_alive_ = line[7] != '0';
  for (std::size_t i = 9; i < 12; ++i) {
    if (line[i] < '0' || line[i] > '9') return false;
    status_ = status_ * 10 + (line[i] - '0');
  }
  if (line.size() > 12 && line[12] != ' ') return false;
  return status_ >= 100 && line.find('\n') == std::string_view::npos;
}

bool ResponseHead::parse_field(std::string_view bytes, std::size_t from, std::size_t to) {
  const std::string_view line = bytes.substr(from, to - from);
  std::size_t colon = 0;
  while (colon < line.size() && kToken[static_cast<unsigned char>(line[colon])])
    ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return false;
  std::size_t begin = colon + 1;
  std::size_t end = line.size();
  while (begin < end && is_blank(line[begin]))
    ++begin;
  while (end > begin && is_blank(line[end - 1]))
    --end;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = line.substr(begin, end - begin);
  if (std::memchr(line.data(), '\n', line.size()) != nullptr) return false;
  fields_.push_back({static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(colon),
                     static_cast<std::uint32_t>(from + begin), static_cast<std::uint32_t>(value.size())});
  return understand(name, value);
}

// The three fields that decide where the body ends and whether the connection lives on.
bool ResponseHead::understand(std::string_view name, std::string_view value) noexcept {
  switch (name.size()) {
    case 10:
      if (!equal_names(name, "connection")) return true;
      while (!value.empty()) {
        const std::string_view option = take_element(value);
        if (equal_names(option, "close"))
          close_ = true;
        else if (equal_names(option, "keep-alive"))
          keep_alive_ = true;
      }
      return true;
    case 14: {
      if (!equal_names(name, "content-length")) return true;
      std::uint64_t length = 0;
      const char* last = value.data() + value.size();
      const auto [stop, error] = std::from_chars(value.data(), last, length);
      if (error != std::errc() || stop != last || (content_length_ && *content_length_ != length)) {
        complaint_ = "its Content-Length is no single number";
        return false;
      }
      content_length_ = length;
      return true;
    }
    case 17:
      if (!equal_names(name, "transfer-encoding")) return true;
      if (chunked_ || !equal_names(value, "chunked")) {
        complaint_ = "its Transfer-Encoding is not chunked";
        return false;
      }
      chunked_ = true;
      return true;
    default: return true;
  }
}

std::string_view ResponseHead::name(std::string_view bytes, std::size_t index) const noexcept {
  return bytes.substr(fields_[index].name_at, fields_[index].name_size);
}

std::string_view ResponseHead::value(std::string_view bytes, std::size_t index) const noexcept {
  return bytes.substr(fields_[index].value_at, fields_[index].value_size);
}

std::string_view ResponseHead::find(std::string_view bytes, std::string_view wanted) const noexcept {
  for (std::size_t i = 0; i < fields_.size(); ++i)
    if (fields_[i].name_size == wanted.size() && equal_names(name(bytes, i), wanted)) return value(bytes, i);
  return {};
}

}  // namespace haul::http

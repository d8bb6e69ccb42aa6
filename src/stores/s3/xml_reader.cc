#include "stores/s3/xml_reader.h"

#include <charconv>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::s3 {
namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

constexpr std::string_view kCdata = "<![CDATA[";

struct NamedEntity {
  std::string_view name;
  char character;
};
constexpr std::array kEntities{NamedEntity{"quot", '"'}, NamedEntity{"amp", '&'}, NamedEntity{"lt", '<'},
                               NamedEntity{"gt", '>'}, NamedEntity{"apos", '\''}};

std::string_view local_name(std::string_view name) {
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

}  // namespace

void XmlReader::fail(std::string_view reason) const {
  throw Error(ErrorClass::unavailable, "the answer is not well-formed XML: " + std::string(reason) +
                                           " at byte " + std::to_string(at_ - begin_) + " of " +
                                           std::to_string(end_ - begin_));
}

const char* XmlReader::find(char c) const {
  const auto* found = static_cast<const char*>(std::memchr(at_, c, static_cast<std::size_t>(end_ - at_)));
  if (found == nullptr) fail("it is cut off");
  return found;
}

// Comments, instructions, the XML declaration, and CDATA where no text is wanted.
void XmlReader::skip_misc() {
  const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
  std::size_t stop = std::string_view::npos;
  std::size_t length = 0;
  if (rest.starts_with(kCdata)) {
    stop = rest.find("]]>", kCdata.size());
    length = 3;
  } else if (rest.starts_with("<!--")) {
    stop = rest.find("-->", 4);
    length = 3;
  } else if (rest.starts_with("<?")) {
    stop = rest.find("?>", 2);
    length = 2;
  } else {
    fail(rest.starts_with("<!D") ? "a DOCTYPE" : "an unknown declaration");
  }
  if (stop == std::string_view::npos) fail("it is cut off");
  at_ += stop + length;
}

std::string_view XmlReader::open_tag() {
  char* const name_begin = at_ + 1;
  char* p = name_begin;
  while (p != end_ && *p != '>' && *p != '/' && *p != '<' && !is_space(*p))
    ++p;
  if (p == end_) fail("it is cut off");
  const std::string_view name(name_begin, static_cast<std::size_t>(p - name_begin));
  if (name.empty() || *p == '<') fail("an element without a name");
  // Attributes tell nothing here; their values may hold '>' and '/'.
  char quote = 0;
  while (p != end_ && (quote != 0 || *p != '>')) {
    if (quote != 0) {
      if (*p == quote) quote = 0;
    } else if (*p == '"' || *p == '\'') {
      quote = *p;
    } else if (*p == '<') {
      fail("'<' within a tag");
    }
    ++p;
  }
  if (p == end_) fail("it is cut off");
  empty_ = p[-1] == '/';
  at_ = p + 1;
  if (depth_ == kDepth) fail("elements are nested too deeply");
  open_[depth_++] = name;
  return local_name(name);
}

void XmlReader::close_tag() {
  const std::string_view name = open_[depth_ - 1];
  const auto left = static_cast<std::size_t>(end_ - at_);
  if (left < name.size() + 3) fail("it is cut off");
  if (std::memcmp(at_ + 2, name.data(), name.size()) != 0) fail("an element is closed that is not open");
  char* p = at_ + 2 + name.size();
  while (p != end_ && is_space(*p))
    ++p;
  if (p == end_) fail("it is cut off");
  if (*p != '>') fail("an element is closed that is not open");
  at_ = p + 1;
  --depth_;
}

std::string_view XmlReader::root() {
  if (end_ - at_ >= 3 && std::memcmp(at_, "\xef\xbb\xbf", 3) == 0) at_ += 3;
  while (true) {
    // Keep-alive white space stands before the document of a slow operation.
    while (at_ != end_ && is_space(*at_))
      ++at_;
    if (at_ == end_) fail("it is empty");
    if (*at_ != '<') fail("text before the first element");
    if (at_ + 1 == end_) fail("it is cut off");
    if (at_[1] != '?' && at_[1] != '!') return open_tag();
    skip_misc();
  }
}

void XmlReader::expect_root(std::string_view name) {
  const std::string_view found = root();
  if (found != name) fail("it begins with <" + visible(found) + "> and not with <" + std::string(name) + ">");
}

std::optional<std::string_view> XmlReader::child() {
  if (empty_) {
    empty_ = false;
    --depth_;
    return std::nullopt;
  }
  while (true) {
    at_ += find('<') - at_;
    if (at_ + 1 == end_) fail("it is cut off");
    if (at_[1] == '/') {
      close_tag();
      return std::nullopt;
    }
    if (at_[1] != '!' && at_[1] != '?') return open_tag();
    skip_misc();
  }
}

std::string_view XmlReader::text() {
  const std::span<char> found = mutable_text();
  return {found.data(), found.size()};
}

std::span<char> XmlReader::mutable_text() {
  if (empty_) {
    empty_ = false;
    --depth_;
    return {};
  }
  char* const from = at_;
  at_ += find('<') - at_;
  if (at_ + 1 == end_) fail("it is cut off");
  char* const to = at_;
  if (to[1] != '/' || std::memchr(from, '&', static_cast<std::size_t>(to - from)) != nullptr) {
    at_ = from;
    return slow_text(from);
  }
  close_tag();
  return {from, to};
}

// Entities, CDATA, comments and child elements: what is decoded is never longer than what stands there, so it
// is moved down over it.
std::span<char> XmlReader::slow_text(char* const from) {
  char* to = from;
  while (true) {
    if (at_ == end_) fail("it is cut off");
    if (*at_ == '&') {
      to = decode_entity(at_, to, end_);
    } else if (*at_ != '<') {
      char* stop = at_ + 1;
      while (stop != end_ && *stop != '<' && *stop != '&')
        ++stop;
      const auto plain = static_cast<std::size_t>(stop - at_);
      if (to != at_) std::memmove(to, at_, plain);
      to += plain;
      at_ = stop;
    } else if (at_ + 1 != end_ && at_[1] == '/') {
      close_tag();
      return {from, to};
    } else if (const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
               rest.starts_with(kCdata)) {
      const std::size_t stop = rest.find("]]>");
      if (stop == std::string_view::npos) fail("it is cut off");
      const std::size_t length = stop - kCdata.size();
      std::memmove(to, at_ + kCdata.size(), length);
      to += length;
      at_ += stop + 3;
    } else if (rest.size() > 1 && (rest[1] == '!' || rest[1] == '?')) {
      skip_misc();
    } else {
      open_tag();
      skip();
    }
  }
}

char* XmlReader::decode_entity(char*& from, char* to, const char* end) const {
  constexpr std::ptrdiff_t kLongest = 12;  // &#x0010ffff;
  const auto window = static_cast<std::size_t>(std::min<std::ptrdiff_t>(end - from, kLongest));
  const auto* stop = static_cast<const char*>(std::memchr(from, ';', window));
  if (stop == nullptr) fail("an entity without an end");
  std::string_view name(from + 1, static_cast<std::size_t>(stop - from - 1));
  from += name.size() + 2;
  if (name.starts_with('#')) {
    name.remove_prefix(1);
    const int base = name.starts_with('x') ? 16 : 10;
    if (base == 16) name.remove_prefix(1);
    std::uint32_t code = 0;
    const auto [last, error] = std::from_chars(name.data(), name.data() + name.size(), code, base);
    if (name.empty() || error != std::errc{} || last != name.data() + name.size() || !is_scalar(code))
      fail("a numeric entity that is no character");
    std::string bytes;
    append_code_point(bytes, code);
    std::memcpy(to, bytes.data(), bytes.size());
    return to + bytes.size();
  }
  for (const NamedEntity& entity : kEntities) {
    if (entity.name != name) continue;
    *to++ = entity.character;
    return to;
  }
  fail("an unknown entity");
}

void XmlReader::skip() {
  const std::size_t outside = depth_ - 1;
  while (depth_ > outside)
    child();
}

void XmlReader::expect_end() {
  while (true) {
    while (at_ != end_ && is_space(*at_))
      ++at_;
    if (at_ == end_) return;
    if (*at_ != '<' || at_ + 1 == end_ || (at_[1] != '!' && at_[1] != '?'))
      fail("something behind the last element");
    skip_misc();
  }
}

}  // namespace haul::s3

// The pieces of a request in the one form that is both sent and signed: path, query and headers.
#pragma once

#include <forward_list>
#include <string>
#include <string_view>
#include <utility>

#include <boost/container/small_vector.hpp>

#include "auth/sigv4.h"

namespace haul::s3 {

// A key as a path: encoded once, its slashes and dot segments as they are (AWS SigV4 for S3: no
// normalisation). Appends without a leading slash.
void append_key_path(std::string& out, std::string_view key);

// The canonical query string of SigV4: encoded, sorted by name and then value, always with `=`.
class Query {
 public:
  Query& add(std::string_view name, std::string_view value = {});
  const std::string& text() const noexcept { return text_; }
  bool empty() const noexcept { return text_.empty(); }

 private:
  std::string text_;
};

// Headers sorted by name. Names are in lower case. Values are views that must outlive the list; keep() makes
// it own one. Throws invalid_argument for a name that is no token (RFC 9110 section 5.6.2) or a value with a
// control character: no key or metadata can smuggle a header in.
class HeaderList {
 public:
  HeaderList() = default;
  HeaderList(HeaderList&&) noexcept = default;
  HeaderList& operator=(HeaderList&&) noexcept = default;
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;

  void add(std::string_view name, std::string_view value);
  void add_if(std::string_view name, std::string_view value) {
    if (!value.empty()) add(name, value);
  }
  std::string_view keep(std::string text) { return kept_.emplace_front(std::move(text)); }
  void add_kept(std::string_view name, std::string value) { add(name, keep(std::move(value))); }

  const auto& all() const noexcept { return headers_; }
  std::string_view find(std::string_view name) const noexcept;
  std::string_view take(std::string_view name) noexcept;  // removes it; its value, empty if it was not there
  void append_lines(std::string& out) const;

 private:
  boost::container::small_vector<auth::HeaderView, 12> headers_;
  std::forward_list<std::string> kept_;
};

// Text in XML, control characters as numeric entities.
void append_xml_text(std::string& out, std::string_view text);
// Whether XML 1.0 can carry it: valid UTF-8 without control characters other than tab, line feed and return,
// and without U+FFFE and U+FFFF.
bool xml_can_carry(std::string_view text);

}  // namespace haul::s3

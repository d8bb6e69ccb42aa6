// Reads the XML that S3 servers answer with: forwards, once, in the memory where it arrived.
//
// The caller walks down the tree and asks for children by and by:
//   XmlReader xml(body);
//   xml.expect_root("ListBucketResult");
//   while (const auto name = xml.child()) {
//     if (*name == "Name") bucket = xml.text();
//     else xml.skip();
//   }
// Attributes, comments, processing instructions, white space and prefixes of namespaces are passed over;
// CDATA and entities (the five of XML and numeric ones) are decoded in place. A DOCTYPE is refused, and with
// it everything that could make a document grow. Anything malformed or cut off throws Error(unavailable),
// which is retryable: servers do not make such documents, broken connections and proxies do. Views that are
// returned stay valid as long as the memory. Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace haul::s3 {

class XmlReader {
 public:
  explicit XmlReader(std::span<char> document)
      : begin_(document.data()), at_(begin_), end_(begin_ + document.size()) {}

  // Opens the root element and returns its name.
  std::string_view root();
  // As root(), and refuses any other name.
  void expect_root(std::string_view name);

  // Opens the next child of the element that is open and returns its name; nothing when that element ends,
  // which closes it. Each child must then be consumed: by text(), by skip(), or by child() until nothing.
  std::optional<std::string_view> child();

  // The text of the element that was opened last, decoded; closes it. Elements within are passed over.
  std::string_view text();
  std::span<char> mutable_text();

  // Closes the element that was opened last, whatever it holds.
  void skip();

  // After the root was closed: throws unless only white space and comments follow.
  void expect_end();

 private:
  static constexpr std::size_t kDepth = 16;

  [[noreturn]] void fail(std::string_view reason) const;
  const char* find(char c) const;
  void skip_misc();             // at '<' of a comment, instruction or declaration
  std::string_view open_tag();  // at '<' of a start tag
  void close_tag();             // at '<' of an end tag
  std::span<char> slow_text(char* from);
  char* decode_entity(char*& from, char* to, const char* end) const;

  char* begin_;
  char* at_;
  char* end_;
  std::array<std::string_view, kDepth> open_{};  // names with their prefixes
  std::size_t depth_ = 0;
  bool empty_ = false;  // the element opened last was <a/>
};

}  // namespace haul::s3

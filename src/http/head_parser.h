// The head of an answer (RFC 9112 sections 4 to 6), parsed where it lies.
//
// Stricter than a browser, since what follows is data that must not be misread: lines end in CRLF, no folded
// lines, no blank before a colon, one Content-Length, no coding but chunked.
// A pure function of the bytes; no allocation once the list of fields has grown to its size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace haul::http {

// Whether names or tokens are equal, whatever their case (ASCII).
bool equal_names(std::string_view a, std::string_view b) noexcept;

enum class HeadParse : std::uint8_t { incomplete, complete, malformed };

class ResponseHead {
 public:
  // Looks at all that has come so far, from the first byte of the head on; called again with more bytes in
  // front of which nothing has changed until it is no longer incomplete. Never throws but for lack of memory.
  HeadParse parse(std::string_view bytes);

  // Ready for another answer.
  void reset() noexcept;

  // Valid once complete:
  int status() const noexcept { return status_; }
  std::size_t size() const noexcept { return size_; }  // bytes, with the empty line
  bool keep_alive() const noexcept { return keep_alive_ && !close_; }
  bool chunked() const noexcept { return chunked_; }
  std::optional<std::uint64_t> content_length() const noexcept { return content_length_; }
  std::size_t field_count() const noexcept { return fields_.size(); }
  // `bytes` as given to parse(), perhaps moved elsewhere meanwhile.
  std::string_view name(std::string_view bytes, std::size_t index) const noexcept;
  std::string_view value(std::string_view bytes, std::size_t index) const noexcept;
  std::string_view find(std::string_view bytes,
                        std::string_view name) const noexcept;  // first; empty if none

  // Valid once malformed: what is wrong.
  std::string_view complaint() const noexcept { return complaint_; }

 private:
  // Positions, not pointers: the buffer may grow and move.
  struct Field {
    std::uint32_t name_at, name_size, value_at, value_size;
  };
  HeadParse refuse(std::string_view complaint) noexcept;
  bool parse_status_line(std::string_view line) noexcept;
  bool parse_field(std::string_view bytes, std::size_t from, std::size_t to);
  bool understand(std::string_view name, std::string_view value) noexcept;

  std::vector<Field> fields_;
  std::string_view complaint_;
  std::size_t searched_ = 0;  // the end is not before
  std::size_t size_ = 0;
  std::optional<std::uint64_t> content_length_;
  int status_ = 0;
  bool keep_alive_ = true;
  bool close_ = false;  // said once, it holds
  bool chunked_ = false;
};

}  // namespace haul::http

// Lines of bytes that come in pieces, without a copy of any of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "listing/byte_source.h"

namespace haul::listing {

enum class LineEnd : std::uint8_t {
  newline,      // LF, or CR LF
  csv_records,  // LF, CR or CR LF, but not between quotes
};

// A byte order mark at the start is dropped. Belongs to one coroutine at a time.
class LineReader {
 public:
  static constexpr std::size_t kLongest = 1 << 20;

  LineReader(std::unique_ptr<ByteSource> bytes, LineEnd end);

  enum class Next : std::uint8_t {
    line,
    too_long,  // a line of more than kLongest bytes was passed over; `line` is how it begins
    none,      // fill() has to be called
  };
  // The next line without its end; valid until fill(). Empty lines are lines.
  Next take(std::string_view& line);

  // Reads on; false once everything was read and taken.
  Task<bool> fill(OpContext& context);

  // Reads on from where an earlier reader stood: `skip` bytes of `bytes` are passed over, and both counts
  // begin as they are given.
  Task<> go_on(std::uint64_t skip, std::uint64_t offset, std::uint64_t number, OpContext& context);

  std::uint64_t offset() const noexcept { return offset_; }  // behind the last line
  std::uint64_t number() const noexcept { return number_; }  // of the last line (where it ends), from 1

 private:
  std::size_t find_end(std::size_t& behind);
  void give(std::size_t end, std::size_t behind);

  std::unique_ptr<ByteSource> bytes_;
  const LineEnd end_;
  std::vector<char> buffer_;
  std::size_t from_ = 0, to_ = 0;  // what is read and not taken
  std::size_t scanned_ = 0;        // from here on the end of the line is to be looked for
  std::uint64_t offset_ = 0, number_ = 0;
  bool quoted_ = false;    // at scanned_
  bool dropping_ = false;  // the rest of a line that is too long
  bool source_ended_ = false;
};

}  // namespace haul::listing

// The chunked coding (RFC 9112 section 7.1), taken off where the bytes lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace haul::http {

// A pure function of the bytes given so far. Extensions and trailer fields are passed over; together they may
// have kMaxFraming bytes between two pieces of data, so that no server keeps a client reading for nothing.
class ChunkDecoder {
 public:
  static constexpr std::size_t kMaxFraming = 64 << 10;

  struct Result {
    std::size_t data;  // bytes of content, moved together at the front of the given bytes
    std::size_t used;  // bytes of the coding; less than given only at the end of the body
  };

  // Whatever was received next. Nothing more is decoded after done() or malformed().
  Result decode(std::span<std::byte> bytes) noexcept;

  bool done() const noexcept { return state_ == State::done; }
  bool malformed() const noexcept { return state_ == State::malformed; }
  void reset() noexcept { *this = ChunkDecoder(); }

 private:
  enum class State : std::uint8_t {
    size,
    size_more,
    blank,
    extension,
    size_end,  // the line before the data
    data,
    data_cr,
    data_lf,
    line_start,
    line,
    line_end,
    last_lf,  // trailer fields and the empty line
    done,
    malformed,
  };
  void frame(unsigned char c) noexcept;

  std::uint64_t left_ = 0;  // of this chunk, or its size so far
  std::size_t framing_ = 0;
  State state_ = State::size;
};

}  // namespace haul::http

#include "http/chunk_decoder.h"

#include <algorithm>
#include <cstring>

namespace haul::http {
namespace {

constexpr int hex_digit(unsigned char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const unsigned char l = c | 0x20;
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace

ChunkDecoder::Result ChunkDecoder::decode(std::span<std::byte> bytes) noexcept {
  std::size_t used = 0;
  std::size_t data = 0;
  while (used < bytes.size() && state_ != State::done && state_ != State::malformed) {
    if (state_ != State::data) {
      frame(static_cast<unsigned char>(bytes[used++]));
      continue;
    }
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size() - used));
    if (data != used) std::memmove(bytes.data() + data, bytes.data() + used, size);
    data += size;
    used += size;
    left_ -= size;
    if (left_ == 0) {
      state_ = State::data_cr;
      framing_ = 0;
    }
  }
  return {data, used};
}

void ChunkDecoder::frame(unsigned char c) noexcept {
  const auto expect = [this, c](unsigned char wanted, State next) {
    state_ = c == wanted ? next : State::malformed;
  };
  if (++framing_ > kMaxFraming) {
    state_ = State::malformed;
    return;
  }
  switch (state_) {
    case State::size:
    case State::size_more:
      if (const int digit = hex_digit(c); digit >= 0) {
        if (left_ >> 59 != 0)
          state_ = State::malformed;
        else
          state_ = State::size_more, left_ = left_ * 16 + static_cast<unsigned>(digit);
        return;
      }
      if (state_ == State::size)
        state_ = State::malformed;
      else if (c == ' ' || c == '\t')
        state_ = State::blank;
      else if (c == ';')
        state_ = State::extension;
      else
        expect('\r', State::size_end);
      return;
    case State::blank:  // some servers pad the size
      if (c == ' ' || c == '\t') return;
      if (c == ';')
        state_ = State::extension;
      else
        expect('\r', State::size_end);
      return;
    case State::extension:
      if (c == '\r')
        state_ = State::size_end;
      else if (c == '\n')
        state_ = State::malformed;
      return;
    case State::size_end: expect('\n', left_ != 0 ? State::data : State::line_start); return;
    case State::data_cr: expect('\r', State::data_lf); return;
    case State::data_lf: expect('\n', State::size); return;
    case State::line_start:
      if (c == '\n')
        state_ = State::malformed;
      else
        state_ = c == '\r' ? State::last_lf : State::line;
      return;
    case State::line:
      if (c == '\r')
        state_ = State::line_end;
      else if (c == '\n')
        state_ = State::malformed;
      return;
    case State::line_end: expect('\n', State::line_start); return;
    case State::last_lf: expect('\n', State::done); return;
    case State::data:
    case State::done:
    case State::malformed: return;
  }
}

}  // namespace haul::http

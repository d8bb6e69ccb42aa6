#include "listing/line_reader.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

namespace haul::listing {
namespace {

constexpr std::size_t kReadSize = 256U << 10;
constexpr std::size_t kNotFound = SIZE_MAX;
constexpr std::size_t kShown = 200;  // of a line that is too long
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(std::unique_ptr<ByteSource> bytes, LineEnd end)
    : bytes_(std::move(bytes)), end_(end), buffer_(2 * kReadSize) {}

// Where the line ends that begins at from_, and where the next one begins.
std::size_t LineReader::find_end(std::size_t& behind) {
  if (end_ == LineEnd::newline) {
    const void* found = std::memchr(buffer_.data() + scanned_, '\n', to_ - scanned_);
    if (found == nullptr) {
      scanned_ = to_;
      return kNotFound;
    }
    const std::size_t at = static_cast<std::size_t>(static_cast<const char*>(found) - buffer_.data());
    behind = at + 1;
    return at > from_ && buffer_[at - 1] == '\r' ? at - 1 : at;
  }
  for (; scanned_ < to_; ++scanned_) {
    const char c = buffer_[scanned_];
    if (c == '"') quoted_ = !quoted_;  // a doubled quote changes it twice
    if (quoted_ || (c != '\n' && c != '\r')) continue;
    if (c == '\r' && scanned_ + 1 == to_ && !source_ended_) return kNotFound;  // a LF may follow
    behind = scanned_ + 1;
    if (c == '\r' && behind < to_ && buffer_[behind] == '\n') ++behind;
    return scanned_;
  }
  return kNotFound;
}

void LineReader::give(std::size_t end, std::size_t behind) {
  offset_ += behind - from_;
  ++number_;
  if (end_ == LineEnd::csv_records)
    number_ += static_cast<std::uint64_t>(std::count(buffer_.data() + from_, buffer_.data() + end, '\n'));
  from_ = scanned_ = behind;
  quoted_ = false;
}

LineReader::Next LineReader::take(std::string_view& line) {
  while (true) {
    std::size_t behind = 0;
    std::size_t end = find_end(behind);
    if (end == kNotFound) {
      if (source_ended_ && from_ != to_) {  // the last line has no end
        end = behind = to_;
        if (end_ == LineEnd::newline && buffer_[end - 1] == '\r') --end;
      } else {
        if (to_ - from_ <= kLongest) return Next::none;
        const bool first = !std::exchange(dropping_, true);
        line = {buffer_.data() + from_, kShown};
        offset_ += to_ - from_;
        from_ = scanned_ = to_;
        if (first) {
          ++number_;
          return Next::too_long;
        }
        return Next::none;
      }
    }
    if (std::exchange(dropping_, false)) {  // its end belongs to a line that was counted
      give(end, behind);
      --number_;
      continue;
    }
    line = {buffer_.data() + from_, end - from_};
    give(end, behind);
    return line.size() > kLongest ? (line = line.substr(0, kShown), Next::too_long) : Next::line;
  }
}

Task<bool> LineReader::fill(OpContext& context) {
  if (source_ended_) co_return false;
  context.check();
  if (from_ != 0) {
    std::memmove(buffer_.data(), buffer_.data() + from_, to_ - from_);
    to_ -= from_;
    scanned_ -= from_;
    from_ = 0;
  }
  if (buffer_.size() - to_ < kReadSize) buffer_.resize(to_ + kReadSize);
  const std::size_t got =
      co_await bytes_->read_some(std::as_writable_bytes(std::span(buffer_).subspan(to_)), context);
  to_ += got;
  source_ended_ = got == 0;
  if (offset_ == 0 && std::string_view(buffer_.data(), to_).starts_with(kByteOrderMark)) {
    from_ = scanned_ = offset_ = kByteOrderMark.size();
  }
  co_return true;
}

Task<> LineReader::go_on(std::uint64_t skip, std::uint64_t offset, std::uint64_t number, OpContext& context) {
  while (skip != 0) {
    const std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(skip, buffer_.size()));
    const std::size_t got =
        co_await bytes_->read_some(std::as_writable_bytes(std::span(buffer_).first(most)), context);
    if (got == 0) break;
    skip -= got;
  }
  offset_ = offset;
  number_ = number;
}

}  // namespace haul::listing

// Standard output, or a file in its place: buffered, and quiet when nobody reads on.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "base/json_text.h"  // append_json, for all that writes here

namespace haul::app {

// Thrown when the reader of a pipe has gone.
struct OutputClosed {};

// What to do then. Listings have nothing left to do; work that changes things goes on unheard.
enum class WhenClosed : bool { stop, go_on };

// Not thread-safe. Blocks as long as the other end does.
class Output {
 public:
  explicit Output(int descriptor) : descriptor_(descriptor) {}
  ~Output();  // flushes as far as that works
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // WhenClosed::stop unless said otherwise.
  void when_closed(WhenClosed what) noexcept { when_closed_ = what; }

  // Throws OutputClosed (WhenClosed::stop), or Error (exhausted: no space) like flush().
  void write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= kFlushAt) flush();
  }
  // For those who write from several shards: to be held while they do.
  std::mutex& mutex() noexcept { return mutex_; }
  // The buffer itself, for appending in place; call pump() after each piece.
  std::string& buffer() noexcept { return buffer_; }
  void pump() {
    if (buffer_.size() >= kFlushAt) flush();
  }
  void flush();

 private:
  static constexpr std::size_t kFlushAt = 64 << 10;
  int descriptor_;
  WhenClosed when_closed_ = WhenClosed::stop;
  bool closed_ = false;
  std::mutex mutex_;
  std::string buffer_;
};

}  // namespace haul::app

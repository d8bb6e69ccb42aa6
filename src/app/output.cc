#include "app/output.h"

#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace haul::app {

Output::~Output() {
  try {
    flush();
  } catch (...) {
    // Whoever wants to know has flushed before.
  }
}

void Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !closed_) {
    const ssize_t n = ::write(descriptor_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int reason = errno;
      buffer_.clear();
      closed_ = reason == EPIPE;
      if (closed_ && when_closed_ == WhenClosed::go_on) return;
      if (closed_) throw OutputClosed{};
      throw errno_error(reason, "write", "standard output");
    }
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  buffer_.clear();
}

}  // namespace haul::app

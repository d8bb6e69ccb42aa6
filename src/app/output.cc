#include "app/output.h"

#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/utf8.h"

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

void append_json(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    if (byte < 0x80) {
      text.remove_prefix(1);
      switch (byte) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\t': out += "\\t"; break;
        case '\r': out += "\\r"; break;
        default:
          if (byte < 0x20 || byte == 0x7f) {
            out += "\\u00";
            out += kHex[byte >> 4];
            out += kHex[byte & 15];
          } else {
            out += static_cast<char>(byte);
          }
      }
      continue;
    }
    const std::string_view before = text;
    if (take_code_point(text)) {
      out += before.substr(0, before.size() - text.size());
    } else {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
    }
  }
  out += '"';
}

}  // namespace haul::app

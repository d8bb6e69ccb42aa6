#include "app/screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace haul::app {
namespace {

bool can_redraw(int descriptor) {
  if (::isatty(descriptor) != 1) return false;
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): never set by us
  return kind != nullptr && std::string_view(kind) != "dumb";
}

}  // namespace

std::string_view cut_to_width(std::string_view text, std::size_t columns) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts && count++ == columns) return text.substr(0, i);
  }
  return text;
}

Screen::Screen(int descriptor) : descriptor_(descriptor), terminal_(can_redraw(descriptor)) {}

Screen::~Screen() {
  show_status("");
}

std::size_t Screen::width() const noexcept {
  winsize size{};
  if (::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

void Screen::say(std::string_view line) {
  const std::lock_guard lock(mutex_);
  draw(line);
}

void Screen::show_status(std::string status) {
  if (!terminal_) return;
  const std::lock_guard lock(mutex_);
  if (status == status_) return;
  status_ = std::move(status);
  draw({});
}

std::size_t Screen::height() const noexcept {
  winsize size{};
  if (::ioctl(descriptor_, TIOCGWINSZ, &size) == 0 && size.ws_row > 0) return size.ws_row;
  return 24;
}

// One write, so that nothing flickers: to where the status begins, what stays, the status, and what was
// longer before is erased.
void Screen::draw(std::string_view above) {
  std::string text;
  if (rows_drawn_ != 0) text += fmt::format("\x1b[{}A", rows_drawn_);
  if (terminal_) text += '\r';
  if (!above.empty()) {
    text += above;
    text += terminal_ ? "\x1b[K\n" : "\n";
  }
  if (terminal_) {
    const std::size_t columns = width() - 1, rows = height();
    const bool had_more = rows_drawn_ != 0;
    rows_drawn_ = 0;
    for (std::string_view rest = status_;;) {
      const std::size_t end = rest.find('\n');
      text += cut_to_width(rest.substr(0, end), columns);
      text += "\x1b[K";
      if (end == std::string_view::npos || rows_drawn_ + 1 == rows) break;
      rest.remove_prefix(end + 1);
      text += '\n';
      ++rows_drawn_;
    }
    if (had_more) text += "\x1b[J";
  }
  put(text);
}

void Screen::put(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t n = ::write(descriptor_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody to tell
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

}  // namespace haul::app

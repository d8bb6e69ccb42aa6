// Standard error as a person sees it: lines that stay, and below them a status that is redrawn in place.
#pragma once

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

namespace haul::app {

// Thread safety: all methods may be called from any thread. Lines of several threads never mix.
class Screen {
 public:
  explicit Screen(int descriptor);
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  bool is_terminal() const noexcept { return terminal_; }
  std::size_t width() const noexcept;   // columns; 80 if it is no terminal
  std::size_t height() const noexcept;  // rows; 24 if it is no terminal

  // A line that stays, above the status.
  void say(std::string_view line);

  // Replaces the status, of one line or several; each is cut to the width, and what the terminal has no rows
  // for is left out. Nothing where it is no terminal. Empty: none.
  void show_status(std::string status);

 private:
  void draw(std::string_view above);
  void put(std::string_view text) noexcept;

  const int descriptor_;
  const bool terminal_;
  std::mutex mutex_;  // guards the status, and writing
  std::string status_;
  std::size_t rows_drawn_ = 0;  // of the status, below the row it begins in
};

// The first `columns` columns of UTF-8 text, counting a code point as one.
std::string_view cut_to_width(std::string_view text, std::size_t columns);

}  // namespace haul::app

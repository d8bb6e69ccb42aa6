// Lines out of a stream of pieces. Not thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace haul::job {

class LineSplitter {
 public:
  // Calls take(line) for each line that ends in this piece, without its end; the view is valid during the
  // call.
  template <class Take>
  void feed(std::string_view piece, Take take) {
    while (!piece.empty()) {
      const std::size_t end = piece.find('\n');
      if (end == std::string_view::npos) {
        begun_ += piece;
        return;
      }
      if (begun_.empty()) {
        take(piece.substr(0, end));
      } else {
        begun_ += piece.substr(0, end);
        take(std::string_view(begun_));
        begun_.clear();
      }
      piece.remove_prefix(end + 1);
    }
  }
  // What stands behind the last line.
  const std::string& begun() const noexcept { return begun_; }

 private:
  std::string begun_;
};

}  // namespace haul::job

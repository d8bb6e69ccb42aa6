// Numbers and texts one behind the other in one text: what the job keeps of objects in places that take it as
// it is. `17;5:hello` are the number 17 and the text hello. Readable, any bytes, no escapes.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haul::job {

inline void pack(std::string& out, std::uint64_t number, char end = ';') {
  char digits[20];
  const auto written = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, written.ptr);
  out += end;
}

inline void pack(std::string& out, std::string_view text) {
  pack(out, text.size(), ':');
  out += text;
}

// Reads in the order of writing. Once something else is met, ok() is false and all that follows is empty.
// Views point into the text that is read.
class Unpacker {
 public:
  explicit Unpacker(std::string_view packed) noexcept : rest_(packed) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return rest_.empty(); }

  std::uint64_t number(char end = ';') noexcept {
    std::uint64_t value = 0;
    const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto length = static_cast<std::size_t>(read.ptr - rest_.data());
    if (read.ec != std::errc() || length == rest_.size() || *read.ptr != end) return fail();
    rest_.remove_prefix(length + 1);
    return value;
  }
  // A number that is at most `most`.
  std::uint64_t number_to(std::uint64_t most) noexcept {
    const std::uint64_t value = number();
    return value <= most ? value : fail();
  }
  std::string_view text() noexcept {
    const std::uint64_t size = number(':');
    if (size > rest_.size()) fail();
    if (!ok_) return {};
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }

 private:
  std::uint64_t fail() noexcept {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace haul::job

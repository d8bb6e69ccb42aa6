// JSON (RFC 8259) read from front to end where it lies: for lines by the million, of which only some members
// are wanted. Documents that are kept or searched are nlohmann's.
//
// Every method takes the next value, whose type the caller knows, and throws Error(data_loss) with the column
// for anything else. Text is UTF-8 without raw control characters; nesting is bounded. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace haul {

class JsonScanner {
 public:
  // The text must outlive the scanner and the views that it gives.
  explicit JsonScanner(std::string_view text) : text_(text) {}

  // Calls take(name) for each member; take() must take, or skip, exactly its value.
  template <class Take>
  void object(Take take) {
    begin('{');
    for (bool first = true; more('}', first); first = false) {
      std::string name;
      string(name);
      need(':');
      take(std::string_view(name));
    }
    --depth_;
  }
  template <class Take>
  void array(Take take) {
    begin('[');
    for (bool first = true; more(']', first); first = false)
      take();
    --depth_;
  }

  void string(std::string& out);  // replaces what is in `out`
  // A string, or bytes as append_json_bytes() writes them.
  void bytes(std::string& out);
  std::uint64_t unsigned_number();  // no sign, no fraction, no exponent
  double number();
  bool boolean();
  // Any value, as it is written.
  std::string_view raw();
  void skip() { static_cast<void>(raw()); }
  // Nothing but blanks may be left.
  void end();

  bool at_object() noexcept { return peek() == '{'; }

  [[noreturn]] void fail(std::string_view what) const;

 private:
  char peek() noexcept;  // past blanks; 0 at the end
  void need(char c);
  void need_word(std::string_view word);
  void begin(char c);
  bool more(char end, bool first);
  std::string_view number_text();
  void skip_value();
  void escape(std::string& out);
  unsigned hex4();

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
};

}  // namespace haul

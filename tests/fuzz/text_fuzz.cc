// Names, times, sizes and encodings: what is read and written again is the same.
#include <optional>
#include <string>

#include "base/encoding.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "fuzz_input.h"

namespace {

using namespace haul;
using fuzz::check;

void names(std::string_view text) {
  const std::string escaped = escape_name(text);
  check(is_utf8(escaped) && unescape_name(escaped) == text);
  if (is_utf8(text)) check(escape_name(unescape_name(text)) == text);
  check(is_utf8(visible(text)));
}

void times(std::string_view text) {
  if (const auto time = parse_iso8601(text))
    check(parse_iso8601(format_iso8601(*time, Fraction::nanoseconds)) == time);
  if (const auto time = parse_http_date(text)) check(parse_http_date(format_http_date(*time)) == time);
  if (const auto time = parse_basic_time(text)) check(parse_basic_time(format_basic_time(*time)) == time);
  const auto typed = {ErrorClass::invalid_argument};
  fuzz::accepts(typed, [text] { (void)format_duration(parse_duration(text)); });
  fuzz::accepts(typed, [text] { (void)format_size(parse_size(text)); });
  fuzz::accepts(typed, [text] { (void)parse_rate(text); });
  fuzz::accepts(typed, [text] { (void)parse_time_or_age(text, Time{}); });
}

void encodings(std::string_view text) {
  if (const auto bytes = decode_base64(text)) check(to_base64(as_bytes(*bytes)) == text);
  if (const auto bytes = decode_hex(text)) check(decode_hex(to_hex(as_bytes(*bytes))) == bytes);
  check(percent_decode(percent_encode(text)) == text);
  check(form_decode(percent_encode(text)) == text);
  for (const auto decode : {&percent_decode, &form_decode}) {
    const std::optional<std::string> once = decode(text);
    std::string copy(text);
    const auto length = (decode == &percent_decode ? percent_decode_in_place : form_decode_in_place)(copy);
    check(length.has_value() == once.has_value());
    if (once) check(copy.substr(0, *length) == *once);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  names(text);
  times(text);
  encodings(text);
  return 0;
}

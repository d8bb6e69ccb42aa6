// What a server may answer: the head and the chunked body, in one piece and byte by byte. Both ways must come
// to the same result.
#include <algorithm>
#include <span>
#include <string>

#include "fuzz_input.h"
#include "http/chunk_decoder.h"
#include "http/head_parser.h"

namespace {

using namespace haul::http;

using haul::fuzz::check;

struct Body {
  std::string data;
  std::size_t used = 0;
  bool done = false, malformed = false;
  bool operator==(const Body&) const = default;
};

Body decode(std::string bytes, std::size_t piece) {
  ChunkDecoder decoder;
  Body body;
  for (std::size_t at = 0; at < bytes.size() && !decoder.done() && !decoder.malformed(); at += piece) {
    const auto given = std::span(bytes).subspan(at, std::min(piece, bytes.size() - at));
    const auto [data, used] = decoder.decode(std::as_writable_bytes(given));
    check(data <= used && used <= given.size());
    body.data.append(given.data(), data);
    body.used += used;
  }
  body.done = decoder.done();
  body.malformed = decoder.malformed();
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = haul::fuzz::text_of(data, size);
  ResponseHead whole;
  const HeadParse result = whole.parse(bytes);
  if (result == HeadParse::malformed) check(!whole.complaint().empty());
  if (size <= 4096) {
    ResponseHead grown;
    HeadParse last = HeadParse::incomplete;
    for (std::size_t end = 1; end <= size && last == HeadParse::incomplete; ++end)
      last = grown.parse(bytes.substr(0, end));
    check(size == 0 || last == result);
    if (result == HeadParse::complete)
      check(grown.size() == whole.size() && grown.field_count() == whole.field_count());
  }
  std::string body(bytes);
  if (result == HeadParse::complete) {
    check(whole.status() >= 100 && whole.status() <= 999 && whole.size() <= size);
    for (std::size_t i = 0; i < whole.field_count(); ++i) {
      check(!whole.name(bytes, i).empty());
      check(whole.value(bytes, i).find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
    }
    body.erase(0, whole.size());
  }
  check(decode(body, body.size() + 1) == decode(body, 1));
  return 0;
}

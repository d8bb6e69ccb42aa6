// Text and bytes as JSON strings (RFC 8259), appended to what the caller reuses. For writing lines by hand
// where a document in memory would cost too much; pure functions, safe from any thread.
#pragma once
#include <string>
#include <string_view>

namespace haul {

// `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD: JSON cannot hold them.
void append_json(std::string& out, std::string_view text);

// The same without loss: bytes that are not UTF-8 as a whole become the object {"hex":"c3 in hex digits"}.
void append_json_bytes(std::string& out, std::string_view bytes);

}  // namespace haul

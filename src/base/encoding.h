// Bytes as text: hexadecimal, base64 (RFC 4648 section 4, with padding), percent-encoding (RFC 3986) and the
// form variant of it. `append_*` write to the end of a string that the caller reuses; nothing else is
// allocated. Decoders answer with nothing when the text is malformed: who reads it knows what that means.
// Pure functions, safe from any thread.
#pragma once
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace haul {

void append_hex(std::string& out, ByteView bytes);  // lower case
std::string to_hex(ByteView bytes);
std::optional<std::string> decode_hex(std::string_view text);               // either case
bool decode_hex(std::string_view text, std::span<std::byte> out) noexcept;  // fills `out` exactly, or false

void append_base64(std::string& out, ByteView bytes);
std::string to_base64(ByteView bytes);
std::optional<std::string> decode_base64(std::string_view text);
bool decode_base64(std::string_view text,
                   std::span<std::byte> out) noexcept;  // fills `out` exactly, or false

// Everything but A-Z a-z 0-9 - . _ ~ becomes %XX in capitals, as SigV4 wants it.
enum class Slash { encode, keep };
void append_percent_encoded(std::string& out, std::string_view text, Slash slash = Slash::encode);
std::string percent_encode(std::string_view text, Slash slash = Slash::encode);

// A `%` must be followed by two hexadecimal digits. In a form (and in S3's encoding-type=url) `+` is a space.
std::optional<std::string> percent_decode(std::string_view text);
std::optional<std::string> form_decode(std::string_view text);

// Decodes where the text lies and returns the new, never greater, length. After a failure the content is
// undefined.
std::optional<std::size_t> percent_decode_in_place(std::span<char> text) noexcept;
std::optional<std::size_t> form_decode_in_place(std::span<char> text) noexcept;

}  // namespace haul

// What a file's name says of its content.
#pragma once

#include <string_view>

namespace haul::transfer {

// The media type for the ending of a key ("photos/a.JPG" -> "image/jpeg"); empty where there is none or it
// is not known. Thread safety: a pure function.
std::string_view guess_content_type(std::string_view key) noexcept;

}  // namespace haul::transfer

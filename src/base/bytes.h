// Views of raw bytes, and the passage between them and text. Views own nothing: the bytes must outlive them.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace haul {

using ByteView = std::span<const std::byte>;

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace haul

#include "stores/memory/memory_state.h"

#include <array>

#include "base/digest.h"
#include "base/encoding.h"

namespace haul::memory {

std::string etag_of(std::string_view content) {
  Digest md5(DigestAlgorithm::md5);
  md5.update(as_bytes(content));
  std::array<std::byte, 16> digest;
  md5.finish(digest);
  return to_hex(digest);
}

Task<std::string> drain(Body& body, OpContext& context) {
  std::string content;
  if (const auto memory = body.memory(); !memory.empty()) {
    content = as_text(memory);
  } else {
    content.reserve(body.size());
    for (auto piece = co_await body.next(context); !piece.empty(); piece = co_await body.next(context))
      content += as_text(piece);
  }
  if (content.size() != body.size()) {
    throw Error(ErrorClass::data_loss, "the body gave " + std::to_string(content.size()) +
                                           " bytes where it promised " + std::to_string(body.size()));
  }
  co_return content;
}

void verify_content(std::string_view content, const Checksum& expected) {
  if (expected.type() != ChecksumType::full_object) return;
  if (checksum_of(expected.algorithm(), as_bytes(content)) != expected)
    throw Error(ErrorClass::data_loss, "the content that arrived has another checksum than was promised");
}

}  // namespace haul::memory

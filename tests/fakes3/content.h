// What objects are made of: stored bytes, shared between all copies of them, and pattern bytes that are
// never stored. A content is immutable once an object has it; slices and copies share, they do not copy.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace haul::fakes3 {

/// The endless pattern: byte i is pattern[i % period]. The period is a prime, so that parts of 2^n bytes
/// all differ and a misplaced range shows.
class Pattern {
 public:
  static constexpr std::uint64_t kPeriod = 1048573;
  static constexpr std::uint64_t kWindow = 1 << 20;

  /// At most kWindow contiguous bytes from a position. Valid for ever.
  static std::string_view at(std::uint64_t position, std::uint64_t size);
  /// Where in the pattern the object of a key begins: the same key, the same bytes, in each bucket.
  static std::uint64_t start_of(std::string_view key);
};

struct Segment {
  std::shared_ptr<const char[]> owner;  // null: pattern bytes
  std::uint64_t offset = 0;             // into the owner's bytes, or in the pattern
  std::uint64_t size = 0;

  /// Contiguous bytes from `from` on, at most `most`, at least one unless the segment ends there.
  std::string_view window(std::uint64_t from, std::uint64_t most) const;
};

using Content = std::vector<Segment>;

Content pattern_content(std::string_view key, std::uint64_t size);
std::uint64_t size_of(const Content& content);
Content slice(const Content& content, std::uint64_t offset, std::uint64_t size);
void append(Content& content, const Content& tail);
/// The same bytes but one, which is inverted.
Content corrupted(const Content& content, std::uint64_t at);

/// Of stored bytes by reading them; of pattern bytes from one period, however long they are.
std::uint64_t crc64nvme_of(const Content& content);

}  // namespace haul::fakes3

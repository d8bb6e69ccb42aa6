#include "content.h"

#include <algorithm>
#include <string>
#include <utility>

#include "checksum.h"

namespace haul::fakes3 {

namespace {

std::string make_pattern() {
  std::string bytes(Pattern::kPeriod + Pattern::kWindow, '\0');
  std::uint64_t state = 0x9E3779B97F4A7C15;
  for (std::uint64_t i = 0; i < Pattern::kPeriod; ++i) {
    state = state * 6364136223846793005 + 1442695040888963407;
    bytes[i] = static_cast<char>(state >> 56);
  }
  for (std::uint64_t i = Pattern::kPeriod; i < bytes.size(); ++i)
    bytes[i] = bytes[i - Pattern::kPeriod];
  return bytes;
}

std::uint64_t crc_of_pattern(std::uint64_t start, std::uint64_t size) {
  auto read = [](std::uint64_t from, std::uint64_t length) {
    std::uint64_t crc = 0;
    while (length != 0) {
      std::string_view bytes = Pattern::at(from, length);
      crc = crc64nvme(crc, bytes);
      from += bytes.size();
      length -= bytes.size();
    }
    return crc;
  };
  if (size < 4 * Pattern::kPeriod) return read(start, size);
  // whole periods by doubling, since each has the same bytes
  std::uint64_t periods = size / Pattern::kPeriod, crc = 0;
  std::uint64_t doubled = read(start, Pattern::kPeriod), length = Pattern::kPeriod;
  for (; periods != 0; periods >>= 1) {
    if (periods & 1) crc = combine(Algorithm::crc64nvme, crc, doubled, length);
    doubled = combine(Algorithm::crc64nvme, doubled, doubled, length);
    length *= 2;
  }
  std::uint64_t rest = size % Pattern::kPeriod;
  return combine(Algorithm::crc64nvme, crc, read(start, rest), rest);
}

}  // namespace

std::string_view Pattern::at(std::uint64_t position, std::uint64_t size) {
  static const std::string bytes = make_pattern();
  return std::string_view(bytes).substr(position % kPeriod, std::min(size, kWindow));
}

std::uint64_t Pattern::start_of(std::string_view key) {
  std::uint64_t hash = 14695981039346656037u;
  for (char c : key)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash % kPeriod;
}

std::string_view Segment::window(std::uint64_t from, std::uint64_t most) const {
  most = std::min(most, size - from);
  if (owner) return {owner.get() + offset + from, most};
  return Pattern::at(offset + from, most);
}

Content pattern_content(std::string_view key, std::uint64_t size) {
  if (size == 0) return {};
  return {{nullptr, Pattern::start_of(key), size}};
}

std::uint64_t size_of(const Content& content) {
  std::uint64_t size = 0;
  for (const Segment& segment : content)
    size += segment.size;
  return size;
}

Content slice(const Content& content, std::uint64_t offset, std::uint64_t size) {
  Content out;
  for (const Segment& segment : content) {
    if (size == 0) break;
    if (offset >= segment.size) {
      offset -= segment.size;
      continue;
    }
    std::uint64_t take = std::min(size, segment.size - offset);
    out.push_back({segment.owner, segment.offset + offset, take});
    size -= take;
    offset = 0;
  }
  return out;
}

void append(Content& content, const Content& tail) {
  for (const Segment& segment : tail) {
    Segment* last = content.empty() ? nullptr : &content.back();
    // a copy in many parts is one piece again
    if (last != nullptr && last->owner == segment.owner && last->offset + last->size == segment.offset) {
      last->size += segment.size;
    } else {
      content.push_back(segment);
    }
  }
}

Content corrupted(const Content& content, std::uint64_t at) {
  std::uint64_t size = size_of(content);
  if (at >= size) return content;
  Content out = slice(content, 0, at);
  Content victim = slice(content, at, 1);
  auto byte = std::make_shared<char[]>(1);
  byte[0] = static_cast<char>(~victim.front().window(0, 1)[0]);
  out.push_back({std::move(byte), 0, 1});
  append(out, slice(content, at + 1, size - at - 1));
  return out;
}

std::uint64_t crc64nvme_of(const Content& content) {
  std::uint64_t crc = 0;
  for (const Segment& segment : content) {
    std::uint64_t part = segment.owner ? crc64nvme(0, segment.window(0, segment.size))
                                       : crc_of_pattern(segment.offset, segment.size);
    crc = combine(Algorithm::crc64nvme, crc, part, segment.size);
  }
  return crc;
}

}  // namespace haul::fakes3

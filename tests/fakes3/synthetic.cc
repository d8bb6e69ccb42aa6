#include "synthetic.h"

#include <algorithm>
#include <bit>

#include "checksum.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::string_view kCommonPrefix =
    "a/rather/long/common/prefix/under/which/everything/lies/"
    "so-that-a-client-which-splits-the-key-space-by-the-"
    "first-bytes-of-the-keys-finds/no-place-to-split/until-it-has-looked-at-real-keys/";

void append_padded(std::string& out, std::uint64_t value, std::size_t width) {
  char digits[24];
  char* end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  auto size = static_cast<std::size_t>(end - digits);
  if (size < width) out.append(width - size, '0');
  out.append(digits, size);
}

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9;
  x = (x ^ x >> 27) * 0x94D049BB133111EB;
  return x ^ x >> 31;
}

}  // namespace

std::optional<Synthetic> Synthetic::parse(std::string_view bucket) {
  Synthetic out;
  bool counted = false;
  for (std::size_t at = bucket.find('-'); at != std::string_view::npos;) {
    std::size_t next = bucket.find('-', at + 1);
    std::string_view word = bucket.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
    at = next;
    auto number = word.empty() ? std::nullopt : parse_number(word.substr(1));
    if (!counted) {
      if (number && word.front() == 'n') {
        out.count_ = *number;
        counted = true;
      }
    } else if (word == "deep") {
      out.shape_ = Shape::deep;
    } else if (word == "common") {
      out.shape_ = Shape::common;
    } else if (word == "mixed") {
      out.mixed_ = true;
    } else if (number && word.front() == 's') {
      out.size_ = *number;
    } else if (number && word.front() == 'm') {
      out.missing_ = *number;
    } else if (number && word.front() == 'c') {
      out.changed_ = *number;
    } else {
      return std::nullopt;
    }
  }
  if (!counted) return std::nullopt;
  return out;
}

std::uint64_t Synthetic::object_size(std::uint64_t index) const {
  if (!mixed_) return size_;
  return std::uint64_t{1024} << 2 * std::min(10, std::countr_zero(index + 1));
}

void Synthetic::key_at(std::uint64_t index, std::string& out) const {
  out.clear();
  if (shape_ == Shape::deep) {
    out += 'd';
    append_padded(out, index / 10000, 6);
    out += "/e";
    append_padded(out, index / 100 % 100, 2);
    out += '/';
  } else if (shape_ == Shape::common) {
    out += kCommonPrefix;
  }
  append_padded(out, index, 10);
  out += '-';
  append_number(out, object_size(index));
}

std::uint64_t Synthetic::lower_bound(std::string_view key) const {
  std::string probe;
  std::uint64_t low = 0, high = count_;
  while (low < high) {
    std::uint64_t middle = low + (high - low) / 2;
    key_at(middle, probe);
    if (probe < key) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<std::uint64_t> Synthetic::index_of(std::string_view key) const {
  std::size_t slash = key.rfind('/'), from = slash == std::string_view::npos ? 0 : slash + 1;
  std::string_view name = key.substr(from);
  auto index = parse_number(name.substr(0, name.find('-')));
  if (!index || !has(*index)) return std::nullopt;
  std::string expected;
  key_at(*index, expected);
  if (expected != key) return std::nullopt;
  return index;
}

void Synthetic::append_etag(std::uint64_t index, std::string& out) const {
  constexpr char digits[] = "0123456789abcdef";
  std::uint64_t words[2] = {mix(index * 2 + (changed(index) ? 1 : 0) + 1), mix(object_size(index) + 77)};
  out += '"';
  for (std::uint64_t word : words) {
    for (int shift = 60; shift >= 0; shift -= 4)
      out += digits[word >> shift & 15];
  }
  out += "-1\"";
}

Object Synthetic::object(std::uint64_t index) const {
  static const auto attributes = std::make_shared<const Attributes>();
  std::string key;
  key_at(index, key);
  if (changed(index)) key += "-changed";
  Object out;
  out.size = object_size(index);
  out.content = pattern_content(key, out.size);
  append_etag(index, out.etag);
  out.modified = modified(index);
  out.attributes = attributes;
  return out;
}

}  // namespace haul::fakes3

#include "store/posix_metadata.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>

namespace haul::store {
namespace {

constexpr std::string_view kPermissions = "file-permissions";
constexpr std::string_view kOwner = "file-owner";
constexpr std::string_view kGroup = "file-group";
constexpr std::string_view kMtime = "file-mtime";
constexpr std::string_view kAtime = "file-atime";
constexpr std::string_view kOtherMtime = "mtime";  // rclone, s3fs

constexpr std::array kNames{kPermissions, kOwner, kGroup, kMtime, kAtime, kOtherMtime};

template <class Number>
std::optional<Number> parse_number(std::string_view text, int base) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number, base);
  if (text.empty() || error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

// A decimal number, possibly negative and with a fraction, of units of `unit` nanoseconds. Digits beyond the
// nanosecond are cut off. Integers all the way: a double cannot hold today's time in nanoseconds.
std::optional<Time> parse_decimal_time(std::string_view text, std::int64_t unit) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const auto whole = parse_number<std::uint64_t>(text.substr(0, point), 10);
  if (!whole) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (*whole > limit / static_cast<std::uint64_t>(unit)) return std::nullopt;
  std::uint64_t nanoseconds = *whole * static_cast<std::uint64_t>(unit);
  if (point != std::string_view::npos) {
    auto digit_value = static_cast<std::uint64_t>(unit);
    for (const char c : text.substr(point + 1)) {
      if (c < '0' || c > '9') return std::nullopt;
      digit_value /= 10;
      nanoseconds += static_cast<std::uint64_t>(c - '0') * digit_value;
    }
  }
  if (nanoseconds > limit) return std::nullopt;
  const auto value = static_cast<std::int64_t>(nanoseconds);
  return Time(std::chrono::nanoseconds(negative ? -value : value));
}

std::optional<Time> parse_file_time(std::string_view text) {
  if (text.ends_with("ns")) return parse_decimal_time(text.substr(0, text.size() - 2), 1);
  return parse_decimal_time(text, 1'000'000);
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
  const auto mode = parse_number<std::uint32_t>(text, 8);
  if (!mode || *mode > 0177777) return std::nullopt;
  return mode;
}

// -1 is "leave it as it is" to chown() and so no owner.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto id = parse_number<std::uint32_t>(text, 10);
  if (id == std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return id;
}

void put(Metadata& metadata, std::string_view name, std::string value) {
  const auto same = [name](const auto& item) { return item.first == name; };
  if (const auto found = std::ranges::find_if(metadata, same); found != metadata.end())
    found->second = std::move(value);
  else
    metadata.emplace_back(name, std::move(value));
}

std::string time_text(Time time) {
  return std::to_string(time.time_since_epoch().count()) + "ns";
}

std::string octal_text(std::uint32_t mode) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), mode, 8).ptr;
  return "0" + std::string(digits.data(), end);
}

}  // namespace

void put_posix(const PosixAttributes& attributes, Metadata& metadata) {
  if (attributes.mode) put(metadata, kPermissions, octal_text(*attributes.mode));
  if (attributes.uid) put(metadata, kOwner, std::to_string(*attributes.uid));
  if (attributes.gid) put(metadata, kGroup, std::to_string(*attributes.gid));
  if (attributes.atime) put(metadata, kAtime, time_text(*attributes.atime));
  if (attributes.mtime) {
    put(metadata, kMtime, time_text(*attributes.mtime));
    // What another tool said of the time is no longer true.
    std::erase_if(metadata, [](const auto& item) { return item.first == kOtherMtime; });
  }
}

std::optional<PosixAttributes> get_posix(const Metadata& metadata) {
  PosixAttributes found;
  std::optional<Time> other_mtime;
  for (const auto& [name, value] : metadata) {
    if (name == kPermissions)
      found.mode = parse_mode(value);
    else if (name == kOwner)
      found.uid = parse_id(value);
    else if (name == kGroup)
      found.gid = parse_id(value);
    else if (name == kMtime)
      found.mtime = parse_file_time(value);
    else if (name == kAtime)
      found.atime = parse_file_time(value);
    else if (name == kOtherMtime)
      other_mtime = parse_decimal_time(value, 1'000'000'000);
  }
  if (!found.mtime) found.mtime = other_mtime;
  if (found == PosixAttributes{}) return std::nullopt;
  return found;
}

bool is_posix_name(std::string_view name) {
  return std::ranges::find(kNames, name) != kNames.end();
}

}  // namespace haul::store

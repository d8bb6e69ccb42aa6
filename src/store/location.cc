#include "store/location.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::store {
namespace {

bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

[[noreturn]] void refuse(std::string_view text, std::size_t position, std::string_view reason,
                         std::string_view remedy) {
  std::string message(reason);
  message += " at character " + std::to_string(position + 1) + " of '" + visible(text) + "'";
  throw Error(ErrorClass::invalid_argument, message).with_hint(std::string(remedy));
}

// What stands before "://", if that looks like a scheme (RFC 3986 section 3.1) and not like a path.
std::string_view scheme_of(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos || end == 0 || !is_alpha(text.front())) return {};
  const std::string_view scheme = text.substr(0, end);
  const bool valid = std::ranges::all_of(
      scheme, [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
  return valid ? scheme : std::string_view{};
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

// Capitals and underscores are no longer allowed in new names, and stand in old ones (before 2018) and on
// other services: the server has the last word on them.
void check_bucket(std::string_view text, std::string_view bucket, std::size_t at) {
  constexpr std::string_view kRemedy =
      "a bucket's name has 3 to 63 lower-case letters, digits, dots and hyphens: s3://bucket/prefix";
  if (bucket.empty())
    refuse(text, at, "the bucket's name is missing", "write s3://bucket or s3://bucket/prefix");
  if (bucket.starts_with("arn:"))
    refuse(text, at, "access points named by an ARN are not supported",
           "use the access point's alias (it ends in -s3alias) or the bucket's name");
  for (std::size_t i = 0; i < bucket.size(); ++i) {
    const char c = bucket[i];
    if (!is_alpha(c) && !is_digit(c) && c != '.' && c != '-' && c != '_')
      refuse(text, at + i, "a bucket's name cannot have this character", kRemedy);
  }
  if (bucket.size() < 3) refuse(text, at, "the bucket's name is too short", kRemedy);
  if (bucket.size() > 255) refuse(text, at, "the bucket's name is too long", kRemedy);
  if (bucket.front() == '.' || bucket.front() == '-')
    refuse(text, at, "a bucket's name begins with a letter or digit", kRemedy);
  if (bucket.back() == '.' || bucket.back() == '-')
    refuse(text, at + bucket.size() - 1, "a bucket's name ends with a letter or digit", kRemedy);
  if (const std::size_t dots = bucket.find(".."); dots != std::string_view::npos)
    refuse(text, at + dots, "two dots in a row in the bucket's name", kRemedy);
}

}  // namespace

bool Location::has_glob() const {
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] == '\\')
      ++i;
    else if (path[i] == '*' || path[i] == '?' || path[i] == '[')
      return true;
  }
  return false;
}

Location parse_location(std::string_view text) {
  if (text.empty())
    throw Error(ErrorClass::invalid_argument, "an empty location")
        .with_hint("write a path, s3://bucket/prefix, or - for standard input or output");
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos)
    refuse(text, nul, "a NUL byte", "neither paths nor keys given on a command line can hold one");

  Location location;
  location.text = text;
  if (text == "-") {
    location.scheme = Scheme::standard_stream;
    return location;
  }
  const std::string_view scheme = scheme_of(text);
  if (scheme.empty()) {
    location.path = text;
    return location;
  }
  if (!equal_ignoring_case(scheme, "s3"))
    refuse(text, 0, "the scheme '" + std::string(scheme) + "' is not known",
           "known are s3://bucket/prefix and plain paths; a path that looks like a URL is written ./" +
               std::string(scheme) + "://...");

  const std::size_t begin = scheme.size() + 3;
  const std::size_t slash = text.find('/', begin);
  const std::string_view bucket = text.substr(begin, slash == std::string_view::npos ? slash : slash - begin);
  check_bucket(text, bucket, begin);
  location.scheme = Scheme::s3;
  location.bucket = bucket;
  if (slash != std::string_view::npos) location.path = text.substr(slash + 1);
  return location;
}

}  // namespace haul::store

#include "stores/s3/list_xml.h"

#include <charconv>
#include <cstring>
#include <string>

#include "base/encoding.h"
#include "base/error.h"
#include "base/time_format.h"
#include "stores/s3/xml_reader.h"

namespace haul::s3 {
namespace {

using store::Entry;
using store::EntryKind;
using store::ListPage;

[[noreturn]] void malformed(std::string_view what) {
  throw Error(ErrorClass::unavailable, "the listing has a malformed " + std::string(what));
}

constexpr int digit(char c) {
  return c - '0';
}

// The form that S3 writes, 2024-01-31T23:59:59.000Z, by its digits; anything else by the general parser.
// This runs for every key, and the general parser costs several times as much.
bool parse_plain_time(std::string_view text, Time& time) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
  if (text.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const char c = text[i];
    if (kShape[i] == '0' ? c < '0' || c > '9' : c != kShape[i]) return false;
  }
  const auto two = [&text](std::size_t at) { return 10 * digit(text[at]) + digit(text[at + 1]); };
  const std::chrono::year_month_day date{std::chrono::year(100 * two(0) + two(2)),
                                         std::chrono::month(static_cast<unsigned>(two(5))),
                                         std::chrono::day(static_cast<unsigned>(two(8)))};
  const int hour = two(11);
  const int minute = two(14);
  const int second = two(17);
  const int year = static_cast<int>(date.year());
  if (!date.ok() || hour > 23 || minute > 59 || second > 59 || year < 1700 || year > 2200) return false;
  const std::chrono::milliseconds fraction(100 * digit(text[20]) + 10 * digit(text[21]) + digit(text[22]));
  time = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + fraction;
  return true;
}

Time parse_time(std::string_view text) {
  Time time{};
  if (parse_plain_time(text, time)) return time;
  const auto parsed = parse_iso8601(text);
  if (!parsed) malformed("LastModified");
  return *parsed;
}

std::uint64_t parse_size(std::string_view text) {
  std::uint64_t size = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, size);
  if (text.empty() || error != std::errc{} || stopped != end) malformed("Size");
  return size;
}

std::string_view unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

bool parse_bool(std::string_view text) {
  return text == "true" || text == "True" || text == "TRUE" || text == "1";
}

void parse_entry(XmlReader& xml, ListPage& page, EntryKind kind) {
  Entry& entry = page.entries.emplace_back();
  entry.kind = kind;
  bool has_key = false;
  bool has_size = kind == EntryKind::delete_marker;
  while (const auto child = xml.child()) {
    const std::string_view name = *child;
    if (name == "Key") {
      entry.key = xml.text();
      has_key = true;
    } else if (name == "LastModified") {
      entry.modified = parse_time(xml.text());
    } else if (name == "ETag") {
      entry.etag = unquoted(xml.text());
    } else if (name == "Size") {
      entry.size = parse_size(xml.text());
      has_size = true;
    } else if (name == "StorageClass") {
      const std::string_view storage_class = xml.text();
      if (storage_class != "STANDARD") entry.storage_class = storage_class;
    } else if (name == "VersionId") {
      entry.version = xml.text();
    } else if (name == "IsLatest") {
      entry.latest = parse_bool(xml.text());
    } else {
      xml.skip();
    }
  }
  if (!has_key) malformed("entry: it has no Key");
  if (!has_size) malformed("entry: it has no Size");
  entry.changed = entry.modified;
}

void parse_prefixes(XmlReader& xml, ListPage& page) {
  while (const auto child = xml.child()) {
    if (*child == "Prefix")
      page.common_prefixes.push_back(xml.text());
    else
      xml.skip();
  }
}

void decode(std::string_view& text) {
  if (text.empty()) return;
  if (std::memchr(text.data(), '%', text.size()) == nullptr &&
      std::memchr(text.data(), '+', text.size()) == nullptr)
    return;
  // The views lie in page.buffer, which is ours to change.
  const auto length = form_decode_in_place({const_cast<char*>(text.data()), text.size()});
  if (!length) malformed("Key: it is not URL-encoded as announced");
  text = text.substr(0, *length);
}

}  // namespace

ListTail parse_list_page(ListPage& page) {
  page.entries.clear();
  page.common_prefixes.clear();
  ListTail tail;
  bool encoded = false;
  bool has_truncated = false;
  XmlReader xml({page.buffer.data(), page.buffer.size()});
  const std::string_view root = xml.root();
  if (root != "ListBucketResult" && root != "ListVersionsResult")
    throw Error(ErrorClass::unavailable,
                "the answer to a listing is no listing but <" + std::string(root) + ">");
  while (const auto child = xml.child()) {
    const std::string_view name = *child;
    if (name == "Contents" || name == "Version") {
      parse_entry(xml, page, EntryKind::object);
    } else if (name == "DeleteMarker") {
      parse_entry(xml, page, EntryKind::delete_marker);
    } else if (name == "CommonPrefixes") {
      parse_prefixes(xml, page);
    } else if (name == "IsTruncated") {
      tail.truncated = parse_bool(xml.text());
      has_truncated = true;
    } else if (name == "NextContinuationToken") {
      tail.token = xml.text();
    } else if (name == "NextKeyMarker") {
      tail.key_marker = xml.text();
    } else if (name == "NextVersionIdMarker") {
      tail.version_marker = xml.text();
    } else if (name == "EncodingType") {
      encoded = xml.text() == "url";
    } else {
      xml.skip();
    }
  }
  xml.expect_end();
  // Without it the end of the listing would be a guess.
  if (!has_truncated) malformed("page: IsTruncated is missing");
  if (encoded) {
    for (Entry& entry : page.entries)
      decode(entry.key);
    for (std::string_view& prefix : page.common_prefixes)
      decode(prefix);
    decode(tail.key_marker);
  }
  return tail;
}

}  // namespace haul::s3

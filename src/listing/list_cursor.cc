#include "listing/list_cursor.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/encoding.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul::listing {
namespace {

using Json = nlohmann::json;

constexpr int kCursorFormat = 1;

[[noreturn]] void malformed_cursor(std::string_view what) {
  throw Error(ErrorClass::invalid_argument, "this is no place in a listing: " + std::string(what))
      .during("read list cursor");
}

Json key_to_json(const std::string& key) {
  if (is_utf8(key)) return key;
  return Json{{"hex", to_hex(as_bytes(key))}};
}

std::string key_from_json(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_object() || json.size() != 1 || !json.contains("hex") || !json["hex"].is_string())
    malformed_cursor("a key is neither text nor hexadecimal");
  auto key = decode_hex(json["hex"].get_ref<const std::string&>());
  if (!key) malformed_cursor("a key is not hexadecimal");
  return std::move(*key);
}

const Json& member(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) malformed_cursor(std::string(name) + " is missing");
  return *found;
}

std::uint64_t count_from_json(const Json& json) {
  if (!json.is_number_unsigned()) malformed_cursor("a count is no natural number");
  return json.get<std::uint64_t>();
}

std::vector<KeyRange> ranges_from_json(const Json& json) {
  if (!json.is_array()) malformed_cursor("ranges is no list");
  std::vector<KeyRange> ranges;
  for (const Json& item : json) {
    if (!item.is_object()) malformed_cursor("a range is no object");
    KeyRange range{key_from_json(member(item, "after")), std::nullopt};
    if (item.contains("until")) range.until = key_from_json(item["until"]);
    if (range.until && *range.until <= range.after) malformed_cursor("a range ends before it begins");
    if (!ranges.empty() && (!ranges.back().until || *ranges.back().until > range.after))
      malformed_cursor("ranges overlap");
    ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace

std::string ListCursor::to_json() const {
  Json ranges = Json::array();
  for (const KeyRange& range : remaining) {
    Json item{{"after", key_to_json(range.after)}};
    if (range.until) item["until"] = key_to_json(*range.until);
    ranges.push_back(std::move(item));
  }
  return Json{{"format", kCursorFormat},
              {"ranges", std::move(ranges)},
              {"listed", facts.listed},
              {"skipped", facts.skipped},
              {"failures", facts.failures}}
      .dump();
}

ListCursor ListCursor::parse(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) malformed_cursor("not a JSON object");
  const Json& format = member(json, "format");
  if (!format.is_number_integer() || format != kCursorFormat) malformed_cursor("written by another version");
  ListCursor cursor;
  cursor.remaining = ranges_from_json(member(json, "ranges"));
  cursor.facts.listed = count_from_json(member(json, "listed"));
  cursor.facts.failures = count_from_json(member(json, "failures"));
  const Json& skipped = member(json, "skipped");
  if (!skipped.is_array() || skipped.size() != cursor.facts.skipped.size())
    malformed_cursor("skipped is no list of the known reasons");
  for (std::size_t i = 0; i < skipped.size(); ++i)
    cursor.facts.skipped[i] = count_from_json(skipped[i]);
  return cursor;
}

}  // namespace haul::listing

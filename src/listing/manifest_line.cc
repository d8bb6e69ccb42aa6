#include "listing/manifest_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::listing {
namespace {

struct ColumnName {
  std::string_view name;
  ManifestColumn column;
};
constexpr std::array<ColumnName, kManifestColumns> kColumnNames{{
    {"bucket", ManifestColumn::bucket},
    {"key", ManifestColumn::key},
    {"versionid", ManifestColumn::version},
    {"islatest", ManifestColumn::is_latest},
    {"isdeletemarker", ManifestColumn::is_delete_marker},
    {"size", ManifestColumn::size},
    {"lastmodifieddate", ManifestColumn::modified},
    {"etag", ManifestColumn::etag},
    {"storageclass", ManifestColumn::storage_class},
}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return out;
}

Error wrong(std::string message) {
  return {ErrorClass::invalid_argument, std::move(message)};
}

Error no_key() {
  return wrong("has an empty key");
}

std::string_view without_quotes(std::string_view etag) {
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') return etag.substr(1, etag.size() - 2);
  return etag;
}

bool says_true(std::string_view text) {
  return text.size() == 4 && (text[0] == 't' || text[0] == 'T') && lower(text) == "true";
}

// Fills one field, which begins with a quote, from `at` on; moves `at` behind the closing one.
bool take_quoted(std::string_view line, std::size_t& at, std::string& scratch, std::string_view& field) {
  const std::size_t begin = at + 1;
  const std::size_t close = line.find('"', begin);
  if (close == std::string_view::npos) return false;
  if (close + 1 == line.size() || line[close + 1] != '"') {
    field = line.substr(begin, close - begin);
    at = close + 1;
    return true;
  }
  const std::size_t first = scratch.size();
  for (std::size_t i = begin; i < line.size(); ++i) {
    if (line[i] == '"') {
      if (i + 1 == line.size() || line[i + 1] != '"') {
        field = std::string_view(scratch).substr(first);
        at = i + 1;
        return true;
      }
      ++i;
    }
    scratch += line[i];
  }
  return false;
}

// Decoded into the arena; nothing if it is not url-encoded.
std::optional<std::string_view> decoded(std::string_view text, TextArena& arena) {
  if (text.empty()) return text;
  const std::span<char> room = arena.reserve(text.size());
  std::memcpy(room.data(), text.data(), text.size());
  if (text.find_first_of("%+") == std::string_view::npos) return std::string_view(room.data(), room.size());
  const auto length = form_decode_in_place(room);
  if (!length) return std::nullopt;
  return std::string_view(room.data(), *length);
}

}  // namespace

CsvLayout CsvLayout::of(const std::vector<std::string>& names) {
  CsvLayout layout;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string name = lower(names[i]);
    const auto* known = std::ranges::find(kColumnNames, name, &ColumnName::name);
    if (known == kColumnNames.end()) continue;
    if (i >= kMostCsvFields)
      throw wrong(fmt::format("the column {} is behind the {}th", visible(names[i]), kMostCsvFields));
    std::int8_t& at = layout.at[static_cast<std::size_t>(known->column)];
    if (at >= 0) throw wrong(fmt::format("the column {} is there twice", visible(names[i])));
    at = static_cast<std::int8_t>(i);
    layout.needed = i + 1;
  }
  if (!layout.has(ManifestColumn::key))
    throw wrong("no column of the manifest is the Key").with_hint("for example: Bucket, Key, VersionId");
  return layout;
}

std::optional<std::size_t> split_csv(std::string_view line, std::span<std::string_view> fields,
                                     std::string& scratch) {
  scratch.clear();
  scratch.reserve(line.size());  // so that views into it stay where they are
  std::size_t count = 0;
  for (std::size_t at = 0; count < fields.size();) {
    std::string_view& field = fields[count++];
    if (at < line.size() && line[at] == '"') {
      if (!take_quoted(line, at, scratch, field)) return std::nullopt;
      if (at < line.size() && line[at] != ',') return std::nullopt;
    } else {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      field = line.substr(at, comma - at);
      at = comma;
    }
    if (at == line.size()) break;
    ++at;
  }
  return count;
}

std::optional<Error> ManifestLineReader::csv(std::string_view line, TextArena& text, ManifestLine& parsed) {
  std::array<std::string_view, kMostCsvFields> fields;
  const std::size_t room = layout_ ? layout_->needed : 4;
  const auto count = split_csv(line, std::span(fields).first(room), scratch_);
  if (!count) return wrong("has a quote that is not closed, or text behind a closing one");
  const auto key_at =
      layout_ ? static_cast<std::size_t>(layout_->at[static_cast<std::size_t>(ManifestColumn::key)]) : 1;
  if (*count <= key_at)
    return layout_ ? wrong(fmt::format("has only {} columns", *count))
                   : wrong("has no second column").with_hint("the columns are bucket, key, ...");
  const auto key = decoded(fields[key_at], text);
  if (!key) return wrong("has a key that is not url-encoded").with_hint("write % as %25");
  if (key->empty()) return no_key();
  parsed.entry.key = *key;
  if (layout_) return facts_of(std::span(fields).first(*count), text, parsed);
  parsed.bucket = fields[0];
  parsed.entry.facts_known = false;
  parsed.has_version = *count == 3 && !fields[2].empty();
  if (parsed.has_version) parsed.entry.version = text.store(fields[2]);
  return std::nullopt;
}

std::optional<Error> ManifestLineReader::facts_of(std::span<const std::string_view> fields, TextArena& text,
                                                  ManifestLine& parsed) const {
  using enum ManifestColumn;
  const auto field = [&](ManifestColumn column) {
    const std::int8_t at = layout_->at[static_cast<std::size_t>(column)];
    return at >= 0 && static_cast<std::size_t>(at) < fields.size() ? fields[static_cast<std::size_t>(at)]
                                                                   : std::string_view();
  };
  store::Entry& entry = parsed.entry;
  parsed.bucket = field(bucket);
  entry.version = text.store(field(version));
  parsed.has_version = !entry.version.empty();
  entry.latest = !layout_->has(is_latest) || says_true(field(is_latest));
  if (says_true(field(is_delete_marker))) entry.kind = store::EntryKind::delete_marker;
  const std::string_view size_text = field(size);
  const std::string_view modified_text = field(modified);
  entry.etag = text.store(without_quotes(field(etag)));
  if (const std::string_view text_of_class = field(storage_class); text_of_class != "STANDARD")
    entry.storage_class = text.store(text_of_class);
  entry.facts_known = !size_text.empty() && !modified_text.empty() && !entry.etag.empty();
  if (!size_text.empty()) {
    const char* end = size_text.data() + size_text.size();
    const auto [stopped, problem] = std::from_chars(size_text.data(), end, entry.size);
    if (problem != std::errc() || stopped != end) return wrong("has a size that is no number");
  }
  if (!modified_text.empty()) {
    const auto time = parse_iso8601(modified_text);
    if (!time) return wrong("has a time that is none");
    entry.modified = entry.changed = *time;
  }
  return std::nullopt;
}

std::optional<Error> ManifestLineReader::json(std::string_view line, TextArena& text, ManifestLine& parsed) {
  const auto document = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) return wrong("is no JSON object with a \"key\"");
  const char* bad = nullptr;
  const auto text_of = [&](std::initializer_list<const char*> names) -> std::string_view {
    for (const char* name : names) {
      const auto found = document.find(name);
      if (found == document.end() || found->is_null()) continue;
      if (found->is_string()) return found->get_ref<const std::string&>();
      bad = name;
    }
    return {};
  };
  store::Entry& entry = parsed.entry;
  const auto key = document.find("key");
  if (key == document.end() || !key->is_string()) return wrong("is no JSON object with a \"key\"");
  entry.key = text.store(key->get_ref<const std::string&>());
  if (entry.key.empty()) return no_key();
  parsed.bucket = text.store(text_of({"bucket"}));
  entry.version = text.store(text_of({"version", "versionId"}));
  parsed.has_version = !entry.version.empty();
  entry.etag = text.store(without_quotes(text_of({"etag"})));
  const auto size = document.find("size");
  const bool has_size = size != document.end() && size->is_number_unsigned();
  if (has_size) entry.size = size->get<std::uint64_t>();
  if (size != document.end() && !has_size && !size->is_null()) bad = "size";
  const std::string_view modified = text_of({"modified", "lastModified"});
  if (!modified.empty()) {
    const auto time = parse_iso8601(modified);
    if (time)
      entry.modified = entry.changed = *time;
    else
      bad = "modified";
  }
  if (bad != nullptr) return wrong(fmt::format("has a \"{}\" that is none", bad));
  entry.facts_known = has_size && !modified.empty() && !entry.etag.empty();
  return std::nullopt;
}

std::optional<Error> ManifestLineReader::datasync(std::string_view line, std::string_view base,
                                                  TextArena& text, ManifestLine& parsed) {
  std::array<std::string_view, 3> fields;
  const auto count = split_csv(line, fields, scratch_);
  if (!count) return wrong("has a quote that is not closed, or text behind a closing one");
  if (*count > 2)
    return wrong("has more than a path and a version").with_hint("a path with a comma has to be quoted");
  if (fields[0].empty()) return no_key();
  parsed.entry.key = text.store(base, fields[0]);
  parsed.entry.facts_known = false;
  parsed.has_version = *count == 2 && !fields[1].empty();
  if (parsed.has_version) parsed.entry.version = text.store(fields[1]);
  return std::nullopt;
}

}  // namespace haul::listing

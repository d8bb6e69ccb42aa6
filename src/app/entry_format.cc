#include "app/entry_format.h"

#include <fmt/format.h>

#include <iterator>

#include "app/output.h"
#include "base/time_format.h"
#include "base/utf8.h"

namespace haul::app {
namespace {

bool is_plain(std::string_view name) {
  for (const char c : name)
    if (c < 0x20 || c == 0x7f || c == '\\') return false;  // also all bytes from 0x80: char is signed
  return true;
}

std::string_view kind_name(store::EntryKind kind) {
  switch (kind) {
    case store::EntryKind::object: return "object";
    case store::EntryKind::directory: return "directory";
    case store::EntryKind::symlink: return "symlink";
    case store::EntryKind::delete_marker: return "delete_marker";
  }
  return "object";
}

}  // namespace

void EntryFormat::append_time(std::string& out, Time time) {
  const std::int64_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  if (const std::int64_t hour = seconds / 3600; hour != hour_) {
    hour_ = hour;
    const std::time_t moment = seconds;
    std::tm local{};
    ::localtime_r(&moment, &local);
    offset_ = local.tm_gmtoff;
  }
  std::string text;
  append_iso8601(text, Time(std::chrono::seconds(seconds + offset_)), Fraction::none);
  text[10] = ' ';
  out.append(text, 0, 19);
}

void EntryFormat::append(std::string& out, const store::Entry& entry, std::string_view name) {
  append_time(out, entry.modified);
  if (entry.kind == store::EntryKind::delete_marker)
    out += "    DELETED ";
  else if (human_)
    fmt::format_to(std::back_inserter(out), " {:>10} ", format_size(entry.size));
  else
    fmt::format_to(std::back_inserter(out), " {:>10} ", entry.size);
  if (versions_)
    fmt::format_to(std::back_inserter(out), "{:<32} {} ", entry.version, entry.latest ? "*" : " ");
  if (is_plain(name))
    out += name;
  else
    out += visible(name);
  out += '\n';
}

void EntryFormat::append_prefix(std::string& out, std::string_view name) const {
  fmt::format_to(std::back_inserter(out), "{:>30} ", "PRE");
  out += visible(name);
  out += '\n';
}

void append_entry_json(std::string& out, const store::Entry& entry) {
  out += "{\"key\":";
  append_json(out, entry.key);
  fmt::format_to(std::back_inserter(out), ",\"size\":{},\"modified\":\"", entry.size);
  append_iso8601(out, entry.modified);
  out += '"';
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    out += ",\"";
    out += name;
    out += "\":";
    append_json(out, value);
  };
  add("etag", entry.etag);
  add("version", entry.version);
  if (!entry.version.empty()) out += entry.latest ? ",\"latest\":true" : ",\"latest\":false";
  add("storage_class", entry.storage_class);
  if (entry.kind != store::EntryKind::object) add("kind", kind_name(entry.kind));
  out += "}\n";
}

}  // namespace haul::app

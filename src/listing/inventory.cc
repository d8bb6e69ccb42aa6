#include "listing/inventory.h"

#include <fmt/format.h>

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::listing {
namespace {

using nlohmann::json;

Error no_inventory(std::string message) {
  return {ErrorClass::invalid_argument, std::move(message)};
}

std::string text_at(const json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end() || !found->is_string())
    throw no_inventory(fmt::format("is no inventory's manifest: it has no \"{}\"", name));
  return found->get<std::string>();
}

// "Bucket, Key, VersionId"
std::vector<std::string> columns_of(std::string_view schema) {
  std::vector<std::string> columns(1);
  for (const char c : schema)
    if (c == ',')
      columns.emplace_back();
    else if (c != ' ')
      columns.back() += c;
  return columns;
}

InventoryFile file_of(const json& document) {
  if (!document.is_object()) throw no_inventory("is no inventory's manifest: a file in it is no object");
  InventoryFile file{.key = text_at(document, "key"), .size = std::nullopt, .md5 = ""};
  if (const auto size = document.find("size"); size != document.end() && size->is_number_unsigned())
    file.size = size->get<std::uint64_t>();
  if (const auto md5 = document.find("MD5checksum"); md5 != document.end() && md5->is_string())
    file.md5 = md5->get<std::string>();
  return file;
}

}  // namespace

bool looks_like_inventory(std::string_view text) {
  // A line of JSON is a whole object; the document is written over many lines, or names its files.
  const std::string_view line = text.substr(0, text.find('\n'));
  const auto document = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (document.is_object()) return document.contains("files") && !document.contains("key");
  return text.find("\"key\"") > std::min(text.find("\"sourceBucket\""), text.find("\"files\""));
}

Inventory parse_inventory(std::string_view text) {
  const auto document = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) throw no_inventory("is no inventory's manifest: it is no JSON object");
  Inventory inventory;
  inventory.source_bucket = text_at(document, "sourceBucket");
  const std::string format = text_at(document, "fileFormat");
  if (format != "CSV")
    throw Error(ErrorClass::unsupported,
                fmt::format("is an inventory in {}, which is not read", visible(format)))
        .with_hint("set the inventory's output format to CSV, or query it and write a CSV of bucket and key");
  if (const auto found = document.find("destinationBucket"); found != document.end() && found->is_string()) {
    const std::string& name = found->get_ref<const std::string&>();  // arn:aws:s3:::bucket, or the bare name
    inventory.destination_bucket = name.substr(name.rfind(':') + 1);
  }
  inventory.layout = CsvLayout::of(columns_of(text_at(document, "fileSchema")));
  const auto files = document.find("files");
  if (files == document.end() || !files->is_array())
    throw no_inventory("is no inventory's manifest: it has no \"files\"");
  for (const json& each : *files)
    inventory.files.push_back(file_of(each));
  return inventory;
}

std::string parse_inventory_checksum(std::string_view text) {
  text = text.substr(0, text.find_first_of(" \t\r\n"));
  const bool is_md5 = text.size() == 32 && std::ranges::all_of(text, [](char c) {
                        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
                      });
  return is_md5 ? std::string(text) : std::string();
}

}  // namespace haul::listing

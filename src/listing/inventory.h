// S3 Inventory's manifest.json: which files make up an inventory, and what their columns are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "listing/manifest_line.h"

namespace haul::listing {

struct InventoryFile {
  std::string key;                    // in the destination bucket
  std::optional<std::uint64_t> size;  // of the file as it lies there
  std::string md5;                    // hexadecimal; empty: not given
};

struct Inventory {
  std::string source_bucket;       // whose objects are listed
  std::string destination_bucket;  // where the files lie
  CsvLayout layout;
  std::vector<InventoryFile> files;
};

// Whether this is manifest.json, or the beginning of one, rather than lines of JSON. The text begins with {.
bool looks_like_inventory(std::string_view text);

// Throws invalid_argument for what is no such document, unsupported for files in ORC or Parquet.
Inventory parse_inventory(std::string_view text);

// The MD5 that manifest.checksum says; empty if it is none.
std::string parse_inventory_checksum(std::string_view text);

}  // namespace haul::listing

// Lists of objects that somebody else has written, as streams of entries: S3 Batch Operations' CSV, S3
// Inventory, JSON lines, DataSync's CSV, plain lists of keys; compressed by gzip or not, in a file of this
// machine or in a bucket. Of any length: read as they are used, in constant memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "listing/entry_stream.h"
#include "store/store.h"

namespace haul::listing {

enum class ManifestFormat : std::uint8_t {
  automatic,   // by the first bytes: csv, json_lines or inventory
  csv,         // bucket, url-encoded key, perhaps the version; no header (S3 Batch Operations)
  json_lines,  // objects with "key", perhaps "bucket", "version", "size", "modified", "etag"
  inventory,   // S3 Inventory's manifest.json and the files that it names (CSV)
  keys,        // a key a line, byte for byte
  datasync,    // path, perhaps the version; not url-encoded; a quoted path may hold line breaks
};

// What becomes of a line that names no object that could be meant.
enum class BrokenLines : std::uint8_t {
  refuse,  // thrown as invalid_argument, with the line
  record,  // in ListPage::broken, with the line; the next one follows
};

struct ManifestPlace {
  std::shared_ptr<store::Store> store;  // where it lies; nothing: a file of this machine
  std::string name;                     // the key there, or the path (pipes too, but then not from a place)
  // The store of a bucket, for an inventory whose files lie in another one than manifest.json. May be empty.
  std::function<std::shared_ptr<store::Store>(const std::string& bucket)> bucket;
};

struct ManifestOptions {
  ManifestFormat format = ManifestFormat::automatic;
  // csv: the columns in order, by the names of S3 Inventory's fileSchema (Bucket, Key, VersionId, Size ...);
  // other names ("Ignore") and further columns are passed over. With VersionId, a row without one is broken.
  // Empty: bucket and key; with a third column and no fourth it is the version, and once a row has had
  // one, a row without is broken.
  std::vector<std::string> fields;
  std::string bucket;  // that lines and inventory must name, where they name one; empty: any
  std::string prefix;  // that keys must begin with
  std::string base;    // put before keys of `keys` and `datasync`, which are relative to the source
  // inventory: every version, pinned, and delete markers as entries of that kind. Else what is the latest,
  // without its version, as a listing has it.
  bool all_versions = false;
  BrokenLines broken = BrokenLines::refuse;
};

// Nothing is read before the first next(), which throws what opening and reading throw; invalid_argument for
// what is no manifest of this format or of another bucket, unsupported for an inventory in ORC or Parquet,
// data_loss for a file that does not agree with its checksum (at its end: its entries were given by then) or
// is cut off. Entries have facts_known if the manifest gives size, time and etag. `fields` that have no Key
// are refused at once (invalid_argument).
// From a place behind the first line, a file that is compressed is read again from its start.
std::unique_ptr<EntryStream> open_manifest(ManifestPlace place, ManifestOptions options);

}  // namespace haul::listing

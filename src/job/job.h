// A job as the engine runs it: places resolved to stores, options decided. Ad hoc commands build it from
// their arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/glob.h"
#include "listing/compare.h"
#include "listing/entry_stream.h"
#include "listing/filter.h"
#include "listing/key_mapping.h"
#include "store/properties.h"
#include "store/store.h"
#include "transfer/transfer.h"

namespace haul::job {

enum class Operation : std::uint8_t {
  copy,    // every listed object, without looking at the destination's listing
  move,    // copy, and the source object is removed after its copy is verified
  sync,    // both sides listed and merged; what differs is copied, extras removed if asked
  remove,  // of the sources
  check,   // both sides listed and merged; differences are reported, nothing is changed
};

// Where objects come from. Keys lose `strip` before filters and mapping see them.
struct Source {
  std::shared_ptr<store::Store> store;
  std::string text;                      // as the user wrote it, for messages
  std::string prefix;                    // the listing is of keys that begin with it
  std::string strip;                     // a prefix of every key that is taken
  std::optional<Glob> glob;              // on complete keys
  std::optional<store::Details> object;  // just this object, already looked up: nothing is listed
  std::string version;                   // of that object; empty: the latest
  // The keys that are meant, complete (--from-file, --manifest). copy, move and remove take them as they are,
  // without a listing; sync and check take those of them that are listed.
  std::shared_ptr<listing::EntryStream> keys;
};

struct Destination {
  std::shared_ptr<store::Store> store;
  std::string text;
  std::string prefix;              // put before mapped keys
  std::optional<std::string> key;  // the one new name of a single object, instead of prefix and mapping
};

// How keys change on their way (listing/key_mapping.h); strip and put come from the places.
enum class Mapping : std::uint8_t { prefix, flatten, templated };

enum class CheckMode : std::uint8_t { metadata, checksum, bytes };

struct Options {
  listing::FilterOptions filters;  // on keys below `strip`, or below the destination's prefix
  listing::CompareOptions compare;
  transfer::TransferOptions transfer;
  bool delete_extra = false;        // sync: remove what the source does not have
  double max_delete_share = 0.25;   // of the destination's objects; more stops before the first deletion
  bool allow_empty_source = false;  // sync --delete from an empty source
  bool all_versions = false;        // remove every version, not the latest
  bool directories = false;         // keep empty directories as `dir/` objects
  bool create_only = false;         // existing destination objects are skipped (overwrite: never)
  bool dry_run = false;             // plan only: outcomes say what would be done
  CheckMode check = CheckMode::metadata;
  bool check_one_way = false;                 // extras at the destination are no difference
  std::optional<std::uint64_t> max_failures;  // stop after so many failed objects
  unsigned lanes = 128;                       // objects in flight a chunk
  std::uint32_t chunk_objects = 1000;
  std::uint64_t chunk_bytes = 1ULL << 30;
};

struct Job {
  Operation operation = Operation::copy;
  std::vector<Source> sources;
  std::optional<Destination> destination;
  Mapping mapping = Mapping::prefix;
  std::string mapping_template;  // with Mapping::templated
  Options options;
};

}  // namespace haul::job

// A job as the engine runs it: places resolved to stores, options decided. Ad hoc commands build it from
// their arguments.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/glob.h"
#include "catalog/catalog.h"
#include "listing/compare.h"
#include "listing/entry_stream.h"
#include "listing/filter.h"
#include "listing/key_mapping.h"
#include "store/properties.h"
#include "store/store.h"
#include "transfer/transfer.h"

namespace haul::job {

enum class Operation : std::uint8_t {
  copy,         // every listed object, without looking at the destination's listing
  move,         // copy, and the source object is removed after its copy is verified
  sync,         // both sides listed and merged; what differs is copied, extras removed if asked
  remove,       // of the sources
  check,        // both sides listed and merged; differences are reported, nothing is changed
  tag,          // every source object gets the job's tags
  remove_kept,  // the sources that an earlier move of this job has kept long enough
  revert,       // undo a move whose sources are kept
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
  std::optional<double> max_failure_share;    // or after this share, once so many are done:
  std::uint64_t failure_sample = 1000;
  std::uint32_t attempts = 1;                      // of a chunk, for objects that fail for a passing reason
  Duration retry_delay = std::chrono::seconds(2);  // before the second attempt; doubles, with jitter
  Duration longest_retry_delay = std::chrono::minutes(1);
  bool approval = false;                // everything is found first, then somebody has to say yes
  bool exactly_as_listed = false;       // a source that changed since it was listed has failed
  std::optional<Duration> keep_source;  // move: how long the source stays after all is done
  store::Tags tags;                     // of Operation::tag
  bool full_report = false;             // outcomes of all objects go into the ledger
  unsigned lanes = 1024;  // objects in flight a chunk, and of these as many as stores have places
  unsigned shard_lanes =
      512;  // a shard, where places do not bound them: disks, and bodies on their way from a service
  std::uint32_t chunk_objects = 1000;
  std::uint64_t chunk_bytes = 1ULL << 30;
};

// The user's database follows: after an object is copied and verified, before its source goes. Parameters of
// the statement are columns of the selection, or facts of the object (catalogue_parameters()).
struct CatalogueUpdate {
  std::shared_ptr<catalog::Catalog> catalog;
  catalog::Statement statement;
  std::vector<std::string> columns;  // of Item::row, in order; empty without a selection
  std::string key_column;            // the one of them that holds the key; empty without a selection
  // Whose rows may name one object together: a source that one of them still names stays. Nothing: nobody is
  // asked before a source goes.
  std::optional<catalog::Selection> naming;
  std::size_t batch = 1000;     // rows a call
  bool unmatched_fails = true;  // else an object without a row is moved as well
};

struct Job {
  Operation operation = Operation::copy;
  std::vector<Source> sources;
  std::optional<Destination> destination;
  Mapping mapping = Mapping::prefix;
  std::string mapping_template;  // with Mapping::templated
  std::optional<CatalogueUpdate> catalogue;
  std::string run;  // the run's id, for reports and `:run`; empty for ad hoc commands
  Options options;
};

}  // namespace haul::job

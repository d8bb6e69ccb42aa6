// What became of objects, and the accounts of a run.
//
// The promise: listed = copied + moved + deleted + skipped + filtered + failed, for the source; and for the
// extra objects of a sync: extra = extra_deleted + extra_kept + extra_failed. A run whose equation does not
// close is not COMPLETED.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "job/chunk.h"

namespace haul::job {

enum class OutcomeKind : std::uint8_t {
  copied,
  moved,
  deleted,
  skipped,
  same,
  different,
  failed,
  tagged,
  reverted
};
std::string_view to_string(OutcomeKind kind) noexcept;

// What the catalogue came to know of an object.
enum class CatalogueState : std::uint8_t {
  none,       // the job has no catalogue, or the object never came that far
  updated,    // its row names the new place
  unmatched,  // the statement matched no row
};

// One object, as reports and --json show it.
struct Outcome {
  OutcomeKind kind = OutcomeKind::skipped;
  std::string key, destination_key;  // complete keys
  std::string reason;                // why skipped or different
  std::uint64_t size = 0;
  std::uint16_t source = 0;
  bool extra = false;         // an object at the destination that the source does not have
  std::uint64_t objects = 1;  // that it stands for: several keys that were given and are not there
  std::optional<Error> error;
  std::vector<std::string> losses;

  // For the report of a run; empty where nothing is known.
  std::string version, etag;    // of the source, in the state that was copied, removed or compared
  Time modified{};              // of that state
  std::string written_version;  // of what was written
  std::string written_etag;
  std::string checksum;         // of the bytes that were read, "sha256:..."
  std::string_view how, proof;  // transfer::to_string of method and proof
  std::string row;              // of the catalogue, as Item::row
  CatalogueState catalogue = CatalogueState::none;
  bool source_kept = false;    // moved, and the source goes later (keep-source)
  std::uint32_t attempts = 1;  // of the chunk it was in
  Duration took{};
  Time finished{};  // by the wall clock
};

// Outcomes as the lines of the report's files. Filled by job/report.h's LedgerWriter.
struct Ledger {
  std::string lines;      // JSON lines, every outcome that the report is to have
  std::string succeeded;  // CSV, as S3 Batch Operations has it
  std::string failed;     // CSV
  std::uint64_t outcomes = 0;
  std::vector<Outcome> failures;  // those with an error, as error records
};

struct Accounts {
  std::uint64_t listed = 0, listed_bytes = 0;
  std::uint64_t filtered = 0;
  std::uint64_t skipped = 0;  // unchanged, existing, links, special files
  std::uint64_t copied = 0, copied_bytes = 0;
  std::uint64_t moved = 0;                             // copied, verified, and gone from the source
  std::uint64_t deleted = 0;                           // by rm
  std::uint64_t same = 0, different = 0, missing = 0;  // by check
  std::uint64_t failed = 0;
  std::uint64_t not_attempted = 0;  // left over when a run was stopped
  std::uint64_t extra = 0, extra_deleted = 0, extra_kept = 0, extra_failed = 0;
  std::uint64_t server_side = 0;    // of the copied: without moving bytes through here
  std::uint64_t losses = 0;         // properties that a destination could not hold
  std::uint64_t list_failures = 0;  // parts of a tree that could not be listed
  std::uint64_t tagged = 0, reverted = 0;
  std::uint64_t destination_listed =
      0;                       // objects of the destination that a merge saw, filtered ones not counted
  std::uint64_t verified = 0;  // of copied and moved: the destination proved more than its size
  std::uint64_t rows_updated = 0, rows_unmatched = 0;  // of the catalogue
  std::uint64_t sources_kept = 0;                      // of the moved: their sources go later
  std::uint64_t retried = 0;  // objects put back for another attempt; not in the equation

  void add(const Accounts& other) noexcept;
  // Calls visit(name, value&) for each count, in a fixed order: what engines and reports keep them by.
  template <class Self, class Visit>
  static void each(Self& accounts, Visit visit) {
    visit("listed", accounts.listed);
    visit("listed_bytes", accounts.listed_bytes);
    visit("filtered", accounts.filtered);
    visit("skipped", accounts.skipped);
    visit("copied", accounts.copied);
    visit("copied_bytes", accounts.copied_bytes);
    visit("moved", accounts.moved);
    visit("deleted", accounts.deleted);
    visit("tagged", accounts.tagged);
    visit("reverted", accounts.reverted);
    visit("same", accounts.same);
    visit("different", accounts.different);
    visit("missing", accounts.missing);
    visit("failed", accounts.failed);
    visit("not_attempted", accounts.not_attempted);
    visit("extra", accounts.extra);
    visit("extra_deleted", accounts.extra_deleted);
    visit("extra_kept", accounts.extra_kept);
    visit("extra_failed", accounts.extra_failed);
    visit("server_side", accounts.server_side);
    visit("losses", accounts.losses);
    visit("list_failures", accounts.list_failures);
    visit("destination_listed", accounts.destination_listed);
    visit("verified", accounts.verified);
    visit("rows_updated", accounts.rows_updated);
    visit("rows_unmatched", accounts.rows_unmatched);
    visit("sources_kept", accounts.sources_kept);
    visit("retried", accounts.retried);
  }
  // Of the listed: those that took work, and have come to an end.
  std::uint64_t worked() const noexcept {
    return copied + moved + deleted + tagged + reverted + same + different + missing + failed;
  }
  // Of the listed: those that nothing is left to do for, or that are given up.
  std::uint64_t settled() const noexcept { return worked() + filtered + skipped + not_attempted; }
  bool closed() const noexcept {
    return listed == settled() && extra == extra_deleted + extra_kept + extra_failed;
  }
  std::uint64_t failures() const noexcept { return failed + extra_failed + list_failures; }
};

// The result of one chunk: what is recorded before the chunk is acknowledged.
struct ChunkReport {
  std::uint64_t chunk = 0;
  Accounts accounts;  // of the objects that are settled; those in `rest` are in no account yet
  Ledger ledger;
  // What is to be tried again: one chunk after a passing failure, or left over by a drain; or two halves.
  std::vector<Chunk> rest;
};

}  // namespace haul::job

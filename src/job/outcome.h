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

#include "base/error.h"

namespace haul::job {

enum class OutcomeKind : std::uint8_t { copied, moved, deleted, skipped, same, different, failed };
std::string_view to_string(OutcomeKind kind) noexcept;

// One object, as reports and --json show it.
struct Outcome {
  OutcomeKind kind = OutcomeKind::skipped;
  std::string key, destination_key;  // complete keys
  std::string reason;                // why skipped or different; how copied ("server_side", "streamed")
  std::uint64_t size = 0;
  std::uint16_t source = 0;
  bool extra = false;  // an object at the destination that the source does not have
  std::optional<Error> error;
  std::vector<std::string> losses;
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

  void add(const Accounts& other) noexcept;
  bool closed() const noexcept {
    return listed == filtered + skipped + copied + moved + deleted + same + different + missing + failed +
                         not_attempted &&
           extra == extra_deleted + extra_kept + extra_failed;
  }
  std::uint64_t failures() const noexcept { return failed + extra_failed + list_failures; }
};

// The result of one chunk: what is recorded before the chunk is acknowledged.
struct ChunkReport {
  std::uint64_t chunk = 0;
  Accounts accounts;
  std::vector<Outcome> outcomes;  // failures always; everything if the run wants a full report
};

}  // namespace haul::job

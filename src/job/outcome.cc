#include "job/outcome.h"

#include "job/ports.h"

namespace haul::job {

std::string_view to_string(OutcomeKind kind) noexcept {
  switch (kind) {
    case OutcomeKind::copied: return "copied";
    case OutcomeKind::moved: return "moved";
    case OutcomeKind::deleted: return "deleted";
    case OutcomeKind::skipped: return "skipped";
    case OutcomeKind::same: return "same";
    case OutcomeKind::different: return "different";
    case OutcomeKind::failed: return "failed";
  }
  return "failed";
}

std::string_view to_string(RunStatus status) noexcept {
  switch (status) {
    case RunStatus::initializing: return "INITIALIZING";
    case RunStatus::discovering: return "DISCOVERING";
    case RunStatus::processing: return "PROCESSING";
    case RunStatus::finalizing: return "FINALIZING";
    case RunStatus::completed: return "COMPLETED";
    case RunStatus::completed_with_failures: return "COMPLETED_WITH_FAILURES";
    case RunStatus::failed: return "FAILED";
    case RunStatus::cancelled: return "CANCELLED";
  }
  return "FAILED";
}

void Accounts::add(const Accounts& other) noexcept {
  listed += other.listed;
  listed_bytes += other.listed_bytes;
  filtered += other.filtered;
  skipped += other.skipped;
  copied += other.copied;
  copied_bytes += other.copied_bytes;
  moved += other.moved;
  deleted += other.deleted;
  same += other.same;
  different += other.different;
  missing += other.missing;
  failed += other.failed;
  not_attempted += other.not_attempted;
  extra += other.extra;
  extra_deleted += other.extra_deleted;
  extra_kept += other.extra_kept;
  extra_failed += other.extra_failed;
  server_side += other.server_side;
  losses += other.losses;
  list_failures += other.list_failures;
}

}  // namespace haul::job

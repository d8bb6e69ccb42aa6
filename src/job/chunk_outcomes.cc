#include "job/chunk_outcomes.h"

#include <utility>

#include "base/log.h"

namespace haul::job {
namespace {

bool is_worth_a_look(OutcomeKind kind) {
  return kind == OutcomeKind::failed || kind == OutcomeKind::different;
}

}  // namespace

ChunkOutcomes::ChunkOutcomes(const Job& job, const Chunk& chunk, bool ledger, Progress& progress,
                             OutcomeSink& sink, const OpContext& context)
    : chunk_(chunk), progress_(progress), sink_(sink), context_(context) {
  if (!ledger) return;
  ReportOptions options;
  options.scope = job.options.full_report ? ReportScope::all : ReportScope::failed;
  ledger_.emplace(job, options);
}

void ChunkOutcomes::settle(const Item& item, ItemResult& result) {
  if (result.error) result.kind = OutcomeKind::failed;
  count(result);
  progress_.done_objects.fetch_add(1, std::memory_order_relaxed);
  progress_.done_bytes.fetch_add(result.kind == OutcomeKind::skipped ? item.size : result.bytes,
                                 std::memory_order_relaxed);
  if (result.kind == OutcomeKind::failed) progress_.failed_objects.fetch_add(1, std::memory_order_relaxed);
  log(item, result);
  const bool all = sink_.wants_all() || (ledger_ && ledger_->wants_all());
  if (all || is_worth_a_look(result.kind)) tell(item, result);
}

void ChunkOutcomes::count(const ItemResult& result) {
  const bool extra = chunk_.extras;
  switch (result.kind) {
    case OutcomeKind::copied: ++accounts_.copied; break;
    case OutcomeKind::moved: ++accounts_.moved; break;
    case OutcomeKind::deleted: ++(extra ? accounts_.extra_deleted : accounts_.deleted); break;
    case OutcomeKind::skipped: ++accounts_.skipped; break;
    case OutcomeKind::same: ++accounts_.same; break;
    case OutcomeKind::different: ++accounts_.different; break;
    case OutcomeKind::tagged: ++accounts_.tagged; break;
    case OutcomeKind::reverted: ++accounts_.reverted; break;
    case OutcomeKind::failed: ++(extra ? accounts_.extra_failed : accounts_.failed); break;
  }
  if (result.kind == OutcomeKind::copied || result.kind == OutcomeKind::moved) {
    accounts_.copied_bytes += result.bytes;
    if (result.verified()) ++accounts_.verified;
    if (result.transferred && result.how == transfer::Method::server_side) ++accounts_.server_side;
  }
  if (result.source_kept) ++accounts_.sources_kept;
  if (result.catalogue == CatalogueState::updated) ++accounts_.rows_updated;
  if (result.catalogue == CatalogueState::unmatched) ++accounts_.rows_unmatched;
  accounts_.losses += result.losses.size();
}

// Failures are shown by whoever reads the outcomes; the log has them for the record.
void ChunkOutcomes::log(const Item& item, const ItemResult& result) const {
  Logger& log = context_.log();
  const LogLevel level = result.error ? LogLevel::info : LogLevel::debug;
  if (!log.enabled(level)) return;
  const double seconds = std::chrono::duration<double>(result.took).count();
  const std::string_view run = context_.label();
  if (!result.error) {
    log.log(level, to_string(result.kind),
            {{"run", run}, {"chunk", chunk_.id}, {"key", item.key}, {"duration", seconds}});
    return;
  }
  const Error& error = *result.error;
  log.log(level, to_string(result.kind),
          {{"run", run},
           {"chunk", chunk_.id},
           {"key", item.key},
           {"operation", std::string_view(error.operation())},
           {"duration", seconds},
           {"class", to_string(error.error_class())},
           {"request_id", std::string_view(error.request_id())},
           {"error", std::string_view(error.message())}});
}

void ChunkOutcomes::tell(const Item& item, ItemResult& result) {
  outcome_.kind = result.kind;
  outcome_.key = item.key;
  outcome_.destination_key = item.destination_key;
  outcome_.reason.swap(result.reason);
  const bool seen = result.transferred || result.step != ItemStep::undone || !item.facts_known;
  outcome_.size = seen ? result.bytes : item.size;
  outcome_.source = item.source;
  outcome_.extra = chunk_.extras;
  outcome_.error = std::move(result.error);
  outcome_.losses.swap(result.losses);
  outcome_.version = item.version;
  if (result.etag.empty())
    outcome_.etag = item.etag;
  else
    outcome_.etag.swap(result.etag);
  outcome_.modified = result.modified != Time{} ? result.modified : item.modified;
  outcome_.written_version.swap(result.written_version);
  outcome_.written_etag.swap(result.written_etag);
  outcome_.checksum.clear();
  if (result.checksum) append_checksum(outcome_.checksum, *result.checksum);
  outcome_.how = result.transferred ? transfer::to_string(result.how) : std::string_view();
  outcome_.proof =
      result.proof != transfer::Proof::none ? transfer::to_string(result.proof) : std::string_view();
  outcome_.row = item.row;
  outcome_.catalogue = result.catalogue;
  outcome_.source_kept = result.source_kept;
  outcome_.attempts = chunk_.attempt;
  outcome_.took = result.took;
  outcome_.finished = context_.env().wall_now();
  const bool bad = is_worth_a_look(outcome_.kind);
  if (bad || sink_.wants_all()) sink_.accept(outcome_);
  if (ledger_) ledger_->add(outcome_);
}

ChunkReport ChunkOutcomes::take() {
  ChunkReport report;
  report.chunk = chunk_.id;
  report.accounts = std::exchange(accounts_, {});
  if (ledger_) report.ledger = ledger_->take();
  return report;
}

}  // namespace haul::job

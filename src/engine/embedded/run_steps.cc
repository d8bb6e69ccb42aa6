#include "engine/embedded/run_steps.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "engine/embedded/chunk_codec.h"

namespace haul::engine {
namespace {

ChunkRow write_chunk(job::Chunk& chunk, Time not_before, BookFiles& files, BookPage& page) {
  chunk.id = page.record.next_chunk++;
  files.encoded.clear();
  append_items(files.encoded, chunk.items);
  const ManifestSlice slice = files.manifest.append(files.encoded);
  ++page.segments[slice.segment];
  return {.id = chunk.id,
          .extras = chunk.extras,
          .attempt = chunk.attempt,
          .deaths = chunk.deaths,
          .not_before = not_before,
          .stage = chunk.stage,
          .facts = chunk.facts,
          .slice = slice,
          .objects = chunk.items.size(),
          .bytes = chunk.bytes,
          .abandoned = chunk.abandoned_since};
}

void add_lines(job::Ledger& to, job::Ledger& from) {
  if (to.outcomes == 0) {
    to.lines = std::move(from.lines);
    to.succeeded = std::move(from.succeeded);
    to.failed = std::move(from.failed);
  } else {
    to.lines += from.lines;
    to.succeeded += from.succeeded;
    to.failed += from.failed;
  }
  to.outcomes += from.outcomes;
}

void insert_errors(RunTables& tables, std::int64_t run, BookPage& page, bool held, std::uint64_t chunk,
                   const std::vector<job::Outcome>& failures) {
  for (const job::Outcome& failure : failures)
    if (failure.error) tables.insert_error(run, page.record.next_error++, held, chunk, failure);
}

void forget_held(BookPage& page) {
  page.held = false;
  page.held_accounts = {};
  page.held_ledger = 0;
}

// What was held becomes part of the run: accounts and report here, chunks and errors in the tables.
void settle_held(BookFiles& files, BookPage& page) {
  page.record.accounts.add(page.held_accounts);
  files.held.read(page.held_ledger, [&](const job::Ledger& piece) {
    page.record.report_position = files.report(page.record).append(piece);
  });
  forget_held(page);
}

}  // namespace

void DiscoveredStep::write_files(BookFiles& files, BookPage& page) {
  refused_ = page.cancelled;
  if (refused_) return;
  if (step_.first) forget_held(page);
  for (job::Chunk& chunk : step_.chunks) {
    ChunkRow row = write_chunk(chunk, now_, files, page);
    if (holds_)
      row.state = ChunkState::held;
    else
      row.state = chunk.extras ? ChunkState::held_extras : ChunkState::queued;
    if (row.state == ChunkState::queued) queued_.push_back(std::move(chunk));
    rows_.push_back(std::move(row));
  }
  if (holds_) {
    page.held = true;
    page.held_accounts.add(step_.accounts);
    page.held_ledger = files.held.append(page.held_ledger, step_.ledger);
    return;
  }
  released_ = page.held;
  if (page.held) settle_held(files, page);
  page.record.accounts.add(step_.accounts);
  add_lines(files.ledger, step_.ledger);
  if (step_.place) page.record.place = std::move(step_.place);
  page.record.discovery_ended = page.record.discovery_ended || step_.last;
}

void DiscoveredStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  if (refused_) return;
  if (step_.first) tables.forget_held(run);
  if (released_) tables.release_held(run);
  for (const ChunkRow& row : rows_)
    tables.insert(run, row);
  insert_errors(tables, run, page, holds_, 0, step_.ledger.failures);
  page.queued += queued_.size();
  if (released_) page.count_queued(tables, run);
}

void LeaseStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  const bool somebody_is_alone =
      std::ranges::any_of(page.leases, [](const auto& lease) { return lease.second.alone; });
  if (somebody_is_alone) return;
  chunk_ = tables.next_queued(run, false);
  if (!chunk_ && suspects_ && page.suspects != 0 && page.leases.empty())
    chunk_ = tables.next_queued(run, true);
  if (!chunk_) return;
  const Time now = env_.wall_now();  // not earlier than that of any step before
  if (chunk_->not_before > now && chunk_->not_before - now <= longest_) {
    due_ = chunk_->not_before;
    chunk_.reset();
    return;
  }
  tables.set_leased(run, chunk_->id, now);
  const bool suspect = chunk_->deaths >= job::kDeathsOfSuspect;
  --page.count_of(suspect);
  page.leases.emplace(chunk_->id,
                      Lease{.attempt = chunk_->attempt, .segment = chunk_->slice.segment, .alone = suspect});
}

void StageStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  if (page.leases.contains(chunk_)) tables.set_stage(run, chunk_, stage_, facts_);
}

void RecordStep::write_files(BookFiles& files, BookPage& page) {
  const auto lease = page.leases.extract(report_.chunk);
  counts_ = !lease.empty();
  if (!counts_) return;
  --page.segments[lease.mapped().segment];
  add_lines(files.ledger, report_.ledger);
  page.record.accounts.add(report_.accounts);
  ++page.record.chunks_done;
  for (job::Chunk& rest : report_.rest) {
    if (page.cancelled) {
      (rest.extras ? page.record.accounts.extra_kept : page.record.accounts.not_attempted) +=
          rest.items.size();
      continue;
    }
    const bool another_attempt = rest.attempt > lease.mapped().attempt;
    rest_.push_back(write_chunk(rest, another_attempt ? now_ + pause_ : now_, files, page));
    queued_.push_back(std::move(rest));
  }
}

void RecordStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  if (!counts_) return;
  tables.remove(run, report_.chunk);
  insert_errors(tables, run, page, false, report_.chunk, report_.ledger.failures);
  for (const ChunkRow& rest : rest_) {
    tables.insert(run, rest);
    ++page.count_of(rest.deaths >= job::kDeathsOfSuspect);
  }
}

void GiveUpStep::write_files(BookFiles& files, BookPage& page) {
  if (what_ != What::everything) return;
  page.cancelled = true;
  if (page.held) settle_held(files, page);
}

void GiveUpStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  if (what_ == What::everything) {
    tables.release_held(run);
    page.record.accounts.not_attempted += tables.remove_unleased(run, false);
  }
  page.record.accounts.extra_kept += tables.remove_unleased(run, true);
  page.count_queued(tables, run);
  const auto left = tables.chunks_by_segment(run);
  for (auto& [segment, chunks] : page.segments)
    chunks = left.contains(segment) ? left.at(segment) : 0;
}

void ReleaseExtrasStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  tables.release_extras(run);
  page.count_queued(tables, run);
}

void StatusStep::write_files(BookFiles& files, BookPage& page) {
  if (status_) follow(page);
  if (error_) {
    page.error = error_;
    page.record.error = error_->what();
  }
  if (!job::is_final(page.record.status)) return;
  page.record.report_chain = files.report(page.record).finish(summary(page), now_);
}

void StatusStep::follow(BookPage& page) const {
  RunRecord& record = page.record;
  if (!job::may_follow(record.status, *status_))
    throw Error(ErrorClass::internal, "a run that is " + std::string(job::to_string(record.status)) +
                                          " cannot become " + std::string(job::to_string(*status_)));
  const Duration spent = now_ - page.status_since;
  switch (record.status) {
    case job::RunStatus::discovering: record.discovering += spent; break;
    case job::RunStatus::processing: record.processing += spent; break;
    case job::RunStatus::finalizing: record.finalizing += spent; break;
    default: break;
  }
  page.status_since = now_;
  if (record.status == job::RunStatus::paused) {
    // What stopped it then does not any more.
    page.error.reset();
    record.error.clear();
  }
  record.status = *status_;
  if (!record.started && record.status == job::RunStatus::discovering) record.started = now_;
  if (job::is_final(record.status)) record.ended = now_;
}

std::string StatusStep::summary(const BookPage& page) const {
  const RunRecord& record = page.record;
  job::RunSummary summary;
  summary.run = origin_.id;
  summary.name = origin_.job;
  summary.status = record.status;
  summary.accounts = record.accounts;
  summary.started = record.started.value_or(origin_.created);
  summary.ended = record.ended.value_or(now_);
  summary.discovering = record.discovering;
  summary.processing = record.processing;
  summary.finalizing = record.finalizing;
  summary.bytes_through = progress_.moved_bytes();
  summary.error = page.error;
  if (!origin_.parent.empty()) summary.retry_of = origin_.parent;
  if (options_.complete_summary) options_.complete_summary(summary);
  return job::summary_json(summary);
}

void StatusStep::write_tables(RunTables& tables, std::int64_t run, BookPage& page) {
  if (!status_ || !job::is_final(*status_)) return;
  tables.remove_all(run);
  page.queued = page.suspects = 0;
  // Nothing follows, so the manifest goes as segments do of which all chunks are done.
  for (auto& [segment, chunks] : page.segments)
    chunks = 0;
  page.record.manifest = {page.record.manifest.segment + 1, 0};
}

}  // namespace haul::engine

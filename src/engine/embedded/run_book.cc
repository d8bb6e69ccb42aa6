#include "engine/embedded/run_book.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::engine {
namespace {

// Whoever comes after a process that died finds a run that was interrupted.
bool says_that_somebody_works(job::RunStatus status) {
  return !job::is_final(status) && status != job::RunStatus::initializing && status != job::RunStatus::paused;
}

}  // namespace

job::ReportFiles& BookFiles::report(const RunRecord& record) {
  if (!open_report)
    open_report = std::make_unique<job::ReportFiles>(report_path, report_options, record.report_position);
  return *open_report;
}

void BookPage::count_queued(RunTables& tables, std::int64_t run) {
  const RunTables::Queued count = tables.queued(run);
  queued = count.others;
  suspects = count.suspects;
}

RunBook::RunBook(StateDirectory& state, std::string_view run, const EmbeddedRunOptions& options)
    : writer_(state.writer()) {
  const StateOwner& self = state.self();
  const Time now = state.env().wall_now();
  writer_.write(Durability::synced, [&](RunTables& tables) {
    auto origin = tables.origin(run);
    if (!origin)
      throw Error(ErrorClass::not_found, "there is no such run").during("take up run").on(visible(run));
    origin_ = std::move(*origin);
    RunRecord& record = first_page_.record;
    record = tables.record(origin_.number);
    if (job::is_final(record.status))
      throw Error(ErrorClass::precondition_failed,
                  "the run has ended: it is " + std::string(job::to_string(record.status)))
          .during("take up run")
          .on(visible(run));
    tables.take_over(origin_.number, self, now);
    if (says_that_somebody_works(record.status)) {
      record.status = job::RunStatus::paused;
      tables.save(origin_.number, record);
    }
    first_page_.count_queued(tables, origin_.number);
    first_page_.segments = tables.chunks_by_segment(origin_.number);
    for (std::uint32_t segment = 1; segment <= record.manifest.segment; ++segment)
      first_page_.segments.try_emplace(segment, 0);  // what a killed process has not come to remove
    first_page_.status_since = now;
    approved_ = tables.beat(origin_.number, now, now, "{}").approved;
  });
  const std::string directory = state.run_path(run);
  std::error_code failed;
  const bool created = std::filesystem::create_directories(directory, failed);
  if (failed) throw errno_error(failed.value(), "create directory", visible(directory));
  if (created) sync_directory(state.path() + "/runs");
  files_.reset(new BookFiles{
      .manifest = {directory, options.segment_bytes, first_page_.record.manifest},
      .held = HeldLedger(directory + "/held-ledger"),
      .report_path = origin_.report.empty() ? directory + "/report" : origin_.report,
      .report_options = options.report,
  });
  job::ReportFiles& report = files_->report(first_page_.record);
  // A report has to be known before it can be finished: without a position it would be taken for another's.
  if (first_page_.record.report_position.empty()) {
    first_page_.record.report_position = report.append({});
    writer_.write(Durability::synced,
                  [&](RunTables& tables) { tables.save(origin_.number, first_page_.record); });
  }
}

RunBook::~RunBook() {
  try {
    writer_.write(Durability::ordered, [&](RunTables& tables) { tables.leave(origin_.number); });
  } catch (const Error&) {
    // The run then seems to be worked on until this process ends, no longer.
    return;
  }
}

Request RunBook::beat(Time now, Time progress, std::string_view figures) {
  Request request;
  writer_.write(Durability::ordered,
                [&](RunTables& tables) { request = tables.beat(origin_.number, now, progress, figures); });
  return request;
}

BookPage RunBook::commit(const BookPage& page, std::span<Step* const> steps) {
  BookPage next = page;
  try {
    for (Step* step : steps)
      step->write_files(*files_, next);
    const bool durable = std::ranges::any_of(steps, [](const Step* step) { return step->durable(); });
    if (durable) files_->manifest.sync();
    write_ledger(next);
    next.record.manifest = files_->manifest.end();
    writer_.write(durable ? Durability::synced : Durability::ordered, [&](RunTables& tables) {
      for (const std::uint64_t chunk : next.returned)
        tables.set_queued(origin_.number, chunk);
      next.returned.clear();
      for (Step* step : steps)
        step->write_tables(tables, origin_.number, next);
      tables.save(origin_.number, next.record);
    });
  } catch (...) {
    forget_unacknowledged(page);
    throw;
  }
  remove_done_segments(next);
  return next;
}

void RunBook::remove_done_segments(BookPage& page) noexcept {
  std::erase_if(page.segments, [&](const auto& segment) {
    if (segment.second != 0 || segment.first >= page.record.manifest.segment) return false;
    try {
      files_->manifest.remove(segment.first);
      return true;
    } catch (const Error&) {
      return false;  // it is in nobody's way, and tried again with the next step
    }
  });
}

void RunBook::write_ledger(BookPage& page) {
  job::Ledger ledger = std::exchange(files_->ledger, {});
  if (ledger.outcomes == 0) return;
  page.record.report_position = files_->report(page.record).append(ledger);
}

void RunBook::forget_unacknowledged(const BookPage& page) {
  files_->ledger = {};
  files_->open_report.reset();
  files_->manifest.cut(page.record.manifest);
}

}  // namespace haul::engine

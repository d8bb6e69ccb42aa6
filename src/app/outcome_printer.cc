#include "app/outcome_printer.h"

#include <fmt/format.h>
#include <unistd.h>

#include "base/time_format.h"
#include "base/utf8.h"
#include "transfer/part_plan.h"

namespace haul::app {
namespace {

constexpr std::size_t kFailuresKept = 100;
constexpr std::uint64_t kDeleteBatch = 1000;
constexpr std::uint64_t kMostSingleCopy = 5ULL << 30, kCopyPart = 512ULL << 20;

void add_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += ',';
  append_json(out, name);
  out += ':';
  append_json(out, value);
}

// The words of one outcome, in the tense that fits.
std::string_view verb(job::OutcomeKind kind, bool dry_run) {
  switch (kind) {
    case job::OutcomeKind::copied: return dry_run ? "would copy" : "copied";
    case job::OutcomeKind::moved: return dry_run ? "would move" : "moved";
    case job::OutcomeKind::deleted: return dry_run ? "would delete" : "deleted";
    case job::OutcomeKind::skipped: return "skipped";
    case job::OutcomeKind::same: return "same";
    case job::OutcomeKind::different: return "different";
    case job::OutcomeKind::failed: return "FAILED";
    case job::OutcomeKind::tagged: return dry_run ? "would tag" : "tagged";
    case job::OutcomeKind::reverted: return dry_run ? "would take back" : "taken back";
  }
  return "";
}

store::Store& store_of(const job::Job& job, const job::Outcome& outcome) {
  return outcome.extra && job.destination ? *job.destination->store : *job.sources[outcome.source].store;
}

}  // namespace

void append_error_json(std::string& out, const Error& error) {
  out += "{\"class\":";
  append_json(out, to_string(error.error_class()));
  add_field(out, "message", error.message());
  add_field(out, "operation", error.operation());
  add_field(out, "subject", error.subject());
  add_field(out, "code", error.code());
  if (error.http_status() != 0) out += fmt::format(",\"http_status\":{}", error.http_status());
  add_field(out, "request_id", error.request_id());
  if (error.attempts() > 0) out += fmt::format(",\"attempts\":{}", error.attempts());
  add_field(out, "hint", error.hint());
  if (error.cause() != nullptr) {
    out += ",\"cause\":";
    append_error_json(out, *error.cause());
  }
  out += '}';
}

void append_outcome_json(std::string& out, const job::Job& job, const job::Outcome& outcome) {
  out += "{\"outcome\":";
  append_json(out, to_string(outcome.kind));
  out += ",\"key\":";
  append_json(out, outcome.key);
  add_field(out, "destination_key", outcome.destination_key);
  out += fmt::format(",\"size\":{}", outcome.size);
  if (job.sources.size() > 1) out += fmt::format(",\"source\":{}", outcome.source);
  if (outcome.extra) out += ",\"extra\":true";
  add_field(out, "reason", outcome.reason);
  if (!outcome.losses.empty()) {
    out += ",\"losses\":[";
    for (std::size_t i = 0; i < outcome.losses.size(); ++i) {
      if (i != 0) out += ',';
      append_json(out, outcome.losses[i]);
    }
    out += ']';
  }
  if (outcome.error) {
    out += ",\"error\":";
    append_error_json(out, *outcome.error);
  }
  out += '}';
}

std::string outcome_line(const job::Job& job, const job::Outcome& outcome, bool dry_run) {
  std::string line(verb(outcome.kind, dry_run));
  const std::string place = store_of(job, outcome).describe(outcome.key);
  if (outcome.error) {
    const std::string what = outcome.error->what();
    line += what.find(place) == std::string::npos ? " " + place + ": " + what : " " + what;
    return line;
  }
  line += " " + place;
  if (!outcome.destination_key.empty() && job.destination &&
      (outcome.kind == job::OutcomeKind::copied || outcome.kind == job::OutcomeKind::moved))
    line += " -> " + job.destination->store->describe(outcome.destination_key);
  if (!outcome.reason.empty()) line += " (" + outcome.reason + ")";
  if (!outcome.losses.empty()) {
    line += " without";
    for (const std::string& loss : outcome.losses)
      line += " " + loss;
  }
  return line;
}

OutcomePrinter::OutcomePrinter(const Settings& settings, const job::Job& job, Screen& screen, Output& output)
    : settings_(settings),
      job_(job),
      screen_(screen),
      output_(output),
      wants_all_(settings.verbose || job.options.dry_run) {}

void OutcomePrinter::accept(const job::Outcome& outcome) {
  const bool failed = outcome.kind == job::OutcomeKind::failed;
  const bool different = outcome.kind == job::OutcomeKind::different;
  // A dry run tells what it would do, not what it would leave alone; a plan in a file has its lines there.
  const bool would = settings_.dry_run && settings_.output.empty();
  const bool told =
      settings_.verbose || failed || different || (would && outcome.kind != job::OutcomeKind::skipped);
  std::string json;
  if (settings_.json && (settings_.verbose || failed || different)) append_outcome_json(json, job_, outcome);
  const std::string line = told && !settings_.quiet && !settings_.json
                               ? outcome_line(job_, outcome, job_.options.dry_run)
                           : failed ? outcome_line(job_, outcome, false)
                                    : std::string();
  const std::scoped_lock lock(mutex_, output_.mutex());
  if (job_.options.dry_run) plan(outcome);
  if (settings_.json) {
    if ((failed || different) && failures_.size() < kFailuresKept) failures_.push_back(json);
    if (settings_.verbose) {
      output_.write(json);
      output_.write("\n");
    }
  }
  if (line.empty()) return;
  // On a terminal both go through the screen, so that they do not run into the status line.
  if (failed || (screen_.is_terminal() && ::isatty(STDOUT_FILENO) == 1)) {
    screen_.say(line);
  } else {
    output_.write(line);
    output_.write("\n");
  }
}

void OutcomePrinter::plan(const job::Outcome& outcome) {
  if (outcome.kind == job::OutcomeKind::deleted || outcome.kind == job::OutcomeKind::moved)
    planned_.delete_objects = (++deleted_ + kDeleteBatch - 1) / kDeleteBatch;
  if (outcome.kind != job::OutcomeKind::copied && outcome.kind != job::OutcomeKind::moved) return;
  store::Store& source = *job_.sources[outcome.source].store;
  store::Store& destination = *job_.destination->store;
  if (job_.options.transfer.server_side && destination.can_copy_from(source)) {
    if (outcome.size <= kMostSingleCopy) {
      ++planned_.copy;
    } else {
      ++planned_.create_upload;
      ++planned_.complete_upload;
      planned_.upload_part_copy += (outcome.size + kCopyPart - 1) / kCopyPart;
    }
    return;
  }
  std::uint64_t parts = 1;
  if (outcome.size > job_.options.transfer.single_write_threshold)
    parts =
        transfer::plan_parts(outcome.size, destination.capabilities(), job_.options.transfer.part_size).count;
  if (source.capabilities().etag_in_listing) planned_.get += parts;
  if (!destination.capabilities().etag_in_listing) return;
  if (parts == 1) {
    ++planned_.put;
  } else {
    ++planned_.create_upload;
    ++planned_.complete_upload;
    planned_.upload_part += parts;
  }
}

}  // namespace haul::app

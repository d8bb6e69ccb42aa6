#include "app/run_json.h"

#include <fmt/format.h>

#include "app/accounts_text.h"
#include "app/output.h"
#include "app/remedy.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "job/spec.h"

namespace haul::app {
namespace {

void add_text(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!out.ends_with('{')) out += ',';
  append_json(out, name);
  out += ':';
  append_json(out, value);
}

// A number, or JSON that is made already.
template <class Value>
void add_value(std::string& out, std::string_view name, const Value& value) {
  if (!out.ends_with('{')) out += ',';
  out += fmt::format("\"{}\":{}", name, value);
}

void add_seconds(std::string& out, std::string_view name, const std::optional<Duration>& duration) {
  if (!duration) return;
  if (!out.ends_with('{')) out += ',';
  out += fmt::format("\"{}\":{:.3f}", name, std::chrono::duration<double>(*duration).count());
}

void add_time(std::string& out, std::string_view name, const std::optional<Time>& time) {
  if (time) add_text(out, name, format_iso8601(*time));
}

// Extras at the destination are no difference then.
bool is_one_way(const engine::RunInfo& run) {
  try {
    return job::parse_resolved_spec(run.spec).options.one_way;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string run_json(const engine::RunInfo& run) {
  std::string out = "{";
  add_text(out, "run", run.id);
  add_text(out, "job", run.job);
  add_text(out, "operation", run.operation);
  add_text(out, "status", to_string(run.status));
  add_text(out, "error", run.error);
  add_text(out, "parent", run.parent);
  add_time(out, "created", run.created);
  add_time(out, "started", run.started);
  add_time(out, "ended", run.ended);
  add_text(out, "approved_by", run.approved_by);
  add_text(out, "asked", wish_word(run));
  add_value(out, "alive", run.alive);
  add_value(out, "stuck", run.stuck);
  if (run.pid != 0) {
    std::string process = "{";
    add_value(process, "pid", run.pid);
    add_text(process, "host", run.host);
    add_seconds(process, "heartbeat_seconds", run.heartbeat_age);
    add_seconds(process, "progress_seconds", run.progress_age);
    add_value(out, "process", process + "}");
  }
  std::string accounts;
  append_accounts_json(accounts, run.accounts);
  add_value(out, "accounts", accounts);
  add_value(out, "to_do", objects_to_do(run.accounts));
  add_value(out, "closed", run.accounts.closed());
  add_text(out, "report", run.report);
  if (job::is_final(run.status)) add_value(out, "exit_code", exit_code_of(run));
  add_text(out, "advice", advice_for(run));
  return out + "}";
}

std::string run_json(const RunPicture& picture, const Estimate& estimate) {
  const engine::RunInfo& run = picture.info;
  std::string out = run_json(run);
  out.pop_back();  // its end brace
  const Figures figures = figures_of(run);
  add_value(out, "progress",
            fmt::format(R"({{"listing":{},"found_objects":{},"found_bytes":{},"done_objects":{},)"
                        R"("arrived_objects":{},"done_bytes":{}}})",
                        figures.listing, figures.found_objects, figures.found_bytes, figures.done_objects,
                        figures.arrived_objects, figures.done_bytes));
  std::string rate = "{";
  add_value(rate, "objects_per_second", fmt::format("{:.1f}", estimate.objects_per_second()));
  add_value(rate, "bytes_per_second", fmt::format("{:.0f}", estimate.bytes_per_second()));
  if (const auto left = estimate.remaining()) {
    std::string range = "{";
    add_seconds(range, "least", left->least);
    add_seconds(range, "most", left->most);
    add_value(rate, "remaining_seconds", range + "}");
  }
  if (!job::is_final(run.status)) add_value(out, "rate", rate + "}");
  std::string chunks = "{";
  add_value(chunks, "queued", run.chunks_queued);
  add_value(chunks, "held", run.chunks_held);
  add_value(chunks, "leased", run.chunks_leased);
  add_value(chunks, "done", run.chunks_done);
  add_value(chunks, "objects_waiting", run.objects_queued);
  add_seconds(chunks, "oldest_lease_seconds", run.oldest_lease);
  add_value(out, "chunks", chunks + "}");
  if (const auto& effort = picture.catalogue) {
    std::string catalogue = "{";
    add_value(catalogue, "rows_selected", effort->rows_selected);
    add_value(catalogue, "rows_updated", effort->rows_updated);
    add_value(catalogue, "statements", effort->statements);
    add_value(catalogue, "reconnects", effort->reconnects);
    add_seconds(catalogue, "seconds_waited_for_rate", effort->waited_for_rate);
    add_value(out, "catalogue", catalogue + "}");
  }
  std::string kinds;
  append_failure_kinds_json(kinds, picture.failures, run.id);
  add_value(out, "failures", kinds);
  std::string children = "[";
  for (const engine::RunInfo& child : picture.children) {
    if (children.size() > 1) children += ',';
    append_json(children, child.id);
  }
  add_value(out, "children", children + "]");
  return out + "}";
}

void append_error_record_json(std::string& out, const engine::ErrorRecord& record, std::string_view run) {
  std::string line = "{";
  add_text(line, "run", run);
  add_value(line, "sequence", record.sequence);
  if (record.chunk != 0) add_value(line, "chunk", record.chunk);
  add_text(line, "key", record.key);
  add_text(line, "destination_key", record.destination_key);
  add_text(line, "version", record.version);
  add_text(line, "row", record.row);
  add_value(line, "source", record.source);
  add_value(line, "size", record.size);
  if (record.extra) add_value(line, "extra", true);
  add_text(line, "class", to_string(record.error_class));
  add_text(line, "code", record.code);
  if (record.http_status != 0) add_value(line, "http_status", record.http_status);
  add_text(line, "operation", record.operation);
  add_text(line, "message", record.message);
  add_text(line, "request_id", record.request_id);
  add_value(line, "attempts", record.attempts);
  add_time(line, "time", record.time);
  out.append(line).append("}");
}

void append_failure_kinds_json(std::string& out, std::span<const FailureKind> kinds, std::string_view run) {
  std::string list = "[";
  for (const FailureKind& kind : kinds) {
    if (list.size() > 1) list += ',';
    std::string entry = "{";
    add_text(entry, "class", to_string(kind.error_class));
    add_text(entry, "code", kind.code);
    add_value(entry, "count", kind.count);
    std::string example;
    append_error_record_json(example, kind.example, run);
    add_value(entry, "example", example);
    add_text(entry, "remedy", remedy_for(kind.error_class, run));
    list += entry + "}";
  }
  out += list + "]";
}

int exit_code_of(const engine::RunInfo& run) {
  switch (run.status) {
    case job::RunStatus::completed: {
      const job::Accounts& accounts = run.accounts;
      const bool differs =
          accounts.different != 0 || accounts.missing != 0 || (accounts.extra != 0 && !is_one_way(run));
      return run.operation == "verify" && differs ? kSomeFailed : kDone;
    }
    case job::RunStatus::completed_with_failures: return kSomeFailed;
    case job::RunStatus::cancelled: return kInterrupted;
    default: return run.accounts.failures() != 0 ? kSomeFailed : kCouldNotRun;
  }
}

}  // namespace haul::app

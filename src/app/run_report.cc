#include "app/run_report.h"

#include <fmt/format.h>

#include "app/accounts_text.h"
#include "app/description.h"
#include "app/estimate.h"
#include "app/output.h"
#include "app/texts.h"
#include "app/usage_error.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

bool is_plan(const Settings& settings) {
  return settings.dry_run || settings.command == Command::plan;
}

std::string_view command_name(Command command) {
  for (const CommandTexts& texts : command_texts())
    if (texts.command == command) return texts.name;
  return "";
}

std::vector<Term> planned_terms(const PlannedRequests& planned) {
  return {{"GetObject", planned.get},
          {"PutObject", planned.put},
          {"CopyObject", planned.copy},
          {"CreateMultipartUpload", planned.create_upload},
          {"UploadPart", planned.upload_part},
          {"UploadPartCopy", planned.upload_part_copy},
          {"CompleteMultipartUpload", planned.complete_upload},
          {"DeleteObjects", planned.delete_objects}};
}

std::string planned_text(const RunReport& report) {
  std::string line;
  for (const auto& [name, count] : planned_terms(report.planned))
    if (count != 0) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", with_commas(count), name);
  return line.empty() ? "none" : line;
}

void append_number(std::string& out, std::string_view name, std::uint64_t value) {
  if (!out.ends_with('{')) out += ',';
  out += fmt::format("\"{}\":{}", name, value);
}

}  // namespace

int exit_code_of(const Settings& settings, const job::RunResult& result) {
  const job::Accounts& accounts = result.accounts;
  switch (result.status) {
    case job::RunStatus::cancelled:
    case job::RunStatus::paused: return kInterrupted;
    case job::RunStatus::awaiting_approval: return kDone;
    case job::RunStatus::completed: {
      const bool differs =
          accounts.different != 0 || accounts.missing != 0 || (accounts.extra != 0 && !settings.one_way);
      return settings.command == Command::check && differs ? kSomeFailed : kDone;
    }
    case job::RunStatus::completed_with_failures: return kSomeFailed;
    default: return accounts.failures() != 0 ? kSomeFailed : kCouldNotRun;
  }
}

std::string report_text(const Settings& settings, const RunReport& report) {
  const job::Accounts& a = report.result.accounts;
  const bool plan = is_plan(settings);
  const double seconds = std::max(1e-9, std::chrono::duration<double>(report.duration).count());
  std::string text =
      equation_text(
          a.listed, "listed",
          {{plan ? "to copy" : "copied", a.copied},
           {plan ? "to move" : "moved", a.moved},
           {plan ? "to delete" : "deleted", a.deleted},
           {plan ? "to tag" : "tagged", a.tagged},
           {plan ? "to take back" : "taken back", a.reverted},
           {"same", a.same},
           {"different", a.different},
           {"missing", a.missing},
           {settings.command == Command::sync || plan ? "unchanged or skipped" : "skipped", a.skipped},
           {"filtered", a.filtered},
           {"failed", a.failed},
           {"not attempted", a.not_attempted}}) +
      "\n";
  if (a.extra != 0) {
    text += equation_text(a.extra, "extra at the destination",
                          {{plan ? "to delete" : "deleted", a.extra_deleted},
                           {"kept", a.extra_kept},
                           {"failed", a.extra_failed}}) +
            "\n";
  }
  if (a.list_failures != 0)
    text += fmt::format("{} parts of the tree could not be listed\n", with_commas(a.list_failures));
  if (a.losses != 0)
    text += fmt::format("{} {} could not be kept (-v names {})\n", with_commas(a.losses),
                        a.losses == 1 ? "property" : "properties", a.losses == 1 ? "it" : "them");
  if (plan) {
    text += fmt::format("{} to move; requests: {}\n", format_size(a.copied_bytes), planned_text(report));
    std::string losses;
    for (const std::string& loss : report.losses)
      losses += (losses.empty() ? "" : ", ") + loss;
    if (!losses.empty()) text += "the destination cannot keep: " + losses + "\n";
  }
  text += fmt::format("{}{} in {}", to_string(report.result.status), plan ? " (nothing was changed)" : "",
                      format_duration(report.duration));
  if (!plan && a.copied_bytes != 0) {
    text +=
        fmt::format(", {} at {}/s", format_size(a.copied_bytes),
                    format_size(static_cast<std::uint64_t>(static_cast<double>(a.copied_bytes) / seconds)));
    if (a.server_side != 0) text += fmt::format(", {} copied by the service", with_commas(a.server_side));
  }
  if (report.throttled != 0)
    text += fmt::format(", slowed down {} times by the service", with_commas(report.throttled));
  return text + "\n";
}

std::string report_json(const Settings& settings, const RunReport& report) {
  std::string out = "{\"command\":";
  append_json(out, report.job.empty() ? command_name(settings.command) : "run");
  if (!report.job.empty())
    for (const auto& [name, value] : {std::pair{"run", &report.run},
                                      {"job", &report.job},
                                      {"operation", &report.operation},
                                      {"report", &report.report}}) {
      if (value->empty()) continue;
      out += fmt::format(",\"{}\":", name);
      append_json(out, *value);
    }
  out += ",\"status\":";
  append_json(out, to_string(report.result.status));
  out += fmt::format(",\"exit_code\":{},\"dry_run\":{}", exit_code_of(settings, report.result),
                     is_plan(settings) ? "true" : "false");
  out += ",\"accounts\":";
  append_accounts_json(out, report.result.accounts);
  out += fmt::format(",\"closed\":{}", report.result.accounts.closed() ? "true" : "false");
  out += fmt::format(",\"bytes\":{},\"seconds\":{:.3f}", report.result.accounts.copied_bytes,
                     std::chrono::duration<double>(report.duration).count());
  out += ",\"requests\":{";
  for (std::size_t i = 0; i < report.requests.size(); ++i)
    if (report.requests[i] != 0)
      append_number(out, to_string(static_cast<s3::Operation>(i)), report.requests[i]);
  out += "}";
  append_number(out, "throttled", report.throttled);
  if (is_plan(settings)) {
    out += ",\"planned_requests\":{";
    for (const auto& [name, count] : planned_terms(report.planned))
      if (count != 0) append_number(out, name, count);
    out += "},\"cannot_keep\":[";
    for (std::size_t i = 0; i < report.losses.size(); ++i) {
      if (i != 0) out += ',';
      append_json(out, report.losses[i]);
    }
    out += "]";
  }
  out += ",\"failures\":[";
  for (std::size_t i = 0; i < report.failures_json.size(); ++i)
    out += (i == 0 ? "" : ",") + report.failures_json[i];
  out += "]";
  if (report.result.error) {
    out += ",\"error\":";
    append_error_json(out, *report.result.error);
  }
  return out + "}\n";
}

}  // namespace haul::app

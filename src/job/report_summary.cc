#include "job/report_summary.h"

#include <numeric>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/time_format.h"

namespace haul::job {
namespace {

using SummaryJson = nlohmann::ordered_json;

std::int64_t milliseconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

SummaryJson error_object(const Error& error) {
  SummaryJson json{{"class", to_string(error.error_class())}, {"message", error.message()}};
  const auto add = [&json](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  add("operation", error.operation());
  add("subject", error.subject());
  add("code", error.code());
  if (error.http_status() != 0) json["http_status"] = error.http_status();
  add("request_id", error.request_id());
  if (error.attempts() > 0) json["attempts"] = error.attempts();
  add("hint", error.hint());
  if (error.cause() != nullptr) json["cause"] = error_object(*error.cause());
  return json;
}

SummaryJson equation_object(const Equation& equation) {
  SummaryJson terms = SummaryJson::object();
  for (const EquationTerm& term : equation.terms)
    terms[std::string(term.name)] = term.count;
  return {{equation.whole.name, equation.whole.count},
          {"terms", std::move(terms)},
          {"sum", equation.sum()},
          {"closed", equation.closed()}};
}

// The members of DescribeTaskExecution that have a counterpart here. Folders are no objects of their own, and
// nothing is compressed on the way: those members are left out.
SummaryJson counters_object(const RunSummary& summary) {
  const Accounts& a = summary.accounts;
  const bool removes = summary.operation == Operation::remove || summary.operation == Operation::remove_kept;
  const bool checks = summary.operation == Operation::check;
  const std::uint64_t transferred = a.copied + a.moved;
  SummaryJson json;
  json["EstimatedFilesToTransfer"] =
      removes || checks ? 0 : transferred + a.tagged + a.reverted + a.failed + a.not_attempted;
  json["FilesTransferred"] = transferred;
  json["BytesWritten"] = a.copied_bytes;
  if (summary.bytes_through) json["BytesTransferred"] = *summary.bytes_through;
  json["EstimatedFilesToDelete"] =
      a.extra_deleted + a.extra_failed + (removes ? a.deleted + a.failed + a.not_attempted : 0);
  json["FilesDeleted"] = a.deleted + a.extra_deleted;
  json["FilesSkipped"] = a.skipped;
  json["FilesVerified"] = a.verified + a.same;
  json["FilesPrepared"] = a.listed - std::min(a.listed, a.filtered);
  json["FilesListed"] = {{"AtSource", a.listed}, {"AtDestinationForDelete", a.destination_listed}};
  json["FilesFailed"] = {{"Prepare", a.list_failures},
                         {"Transfer", removes ? 0 : a.failed},
                         {"Verify", a.different + a.missing},
                         {"Delete", a.extra_failed + (removes ? a.failed : 0)}};
  const bool success = summary.status == RunStatus::completed;
  SummaryJson result{{"PrepareDuration", milliseconds(summary.discovering)},
                     {"PrepareStatus", a.list_failures == 0 ? "SUCCESS" : "ERROR"},
                     {"TransferDuration", milliseconds(summary.processing)},
                     {"TransferStatus", a.failed + a.extra_failed == 0 ? "SUCCESS" : "ERROR"},
                     {"VerifyDuration", 0},  // done with each object's transfer
                     {"VerifyStatus", a.different + a.missing == 0 ? "SUCCESS" : "ERROR"},
                     {"TotalDuration", milliseconds(summary.ended - summary.started)}};
  if (!success && summary.error) {
    result["ErrorCode"] = summary.error->code().empty() ? std::string(to_string(summary.error->error_class()))
                                                        : summary.error->code();
    result["ErrorDetail"] = summary.error->what();
  }
  json["Result"] = std::move(result);
  json["Status"] = success ? "SUCCESS" : "ERROR";
  return json;
}

}  // namespace

std::string_view to_string(Operation operation) noexcept {
  switch (operation) {
    case Operation::copy: return "copy";
    case Operation::move: return "move";
    case Operation::sync: return "sync";
    case Operation::remove: return "delete";
    case Operation::check: return "verify";
    case Operation::tag: return "tag";
    case Operation::remove_kept: return "remove-kept";
    case Operation::revert: return "undo";
  }
  return "copy";
}

std::uint64_t Equation::sum() const noexcept {
  return std::accumulate(terms.begin(), terms.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const EquationTerm& term) { return sum + term.count; });
}

std::vector<Equation> equations_of(const Accounts& a) {
  return {
      {{"listed", a.listed},
       {{"filtered", a.filtered},
        {"skipped", a.skipped},
        {"copied", a.copied},
        {"moved", a.moved},
        {"deleted", a.deleted},
        {"tagged", a.tagged},
        {"reverted", a.reverted},
        {"same", a.same},
        {"different", a.different},
        {"missing", a.missing},
        {"failed", a.failed},
        {"not_attempted", a.not_attempted}}},
      {{"extra", a.extra},
       {{"extra_deleted", a.extra_deleted}, {"extra_kept", a.extra_kept}, {"extra_failed", a.extra_failed}}}};
}

std::string summary_json(const RunSummary& summary) {
  SummaryJson json{{"run", summary.run},
                   {"job", summary.name},
                   {"operation", to_string(summary.operation)},
                   {"sources", summary.sources}};
  if (!summary.destination.empty()) json["destination"] = summary.destination;
  if (summary.retry_of) json["retry_of"] = *summary.retry_of;
  json["status"] = to_string(summary.status);
  json["started"] = format_iso8601(summary.started);
  json["ended"] = format_iso8601(summary.ended);
  json["seconds"] = std::chrono::duration<double>(summary.ended - summary.started).count();
  SummaryJson& accounts = json["accounts"] = SummaryJson::object();
  Accounts::each(summary.accounts,
                 [&accounts](const char* name, std::uint64_t value) { accounts[name] = value; });
  json["equations"] = SummaryJson::array();
  for (const Equation& equation : equations_of(summary.accounts))
    json["equations"].push_back(equation_object(equation));
  json["closed"] = summary.accounts.closed();
  json["counters"] = counters_object(summary);
  if (summary.catalogue)
    json["catalogue"] = {{"rows_selected", summary.catalogue->rows_selected},
                         {"rows_updated", summary.catalogue->rows_updated},
                         {"statements", summary.catalogue->statements},
                         {"reconnects", summary.catalogue->reconnects},
                         {"seconds_waited_for_rate",
                          std::chrono::duration<double>(summary.catalogue->waited_for_rate).count()}};
  if (summary.error) json["error"] = error_object(*summary.error);
  return json.dump(2, ' ', false, SummaryJson::error_handler_t::replace) + "\n";
}

}  // namespace haul::job

// verify-report: is the report of a run what was written, do its accounts add up, and is what it says still
// so?

#include <fmt/format.h>

#include "app/commands.h"
#include "app/estimate.h"
#include "app/places.h"
#include "app/store_factory.h"
#include "app/usage_error.h"
#include "base/time_format.h"
#include "base/utf8.h"
#include "job/report_check.h"
#include "job/report_summary.h"

namespace haul::app {
namespace {

struct ReportPlace {
  std::shared_ptr<store::Store> store;
  std::string prefix;
};

ReportPlace report_place(Session& session, StoreFactory& stores) {
  const Settings& settings = session.settings();
  const store::Location location = parse_place(settings.locations[0]);
  if (location.scheme == store::Scheme::standard_stream)
    throw UsageError("- is no report", "give the directory or s3://bucket/prefix of a report");
  if (location.scheme == store::Scheme::local) return {stores.tree(Side::source, location.path), ""};
  const std::string prefix = as_directory(location.path);
  // Which buckets the objects are in is known only when the report is read: then a role is not limited.
  if (settings.report.objects == 0)
    session.services().need(settings.source_side(),
                            {location.bucket, prefix, auth::Access::list | auth::Access::read});
  return {stores.bucket(Side::source, location.bucket), prefix};
}

// The places of the ledger, as it names them.
job::StoreOfPlace places_of_ledger(StoreFactory& stores) {
  return [&stores](job::RecordedSide recorded, const std::string& place) {
    const Side side = recorded == job::RecordedSide::source ? Side::source : Side::destination;
    constexpr std::string_view kS3 = "s3://";
    if (place.starts_with(kS3)) return stores.bucket(side, place.substr(kS3.size()));
    if (place.empty()) throw Error(ErrorClass::invalid_argument, "the ledger does not say where");
    // As a destination, a directory need not be there any more.
    return stores.tree(Side::destination, place);
  };
}

std::string equation_line(const job::Equation& equation) {
  std::string line = fmt::format("{} {} {}", with_commas(equation.whole.count), equation.whole.name,
                                 equation.closed() ? "=" : "!=");
  bool first = true;
  for (const job::EquationTerm& term : equation.terms) {
    if (term.count == 0) continue;
    line += fmt::format("{}{} {}", first ? " " : " + ", with_commas(term.count), term.name);
    first = false;
  }
  return line + (first ? " 0\n" : "\n");
}

std::string verdict_text(const Settings& settings, const job::ReportVerdict& verdict) {
  std::string text;
  const auto list = [&text](const std::vector<job::Discrepancy>& found, std::uint64_t count,
                            std::string_view what) {
    for (const job::Discrepancy& each : found)
      text += visible(each.place) + ": " + what.data() + visible(each.message) + "\n";
    if (count > found.size()) text += fmt::format("... and {} more\n", with_commas(count - found.size()));
  };
  list(verdict.discrepancies, verdict.discrepancy_count, "");
  list(verdict.unchecked, verdict.unchecked_count, "could not be looked up: ");
  for (const job::Equation& equation : job::equations_of(verdict.stated))
    if (equation.whole.count != 0 || !equation.closed()) text += equation_line(equation);
  text += fmt::format("{} outcomes in {} files, {}; chain {}\n", with_commas(verdict.outcomes),
                      verdict.segments, format_size(verdict.bytes), verdict.chain);
  if (settings.report.objects != 0)
    text += fmt::format("{} of {} objects looked up (seed {})\n", with_commas(verdict.checked),
                        with_commas(verdict.candidates), verdict.seed);
  if (verdict.discrepancy_count != 0)
    text += fmt::format("NOT PROVEN: {} discrepanc{}\n", with_commas(verdict.discrepancy_count),
                        verdict.discrepancy_count == 1 ? "y" : "ies");
  else
    text += verdict.unchecked_count == 0 ? "proven\n" : "the report is proven, the objects are not\n";
  return text;
}

void append_discrepancies(std::string& out, std::string_view name, const std::vector<job::Discrepancy>& found,
                          std::uint64_t count) {
  out += fmt::format(",\"{}_count\":{},\"{}\":[", name, count, name);
  for (std::size_t i = 0; i < found.size(); ++i) {
    out += i == 0 ? "{\"place\":" : ",{\"place\":";
    append_json(out, found[i].place);
    out += ",\"message\":";
    append_json(out, found[i].message);
    out += '}';
  }
  out += ']';
}

void append_counts(std::string& out, std::string_view name, const job::Accounts& accounts) {
  out += fmt::format(",\"{}\":{{", name);
  job::Accounts::each(accounts, [&out](const char* term, std::uint64_t count) {
    if (count != 0) out += fmt::format("{}\"{}\":{}", out.ends_with('{') ? "" : ",", term, count);
  });
  out += '}';
}

std::string verdict_json(const Settings& settings, const job::ReportVerdict& verdict, int code) {
  std::string out = "{\"report\":";
  append_json(out, settings.locations[0]);
  out += fmt::format(
      ",\"proven\":{},\"closed\":{},\"exit_code\":{},\"chain\":\"{}\",\"files\":{},\"bytes\":{},\"outcomes\":"
      "{}",
      verdict.proven(), verdict.closed, code, verdict.chain, verdict.segments, verdict.bytes,
      verdict.outcomes);
  append_counts(out, "accounts", verdict.stated);
  append_counts(out, "counted", verdict.counted);
  if (settings.report.objects != 0)
    out +=
        fmt::format(",\"objects\":{},\"looked_up\":{},\"seed\":\"{}\"", verdict.candidates, verdict.checked,
                    verdict.seed);  // beyond what JSON's readers take for a number
  append_discrepancies(out, "discrepancies", verdict.discrepancies, verdict.discrepancy_count);
  append_discrepancies(out, "unchecked", verdict.unchecked, verdict.unchecked_count);
  return out + "}\n";
}

int code_of_verdict(const job::ReportVerdict& verdict) {
  if (verdict.discrepancy_count != 0) return kSomeFailed;
  return verdict.unchecked_count != 0 ? kCouldNotRun : kDone;
}

}  // namespace

Task<int> verify_report_command(Session& session) {
  const Settings& settings = session.settings();
  RealStores stores(settings, session.services());
  OpContext context = session.context();
  const ReportPlace place = report_place(session, stores);
  const job::ReportVerdict verdict = co_await job::check_report(*place.store, place.prefix,
                                                                {.chain = settings.report.chain,
                                                                 .objects = settings.report.objects,
                                                                 .seed = settings.report.seed,
                                                                 .stores = places_of_ledger(stores)},
                                                                context);
  const int code = code_of_verdict(verdict);
  if (settings.json)
    session.output().write(verdict_json(settings, verdict, code));
  else if (!settings.quiet)
    session.output().write(verdict_text(settings, verdict));
  co_return code;
}

}  // namespace haul::app

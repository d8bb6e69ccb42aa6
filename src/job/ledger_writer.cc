// The lines of a report, appended by hand: at ten million objects a run, an allocation a field would cost
// more than the copying does.

#include <array>
#include <charconv>
#include <utility>

#include "base/encoding.h"
#include "base/json_text.h"
#include "base/time_format.h"
#include "job/report.h"

namespace haul::job {
namespace {

constexpr std::string_view kS3 = "s3://";

template <class Number>
void append_digits(std::string& out, Number value) {
  std::array<char, 24> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

// Names are given with all that stands around them: `,"size":`.
void append_bytes_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  append_json_bytes(out, value);
}

void append_text_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += name;
  append_json(out, value);
}

template <class Number>
void append_number_field(std::string& out, std::string_view name, Number value) {
  out += name;
  append_digits(out, value);
}

// Whole microseconds, as seconds: 0.001500.
void append_seconds_field(std::string& out, std::string_view name, Duration duration) {
  constexpr std::int64_t kMicro = 1'000'000;
  const std::int64_t total =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
  out += name;
  append_digits(out, total / kMicro);
  std::array<char, 7> fraction{'.', '0', '0', '0', '0', '0', '0'};
  for (std::int64_t rest = total % kMicro, i = 6; rest != 0; rest /= 10, --i)
    fraction[static_cast<std::size_t>(i)] = static_cast<char>('0' + rest % 10);
  out.append(fraction.data(), fraction.size());
}

void append_error_object(std::string& out, const Error& error) {
  out += "{\"class\":\"";
  out += to_string(error.error_class());
  out += '"';
  append_text_field(out, R"(,"message":)", error.message());
  append_text_field(out, R"(,"operation":)", error.operation());
  append_text_field(out, R"(,"subject":)", error.subject());
  append_text_field(out, R"(,"code":)", error.code());
  if (error.http_status() != 0) append_number_field(out, R"(,"http_status":)", error.http_status());
  append_text_field(out, R"(,"request_id":)", error.request_id());
  if (error.attempts() > 0) append_number_field(out, R"(,"attempts":)", error.attempts());
  if (error.elapsed() > Duration{}) append_seconds_field(out, R"(,"seconds":)", error.elapsed());
  append_text_field(out, R"(,"hint":)", error.hint());
  if (error.cause() != nullptr) {
    out += R"(,"cause":)";
    append_error_object(out, *error.cause());
  }
  out += '}';
}

// RFC 4180, and always in quotes: a line stays one line.
void append_quoted(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
  }
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(std::string_view(",\"\r\n\0", 5)) == std::string_view::npos)
    return std::string(text);
  std::string out = "\"";
  append_quoted(out, text);
  return out + "\"";
}

// What went wrong, or is not as it should be: these are the tasks that have failed.
bool is_bad(OutcomeKind kind) noexcept {
  return kind == OutcomeKind::failed || kind == OutcomeKind::different;
}

}  // namespace

LedgerWriter::LedgerWriter(const Job& job, const ReportOptions& options) : job_(job), options_(options) {
  for (const Source& source : job.sources)
    sources_.push_back(place_of(*source.store));
  if (job.destination) destination_ = place_of(*job.destination->store);
}

LedgerWriter::Place LedgerWriter::place_of(const store::Store& store) {
  Place place;
  std::string text = store.describe("");
  append_json(place.json, text);
  if (text.starts_with(kS3)) {
    text.erase(0, kS3.size());
    while (text.ends_with('/'))
      text.pop_back();
  }
  place.bucket = csv_field(text);
  return place;
}

std::string_view LedgerWriter::action_of(const Outcome& outcome) const noexcept {
  switch (job_.operation) {
    case Operation::copy: return "copy";
    case Operation::move: return "move";
    case Operation::sync: return outcome.extra ? "delete" : "copy";
    case Operation::remove: return "delete";
    case Operation::check: return "compare";
    case Operation::tag: return "tag";
    case Operation::remove_kept: return "delete_kept";
    case Operation::revert: return "revert";
  }
  return "";
}

void LedgerWriter::add(const Outcome& outcome) {
  if (!wants_all() && !is_bad(outcome.kind)) return;
  const Place& place = outcome.extra ? destination_ : sources_.at(outcome.source);
  add_line(outcome, place);
  if (options_.csv) add_csv(outcome, place);
  ++ledger_.outcomes;
  if (outcome.error) ledger_.failures.push_back(outcome);
}

void LedgerWriter::add_line(const Outcome& outcome, const Place& place) {
  std::string& out = ledger_.lines;
  out += "{\"outcome\":\"";
  out += to_string(outcome.kind);
  out += "\",\"action\":\"";
  out += action_of(outcome);
  out += '"';
  if (outcome.source != 0) append_number_field(out, R"(,"source":)", outcome.source);
  out += R"(,"place":)";
  out += place.json;
  out += R"(,"key":)";
  append_json_bytes(out, outcome.key);
  if (!outcome.destination_key.empty() && !outcome.extra && !destination_.json.empty()) {
    out += R"(,"destination_place":)";
    out += destination_.json;
  }
  append_bytes_field(out, R"(,"destination_key":)", outcome.destination_key);
  append_number_field(out, R"(,"size":)", outcome.size);
  if (outcome.extra) out += ",\"extra\":true";
  if (outcome.objects != 1) append_number_field(out, R"(,"objects":)", outcome.objects);
  append_bytes_field(out, R"(,"reason":)", outcome.reason);
  append_bytes_field(out, R"(,"version":)", outcome.version);
  append_bytes_field(out, R"(,"etag":)", outcome.etag);
  if (outcome.modified != Time{}) {
    out += R"(,"modified":)";
    out += '"';
    append_iso8601(out, outcome.modified, Fraction::nanoseconds);
    out += '"';
  }
  append_bytes_field(out, R"(,"written_version":)", outcome.written_version);
  append_bytes_field(out, R"(,"written_etag":)", outcome.written_etag);
  append_bytes_field(out, R"(,"checksum":)", outcome.checksum);
  append_text_field(out, R"(,"how":)", outcome.how);
  append_text_field(out, R"(,"proof":)", outcome.proof);
  if (!outcome.losses.empty()) {
    out += R"(,"losses":)";
    char before = '[';
    for (const std::string& loss : outcome.losses) {
      out += std::exchange(before, ',');
      append_json_bytes(out, loss);
    }
    out += ']';
  }
  if (!outcome.row.empty()) {  // is JSON already
    out += R"(,"row":)";
    out += outcome.row;
  }
  if (outcome.catalogue == CatalogueState::updated) out += ",\"catalogue\":\"updated\"";
  if (outcome.catalogue == CatalogueState::unmatched) out += ",\"catalogue\":\"unmatched\"";
  if (outcome.source_kept) out += ",\"source_kept\":true";
  if (outcome.error) {
    out += R"(,"error":)";
    append_error_object(out, *outcome.error);
  }
  append_number_field(out, R"(,"attempts":)", outcome.attempts);
  if (outcome.took > Duration{}) append_seconds_field(out, R"(,"seconds":)", outcome.took);
  if (outcome.finished != Time{}) add_time(outcome.finished);
  out += "}\n";
}

void LedgerWriter::add_time(Time time) {
  std::string& out = ledger_.lines;
  out += R"(,"time":")";
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second.time_since_epoch().count() != last_second_) {
    last_second_ = second.time_since_epoch().count();
    last_second_text_.clear();
    append_iso8601(last_second_text_, second, Fraction::none);
    last_second_text_.pop_back();  // Z
  }
  out += last_second_text_;
  const auto milliseconds = static_cast<unsigned>((time - second) / std::chrono::milliseconds(1));
  const std::array<char, 6> rest{'.',
                                 static_cast<char>('0' + milliseconds / 100),
                                 static_cast<char>('0' + milliseconds / 10 % 10),
                                 static_cast<char>('0' + milliseconds % 10),
                                 'Z',
                                 '"'};
  out.append(rest.data(), rest.size());
}

void LedgerWriter::add_csv(const Outcome& outcome, const Place& place) {
  const bool bad = is_bad(outcome.kind);
  std::string& out = bad ? ledger_.failed : ledger_.succeeded;
  out += place.bucket;
  out += ',';
  append_percent_encoded(out, outcome.key, Slash::keep);
  out += ',';
  append_percent_encoded(out, outcome.version);
  out += bad ? ",failed," : ",succeeded,";
  if (outcome.error) {
    const Error& error = *outcome.error;
    // A server's code is a word; should one send anything else, it must not add columns.
    append_percent_encoded(out, error.code().empty() ? to_string(error.error_class()) : error.code());
    out += ',';
    if (error.http_status() != 0) append_digits(out, error.http_status());
    out += ",\"";
    append_quoted(out, error.what());
  } else {
    if (bad) out += to_string(outcome.kind);
    out += ",200,\"";
    out += to_string(outcome.kind);
    if (!outcome.reason.empty()) {
      out += ": ";
      append_quoted(out, outcome.reason);
    }
  }
  out += "\"\n";
}

Ledger LedgerWriter::take() {
  return std::exchange(ledger_, {});
}

}  // namespace haul::job

#include "job/ledger_line.h"

#include <array>
#include <cmath>
#include <utility>

#include "base/json_scanner.h"
#include "base/time_format.h"
#include "transfer/transfer.h"

namespace haul::job {
namespace {

constexpr unsigned kLongestCauseChain = 32;

template <class Value, std::size_t N>
Value one_of(JsonScanner& scanner, const std::array<Value, N>& values, std::string_view what) {
  std::string text;
  scanner.string(text);
  for (const Value value : values)
    if (to_string(value) == text) return value;
  scanner.fail(what);
}

OutcomeKind read_kind(JsonScanner& scanner) {
  constexpr std::array kKinds{OutcomeKind::copied,  OutcomeKind::moved,  OutcomeKind::deleted,
                              OutcomeKind::skipped, OutcomeKind::same,   OutcomeKind::different,
                              OutcomeKind::failed,  OutcomeKind::tagged, OutcomeKind::reverted};
  return one_of(scanner, kKinds, "an outcome is none that there is");
}

std::string_view read_how(JsonScanner& scanner) {
  using transfer::Method;
  constexpr std::array kMethods{Method::server_side, Method::streamed, Method::parts};
  return to_string(one_of(scanner, kMethods, "a way of copying is none that there is"));
}

std::string_view read_proof(JsonScanner& scanner) {
  using transfer::Proof;
  constexpr std::array kProofs{Proof::none, Proof::size, Proof::etag, Proof::checksum, Proof::read_back};
  return to_string(one_of(scanner, kProofs, "a proof is none that there is"));
}

Time read_time(JsonScanner& scanner) {
  std::string text;
  scanner.string(text);
  const auto time = parse_iso8601(text);
  if (!time) scanner.fail("a time is none");
  return *time;
}

Duration read_seconds(JsonScanner& scanner) {
  constexpr double kMost = 1e9;
  const double seconds = scanner.number();
  if (seconds < 0 || seconds > kMost) scanner.fail("a duration is out of bounds");
  return std::chrono::microseconds(std::llround(seconds * 1e6));
}

template <class Number>
Number read_number(JsonScanner& scanner) {
  const std::uint64_t value = scanner.unsigned_number();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
    scanner.fail("a number is out of bounds");
  return static_cast<Number>(value);
}

Error read_error(JsonScanner& scanner, unsigned depth) {
  if (depth > kLongestCauseChain) scanner.fail("a chain of causes is too long");
  std::optional<ErrorClass> error_class;
  std::string message, operation, subject, code, request_id, hint, text;
  int http_status = 0, attempts = 0;
  Duration elapsed{};
  std::optional<Error> cause;
  scanner.object([&](std::string_view name) {
    if (name == "class") {
      scanner.string(text);
      error_class = parse_error_class(text);
      if (!error_class) scanner.fail("a class of errors is none that there is");
    } else if (name == "message") {
      scanner.string(message);
    } else if (name == "operation") {
      scanner.string(operation);
    } else if (name == "subject") {
      scanner.string(subject);
    } else if (name == "code") {
      scanner.string(code);
    } else if (name == "http_status") {
      http_status = read_number<int>(scanner);
    } else if (name == "request_id") {
      scanner.string(request_id);
    } else if (name == "attempts") {
      attempts = read_number<int>(scanner);
    } else if (name == "seconds") {
      elapsed = read_seconds(scanner);
    } else if (name == "hint") {
      scanner.string(hint);
    } else if (name == "cause") {
      cause = read_error(scanner, depth + 1);
    } else {
      scanner.skip();
    }
  });
  if (!error_class) scanner.fail("an error has no class");
  Error error(*error_class, std::move(message));
  if (!operation.empty()) error = error.during(std::move(operation));
  if (!subject.empty()) error = error.on(std::move(subject));
  if (!code.empty() || http_status != 0) error = error.with_code(std::move(code), http_status);
  if (!request_id.empty()) error = error.with_request_id(std::move(request_id));
  if (attempts != 0 || elapsed != Duration{}) error = error.with_attempts(attempts, elapsed);
  if (!hint.empty()) error = error.with_hint(std::move(hint));
  if (cause) error = error.caused_by(*cause);
  return error;
}

void read_member(JsonScanner& scanner, std::string_view name, LedgerLine& line) {
  Outcome& outcome = line.outcome;
  if (name == "action") {
    scanner.string(line.action);
  } else if (name == "place") {
    scanner.string(line.place);
  } else if (name == "destination_place") {
    scanner.string(line.destination_place);
  } else if (name == "source") {
    outcome.source = read_number<std::uint16_t>(scanner);
  } else if (name == "destination_key") {
    scanner.bytes(outcome.destination_key);
  } else if (name == "size") {
    outcome.size = scanner.unsigned_number();
  } else if (name == "extra") {
    outcome.extra = scanner.boolean();
  } else if (name == "objects") {
    outcome.objects = scanner.unsigned_number();
  } else if (name == "reason") {
    scanner.bytes(outcome.reason);
  } else if (name == "version") {
    scanner.bytes(outcome.version);
  } else if (name == "etag") {
    scanner.bytes(outcome.etag);
  } else if (name == "modified") {
    outcome.modified = read_time(scanner);
  } else if (name == "written_version") {
    scanner.bytes(outcome.written_version);
  } else if (name == "written_etag") {
    scanner.bytes(outcome.written_etag);
  } else if (name == "checksum") {
    scanner.bytes(outcome.checksum);
  } else if (name == "how") {
    outcome.how = read_how(scanner);
  } else if (name == "proof") {
    outcome.proof = read_proof(scanner);
  } else if (name == "losses") {
    outcome.losses.clear();
    scanner.array([&] { scanner.bytes(outcome.losses.emplace_back()); });
  } else if (name == "row") {
    outcome.row = scanner.raw();
  } else if (name == "catalogue") {
    std::string text;
    scanner.string(text);
    outcome.catalogue = text == "updated"     ? CatalogueState::updated
                        : text == "unmatched" ? CatalogueState::unmatched
                                              : CatalogueState::none;
    if (outcome.catalogue == CatalogueState::none) scanner.fail("a state of the catalogue is none");
  } else if (name == "source_kept") {
    outcome.source_kept = scanner.boolean();
  } else if (name == "error") {
    outcome.error = read_error(scanner, 0);
  } else if (name == "attempts") {
    outcome.attempts = read_number<std::uint32_t>(scanner);
  } else if (name == "seconds") {
    outcome.took = read_seconds(scanner);
  } else if (name == "time") {
    outcome.finished = read_time(scanner);
  } else {
    scanner.skip();
  }
}

}  // namespace

LedgerLine parse_ledger_line(std::string_view text) {
  LedgerLine line;
  bool has_kind = false, has_key = false;
  JsonScanner scanner(text);
  scanner.object([&](std::string_view name) {
    if (name == "outcome") {
      line.outcome.kind = read_kind(scanner);
      has_kind = true;
    } else if (name == "key") {
      scanner.bytes(line.outcome.key);
      has_key = true;
    } else {
      read_member(scanner, name, line);
    }
  });
  scanner.end();
  if (!has_kind || !has_key) scanner.fail("a line of a ledger has no outcome, or no key");
  return line;
}

}  // namespace haul::job

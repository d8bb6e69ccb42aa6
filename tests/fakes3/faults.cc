#include "faults.h"

#include <array>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "text.h"

namespace haul::fakes3 {

namespace {

using nlohmann::json;

struct Preset {
  std::string_view type;
  FaultKind kind;
  int status;
  std::string_view code, message;
};

// Names of the protocol's own failures are short for `error` with what S3 answers.
constexpr std::array kPresets = {
    Preset{"error", FaultKind::error, 500, "InternalError",
           "We encountered an internal error. Please try again."},
    Preset{"error-in-200", FaultKind::error_in_200, 200, "InternalError",
           "We encountered an internal error. Please try again."},
    Preset{"slow-down", FaultKind::error, 503, "SlowDown", "Please reduce your request rate."},
    Preset{"expired-token", FaultKind::error, 400, "ExpiredToken", "The provided token has expired."},
    Preset{"precondition-failed", FaultKind::error, 412, "PreconditionFailed",
           "At least one of the pre-conditions you specified did not hold"},
    Preset{"conflict", FaultKind::error, 409, "ConditionalRequestConflict",
           "The conditional request cannot succeed due to a conflicting operation against this resource."},
    Preset{"no-such-upload", FaultKind::error, 404, "NoSuchUpload",
           "The specified multipart upload does not exist."},
    Preset{"access-denied", FaultKind::error, 403, "AccessDenied", "Access Denied"},
    Preset{"close", FaultKind::close, 0, "", ""},
    Preset{"reset", FaultKind::reset, 0, "", ""},
    Preset{"short", FaultKind::short_body, 0, "", ""},
    Preset{"corrupt", FaultKind::corrupt, 0, "", ""},
    Preset{"checksum", FaultKind::checksum, 0, "", ""},
    Preset{"stall", FaultKind::stall, 0, "", ""},
    Preset{"skewed", FaultKind::skewed, 403, "RequestTimeTooSkewed",
           "The difference between the request time and the current time is too large."},
    Preset{"redirect", FaultKind::redirect, 301, "PermanentRedirect",
           "The bucket you are attempting to access must be addressed using the specified endpoint."},
    Preset{"cut-xml", FaultKind::cut_xml, 0, "", ""},
    Preset{"repeat-key", FaultKind::repeat_key, 0, "", ""},
    Preset{"endless-token", FaultKind::endless_token, 0, "", ""},
};

void refuse_unknown(const json& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    bool found = false;
    for (std::string_view candidate : known)
      found = found || candidate == name;
    if (!found) throw std::invalid_argument("fault rules do not know '" + name + "'");
  }
}

Fault parse_action(const json& action) {
  refuse_unknown(action, {"type", "status", "code", "message", "headers", "bytes", "at", "ms", "seconds",
                          "region", "value", "apply", "early", "request-bytes"});
  std::string type = action.at("type");
  for (const Preset& preset : kPresets) {
    if (preset.type != type) continue;
    Fault fault;
    fault.kind = preset.kind;
    fault.status = action.value("status", preset.status);
    fault.code = action.value("code", std::string(preset.code));
    fault.message = action.value("message", std::string(preset.message));
    fault.region = action.value("region", std::string("eu-west-1"));
    fault.value = action.value("value", std::string());
    fault.bytes = action.value("bytes", std::uint64_t{0});
    fault.at = action.value("at", std::uint64_t{0});
    fault.milliseconds = action.value("ms", std::uint64_t{0});
    fault.seconds = action.value("seconds", std::int64_t{3600});
    fault.apply = action.value("apply", false);
    fault.early = action.value("early", false);
    if (action.contains("request-bytes"))
      fault.request_bytes = action.at("request-bytes").get<std::uint64_t>();
    if (action.contains("headers")) {
      for (const auto& [name, value] : action.at("headers").items())
        fault.headers.emplace_back(name, value);
    }
    return fault;
  }
  throw std::invalid_argument("no fault is called '" + type + "'");
}

}  // namespace

void Faults::load(std::string_view text) {
  json document = json::parse(text);
  refuse_unknown(document, {"rules"});
  std::vector<Rule> rules;
  for (const json& entry : document.at("rules")) {
    refuse_unknown(entry, {"match", "skip", "count", "every", "probability", "seed", "action"});
    Rule rule;
    json match = entry.value("match", json::object());
    refuse_unknown(match, {"operation", "method", "bucket", "key", "query", "header"});
    if (match.contains("operation")) {
      const json& operation = match.at("operation");
      if (operation.is_array()) {
        rule.operations = operation.get<std::vector<std::string>>();
      } else {
        rule.operations = {operation.get<std::string>()};
      }
    }
    rule.method = match.value("method", std::string());
    rule.bucket = match.value("bucket", std::string("*"));
    rule.key = match.value("key", std::string("*"));
    rule.query = match.value("query", std::string("*"));
    rule.header = match.value("header", std::string("*"));
    rule.skip = entry.value("skip", std::uint64_t{0});
    rule.every = entry.value("every", std::uint64_t{1});
    if (rule.every == 0) throw std::invalid_argument("'every' begins at 1");
    rule.probability = entry.value("probability", 1.0);
    // a rule that names a share is meant to last
    bool lasting = rule.every > 1 || rule.probability < 1;
    rule.count = entry.value("count", std::uint64_t{lasting ? 0u : 1u});
    rule.random = entry.value("seed", std::uint64_t{1}) * 0x9E3779B97F4A7C15 + 1;
    rule.fault = parse_action(entry.at("action"));
    rules.push_back(std::move(rule));
  }
  std::scoped_lock lock(mutex_);
  rules_ = std::move(rules);
  armed_ = !rules_.empty();
}

void Faults::clear() {
  std::scoped_lock lock(mutex_);
  rules_.clear();
  armed_ = false;
}

std::optional<Fault> Faults::match(const Request& request, Operation operation) {
  if (!armed_.load(std::memory_order_relaxed)) return std::nullopt;
  std::scoped_lock lock(mutex_);
  for (Rule& rule : rules_) {
    if (rule.count != 0 && rule.struck == rule.count) continue;
    bool named = rule.operations.empty();
    for (const std::string& name : rule.operations)
      named = named || glob_match(name, operation_name(operation));
    if (!named || (!rule.method.empty() && rule.method != request.method)) continue;
    if (!glob_match(rule.bucket, request.bucket) || !glob_match(rule.key, request.key)) continue;
    if (!glob_match(rule.query, request.query)) continue;
    if (rule.header != "*") {
      bool found = false;
      std::string line;
      for (const Header& header : request) {
        line.assign(header.name).append(": ").append(header.value);
        found = found || glob_match(rule.header, line);
      }
      if (!found) continue;
    }
    std::uint64_t nth = rule.matched++;
    if (nth < rule.skip || (nth - rule.skip) % rule.every != rule.every - 1) continue;
    if (rule.probability < 1) {
      rule.random ^= rule.random << 13;
      rule.random ^= rule.random >> 7;
      rule.random ^= rule.random << 17;
      if (static_cast<double>(rule.random >> 11) * 0x1p-53 >= rule.probability) continue;
    }
    ++rule.struck;
    return rule.fault;
  }
  return std::nullopt;
}

std::string Faults::report() const {
  std::scoped_lock lock(mutex_);
  json out = json::array();
  for (const Rule& rule : rules_)
    out.push_back({{"matched", rule.matched}, {"struck", rule.struck}});
  return out.dump();
}

}  // namespace haul::fakes3

#include "app/run_selection.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/time_format.h"

namespace haul::app {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"job", "errors", "kept", "revert", "plan"};

Error unreadable() {
  return Error(ErrorClass::data_loss, "the state does not say which objects the run is of");
}

}  // namespace

std::string encode_selection(const RunSelection& selection) {
  nlohmann::ordered_json document{{"objects", kKinds.at(static_cast<std::size_t>(selection.kind))}};
  if (!selection.of.empty()) document["of"] = selection.of;
  if (!selection.again.empty()) document["again"] = selection.again;
  if (selection.errors.error_class) document["class"] = to_string(*selection.errors.error_class);
  if (selection.errors.code) document["code"] = *selection.errors.code;
  // Keys are bytes, and JSON is text.
  if (!selection.errors.key_prefix.empty()) document["prefix"] = percent_encode(selection.errors.key_prefix);
  if (selection.moved_before)
    document["moved-before"] = format_iso8601(*selection.moved_before, Fraction::nanoseconds);
  if (!selection.plan.empty()) {
    document["plan"] = percent_encode(selection.plan, Slash::keep);
    document["sha256"] = selection.plan_sha256;
    document["extras"] = selection.part == PlanPart::extras ? "yes" : "no";
  }
  return document.dump();
}

RunSelection decode_selection(std::string_view text) {
  RunSelection selection;
  if (text.empty()) return selection;
  const auto document = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) throw unreadable();
  const auto word = [&](const char* name) -> std::string {
    const auto found = document.find(name);
    if (found == document.end()) return {};
    if (!found->is_string()) throw unreadable();
    return found->get<std::string>();
  };
  const auto kind = std::ranges::find(kKinds, word("objects"));
  if (kind == kKinds.end()) throw unreadable();
  selection.kind = static_cast<RunSelection::Kind>(kind - kKinds.begin());
  selection.of = word("of");
  selection.again = word("again");
  selection.errors.error_class = parse_error_class(word("class"));
  if (document.contains("code")) selection.errors.code = word("code");
  selection.errors.key_prefix = percent_decode(word("prefix")).value_or("");
  if (document.contains("moved-before")) {
    selection.moved_before = parse_iso8601(word("moved-before"));
    if (!selection.moved_before) throw unreadable();
  }
  selection.plan = percent_decode(word("plan")).value_or("");
  selection.plan_sha256 = word("sha256");
  if (word("extras") == "yes") selection.part = PlanPart::extras;
  return selection;
}

}  // namespace haul::app

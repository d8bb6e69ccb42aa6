#include "app/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/output.h"

namespace haul::app {
namespace {

std::string_view health_word(Health health) {
  switch (health) {
    case Health::good: return "ok";
    case Health::note: return "note";
    case Health::bad: return "BAD";
  }
  return "";
}

}  // namespace

void Findings::bad(std::string check, std::string subject, const Error& error, std::string remedy) {
  std::string words = error.message();
  if (!error.code().empty()) words += fmt::format(" ({}, HTTP {})", error.code(), error.http_status());
  bad(std::move(check), std::move(subject), std::move(words), error.hint().empty() ? remedy : error.hint());
}

bool Findings::any_bad() const {
  return std::ranges::any_of(all_, [](const Finding& finding) { return finding.health == Health::bad; });
}

std::string Findings::text() const {
  std::string out;
  std::string subject;
  for (const Finding& finding : all_) {
    if (finding.subject != subject) {
      subject = finding.subject;
      out += "\n" + subject + "\n";
    }
    out += fmt::format("  {:<5} {:<14} {}\n", health_word(finding.health), finding.check, finding.message);
    if (!finding.remedy.empty()) out += fmt::format("  {:<5} {:<14} -> {}\n", "", "", finding.remedy);
  }
  return out;
}

std::string Findings::json() const {
  std::string out = "{\"healthy\":";
  out += any_bad() ? "false" : "true";
  out += ",\"findings\":[";
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Finding& finding = all_[i];
    out += i == 0 ? "{\"health\":" : ",{\"health\":";
    append_json(out, finding.health == Health::bad ? "bad" : health_word(finding.health));
    for (const auto& [name, value] :
         {std::pair{"check", &finding.check}, std::pair{"subject", &finding.subject},
          std::pair{"message", &finding.message}, std::pair{"remedy", &finding.remedy}}) {
      if (value->empty()) continue;
      out += fmt::format(",\"{}\":", name);
      append_json(out, *value);
    }
    out += '}';
  }
  return out + "]}\n";
}

}  // namespace haul::app

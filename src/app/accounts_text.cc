#include "app/accounts_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/estimate.h"

namespace haul::app {

std::string equation_text(std::uint64_t whole, std::string_view name, const std::vector<Term>& terms) {
  std::string line = fmt::format("{} {}", with_commas(whole), name);
  bool first = true;
  for (const auto& [term, count] : terms) {
    if (count == 0 && term != "failed") continue;
    line += fmt::format("{}{} {}", first ? " = " : " + ", with_commas(count), term);
    first = false;
  }
  return line;
}

std::uint64_t objects_to_do(const job::Accounts& a) noexcept {
  return a.listed - std::min(a.listed, a.settled());
}

std::vector<std::string> equation_lines(const job::Accounts& a) {
  std::vector<std::string> lines{equation_text(a.listed, "listed",
                                               {{"copied", a.copied},
                                                {"moved", a.moved},
                                                {"deleted", a.deleted},
                                                {"tagged", a.tagged},
                                                {"taken back", a.reverted},
                                                {"same", a.same},
                                                {"different", a.different},
                                                {"missing", a.missing},
                                                {"skipped", a.skipped},
                                                {"filtered", a.filtered},
                                                {"failed", a.failed},
                                                {"not attempted", a.not_attempted},
                                                {"to do", objects_to_do(a)}})};
  if (a.extra != 0) {
    const std::uint64_t settled = a.extra_deleted + a.extra_kept + a.extra_failed;
    lines.push_back(equation_text(a.extra, "extra at the destination",
                                  {{"deleted", a.extra_deleted},
                                   {"kept", a.extra_kept},
                                   {"failed", a.extra_failed},
                                   {"to do", a.extra > settled ? a.extra - settled : 0}}));
  }
  if (a.list_failures != 0)
    lines.push_back(fmt::format("{} parts of the tree could not be listed", with_commas(a.list_failures)));
  return lines;
}

void append_accounts_json(std::string& out, const job::Accounts& accounts) {
  out += '{';
  job::Accounts::each(accounts, [&out](std::string_view name, std::uint64_t value) {
    if (!out.ends_with('{')) out += ',';
    out += fmt::format("\"{}\":{}", name, value);
  });
  out += '}';
}

}  // namespace haul::app

// The accounts of a run as an equation for people, and as JSON (docs/json.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "job/outcome.h"

namespace haul::app {

using Term = std::pair<std::string_view, std::uint64_t>;

// "52 listed = 50 copied + 2 skipped + 0 failed": terms that are zero are left out, but for `failed`.
std::string equation_text(std::uint64_t whole, std::string_view name, const std::vector<Term>& terms);

// Listed objects that have no outcome yet.
std::uint64_t objects_to_do(const job::Accounts& accounts) noexcept;

// The equations of a run, finished or not, a line each.
std::vector<std::string> equation_lines(const job::Accounts& accounts);

void append_accounts_json(std::string& out, const job::Accounts& accounts);

}  // namespace haul::app

// What a ledger adds up to, and whether that is what the accounts say.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "job/ledger_line.h"
#include "job/report.h"

namespace haul::job {

// Not thread-safe.
class LedgerRecount {
 public:
  void add(const LedgerLine& line);

  std::uint64_t lines() const noexcept { return lines_; }
  // Failed or different: the lines that failed-*.csv has too.
  std::uint64_t bad_lines() const noexcept { return bad_lines_; }
  const Accounts& accounts() const noexcept { return accounts_; }

  // Calls report(message) for each count that the accounts have otherwise. What leaves no line (filtered, not
  // attempted, kept extras of a sync) is not compared.
  void compare(const Accounts& accounts, ReportScope scope,
               const std::function<void(std::string)>& report) const;

 private:
  Accounts accounts_;
  std::uint64_t lines_ = 0, bad_lines_ = 0;
};

}  // namespace haul::job

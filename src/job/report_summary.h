// summary.json of a report: what the run was, its accounts, the equation they must meet, and the counters by
// the names that readers of DataSync executions know (docs/report.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "base/error.h"
#include "catalog/catalog.h"
#include "job/job.h"
#include "job/outcome.h"
#include "job/run_status.h"

namespace haul::job {

struct RunSummary {
  std::string run, name;  // the run's id, and the job's name
  Operation operation = Operation::copy;
  std::vector<std::string> sources;  // as the user wrote them
  std::string destination;           // empty if there is none
  RunStatus status = RunStatus::completed;
  Accounts accounts;
  Time started{}, ended{};
  // How long each phase took; phases overlap. Zero: not known.
  Duration discovering{}, processing{}, finalizing{};
  std::optional<std::uint64_t> bytes_through;  // bytes that passed through haul
  std::optional<catalog::CatalogEffort> catalogue;
  std::optional<Error> error;           // why the run ended as FAILED
  std::optional<std::string> retry_of;  // the run whose failures these are
};

std::string summary_json(const RunSummary& summary);

// One equation of the promise: `whole` is the sum of the terms.
struct EquationTerm {
  std::string_view name;
  std::uint64_t count;
};
struct Equation {
  EquationTerm whole;
  std::vector<EquationTerm> terms;
  std::uint64_t sum() const noexcept;
  bool closed() const noexcept { return whole.count == sum(); }
};
// Of the source's objects, and of the extra ones at the destination. All terms, also those that are zero.
std::vector<Equation> equations_of(const Accounts& accounts);

std::string_view to_string(Operation operation) noexcept;  // "copy", as job files have it

}  // namespace haul::job

// Proves a report: every hash and the chain over them, the outcomes counted anew and compared with the
// accounts and their equations, and, if asked, the objects themselves. Reads through a store, so that a
// report in a directory and one in a bucket are proven alike.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "job/object_recheck.h"
#include "job/outcome.h"
#include "runtime/context.h"
#include "runtime/task.h"
#include "store/store.h"

namespace haul::job {

struct ReportCheckOptions {
  std::string chain;          // the last value of the chain, if it was kept elsewhere; empty: not compared
  std::uint64_t objects = 0;  // how many to look up in the stores, chosen by `seed`; UINT64_MAX: all
  std::optional<std::uint64_t> seed;  // nothing: taken from the chain, so that it differs by report
  StoreOfPlace stores;                // needed if objects are to be looked up
};

struct Discrepancy {
  std::string place;  // "ledger-00001.jsonl line 3", "summary.json"
  std::string message;
};

struct ReportVerdict {
  std::uint64_t segments = 0, bytes = 0, outcomes = 0;
  std::string chain;
  Accounts stated, counted;                             // by the summary; by the ledger
  bool closed = false;                                  // the equations hold
  std::uint64_t candidates = 0, checked = 0, seed = 0;  // objects that could be, and were, looked up
  std::vector<Discrepancy> discrepancies;               // the first ones
  std::uint64_t discrepancy_count = 0;
  std::vector<Discrepancy> unchecked;  // what could not be looked up, and why: the first ones
  std::uint64_t unchecked_count = 0;

  bool proven() const noexcept { return discrepancy_count == 0 && unchecked_count == 0; }
};

// `prefix`: of the report's files in the store, ending in `/` or empty. Throws not_found if there is no
// manifest.json, and what the store throws; whatever is wrong with the report is in the verdict. Memory does
// not grow with the report.
Task<ReportVerdict> check_report(store::Store& store, std::string prefix, ReportCheckOptions options,
                                 OpContext& context);

}  // namespace haul::job

// One line of a ledger back as what it was written from (docs/report.md has the format).
#pragma once

#include <string>
#include <string_view>

#include "job/outcome.h"

namespace haul::job {

struct LedgerLine {
  Outcome outcome;
  std::string action;                    // "copy", "move", "delete" ...
  std::string place, destination_place;  // as store::Store::describe("") gives them
};

// `line` without its end. Members that are not known are passed over. Throws data_loss without place.
LedgerLine parse_ledger_line(std::string_view line);

}  // namespace haul::job

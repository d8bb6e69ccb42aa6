// Which objects a run is of. Kept with the run, so that whoever goes on with it finds the same ones.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "engine/embedded/runs.h"

namespace haul::app {

enum class PlanPart : bool { objects, extras };

struct RunSelection {
  enum class Kind : std::uint8_t {
    job,     // as the job says
    errors,  // the objects of run `of` that failed, of those error records that the filter chooses
    kept,    // remove the sources that run `of` has kept, if they were moved before `moved_before`
    revert,  // take the moves of run `of` back, as far as their sources are kept
    plan,    // what the plan lists, if it is still as it was then
  };
  Kind kind = Kind::job;
  std::string of;
  std::string again;           // kept: only those whose removal has failed in this run; empty: all
  engine::ErrorFilter errors;  // `after` and `limit` are not looked at
  std::optional<Time> moved_before;
  std::string plan;         // path
  std::string plan_sha256;  // that of its lines
  PlanPart part = PlanPart::objects;
};

// As one line of JSON, and back. decode throws data_loss for what encode does not write.
std::string encode_selection(const RunSelection& selection);
RunSelection decode_selection(std::string_view text);

}  // namespace haul::app

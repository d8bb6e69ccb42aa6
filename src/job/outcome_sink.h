// Who hears of single outcomes while a run goes on: the terminal, a report.
#pragma once

#include <memory>

#include "job/outcome.h"

namespace haul::job {

// Thread safety: accept() is called from all shards at once.
class OutcomeSink {
 public:
  virtual ~OutcomeSink() = default;
  virtual bool wants_all() const noexcept = 0;  // else only failures and differences are given
  virtual void accept(const Outcome& outcome) = 0;
};

}  // namespace haul::job

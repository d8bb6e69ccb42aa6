// Outcomes of a discovery that is not durable yet: on disk until it is, since there may be one of every
// object that was listed. Nothing of it outlives the process. All calls block. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "job/outcome.h"

namespace haul::engine {

class HeldLedger {
 public:
  explicit HeldLedger(std::string path);  // what an earlier process has left there is forgotten
  ~HeldLedger();
  HeldLedger(const HeldLedger&) = delete;
  HeldLedger& operator=(const HeldLedger&) = delete;

  // Writes the lines behind the first `size` bytes; gives the new size. Failures are not kept.
  std::uint64_t append(std::uint64_t size, const job::Ledger& ledger);

  // The lines of the first `size` bytes again, a few MiB at a time.
  void read(std::uint64_t size, const std::function<void(const job::Ledger&)>& take) const;

 private:
  void open();

  const std::string path_;
  int file_ = -1;  // opened when something is appended
};

}  // namespace haul::engine

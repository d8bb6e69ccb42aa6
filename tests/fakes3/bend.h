// A fault applied to an answer.
#pragma once

#include <cstdint>
#include <optional>

#include "faults.h"
#include "request.h"
#include "response.h"

namespace haul::fakes3 {

/// How the answer's bytes go out: whole, unless a fault says otherwise. Counts bytes of the body.
struct Delivery {
  bool unanswered = false;                  // the connection ends, nothing is sent
  std::optional<std::uint64_t> stop_after;  // then the connection ends
  bool hard = false;                        // it ends by a reset
  std::optional<std::uint64_t> stall_after;
  std::uint64_t stall_us = 0;
};

/// Whether the operation is to be done at all before the fault shows.
bool performs(const Fault& fault);

Delivery bend(const Fault& fault, const Request& request, std::int64_t now, Response& response);

}  // namespace haul::fakes3

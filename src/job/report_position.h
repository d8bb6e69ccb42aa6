// How far a report has come, as the state keeps it: what lies before it was acknowledged.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace haul::job {

struct ReportPosition {
  struct Open {
    std::uint32_t number = 1;  // of the segment
    std::uint64_t bytes = 0;   // 0: the file need not be there
    std::string sha256;        // of these bytes
  };
  std::size_t closed = 0;    // segments
  std::string chain;         // behind them
  std::array<Open, 3> open;  // ledger, succeeded, failed
};

std::string format_position(const ReportPosition& position);  // one line
// Throws data_loss for anything else than format_position() gives.
ReportPosition parse_position(std::string_view text);

}  // namespace haul::job

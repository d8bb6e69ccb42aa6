// How far a server's clock is from this machine's. AWS refuses signatures that are more than 15 minutes off,
// so a machine with a wrong clock learns the difference from the first refusal and signs with it from then
// on.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/env.h"

namespace haul::auth {

// One per endpoint. Thread safety: any thread.
class ClockSkew {
 public:
  // The server's time when this machine's clock shows `local`.
  Time correct(Time local) const noexcept { return local + offset(); }

  // Positive when the server is ahead.
  Duration offset() const noexcept { return Duration(offset_.load(std::memory_order_relaxed)); }

  // After RequestTimeTooSkewed: what the server said its time was (ServerTime or the Date header), received
  // at `local`. True if it changed the correction by more than a minute, so that sending again makes sense.
  bool learn(Time server, Time local) noexcept;

 private:
  std::atomic<std::int64_t> offset_{0};  // nanoseconds
};

// A Date header (RFC 9110 section 5.6.7; the preferred form and no other). Nothing if it is malformed.
std::optional<Time> parse_http_date(std::string_view text) noexcept;

// An ISO 8601 time as AWS writes it: 2026-01-31T23:59:59Z, with an optional fraction, and Z, +hh:mm or
// -hh:mm.
std::optional<Time> parse_iso_time(std::string_view text) noexcept;

}  // namespace haul::auth

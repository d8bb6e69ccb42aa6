// Times, durations and sizes as text: as protocols write them, and as people do.
// Protocol parsers answer with nothing when the text is malformed or the time does not fit nanoseconds since
// 1970 (years 1678 to 2261 do). Parsers of what a person typed throw Error(invalid_argument) that names the
// position. Pure functions, safe from any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"

namespace haul {

// ISO 8601 / RFC 3339: 2024-01-31T23:59:59Z, with any number of fractional digits (those after the ninth are
// dropped), with an offset (+02:00, +0200) instead of Z, with a space or t instead of T. No zone means UTC,
// and a date alone its first moment. A leap second (:60) is the second after.
std::optional<Time> parse_iso8601(std::string_view text) noexcept;

enum class Fraction { none, milliseconds, nanoseconds };
void append_iso8601(std::string& out, Time time, Fraction fraction = Fraction::milliseconds);
std::string format_iso8601(Time time, Fraction fraction = Fraction::milliseconds);

// Sun, 06 Nov 1994 08:49:37 GMT (IMF-fixdate, RFC 9110 section 5.6.7; the two obsolete forms are not read).
std::optional<Time> parse_http_date(std::string_view text) noexcept;
std::string format_http_date(Time time);

// 20240131T235959Z, as x-amz-date wants it; the first eight characters are the date of a credential scope.
std::optional<Time> parse_basic_time(std::string_view text) noexcept;
std::string format_basic_time(Time time);

// 1500ms, 1h30m, 1.5h, 7d, 2w: numbers with the units ns us ms s m h d w M y, added up. As with rclone m is a
// minute and M a month of 30 days, a year has 365; unlike there a number without a unit is refused, except 0.
Duration parse_duration(std::string_view text);

// A moment: a date or time as parse_iso8601 reads it, or an age before `now` as parse_duration does.
Time parse_time_or_age(std::string_view text, Time now);

// 64KiB, 200MB, 1G, 1.5t, 4096: K, KB and KiB are all 1024 bytes, M and the others likewise up to E, in
// either case, as users of aws-cli and rclone have it; B or nothing is bytes (rclone takes a bare number for
// KiB). A fraction of a byte is dropped.
std::uint64_t parse_size(std::string_view text);

// The same for bytes per second, with or without "/s" at the end.
std::uint64_t parse_rate(std::string_view text);

std::string format_size(std::uint64_t bytes);    // 999 B, 1.50 KiB, 12.3 MiB, 456 GiB
std::string format_duration(Duration duration);  // 12 us, 450 ms, 3.2 s, 5m02s, 1h05m, 3d04h

}  // namespace haul

#include "base/time_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/utf8.h"

namespace haul {
namespace {

using std::chrono::seconds;

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};

// Reads fixed forms from the front. Once something is missing it stays failed and reads zeros.
class TimeScanner {
 public:
  explicit TimeScanner(std::string_view text) noexcept : rest_(text) {}

  unsigned digits(std::size_t count) noexcept {
    if (rest_.size() < count) return fail();
    unsigned value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const unsigned digit = static_cast<unsigned char>(rest_[i]) - unsigned{'0'};
      if (digit > 9) return fail();
      value = value * 10 + digit;
    }
    rest_.remove_prefix(count);
    return value;
  }

  bool take(char c) noexcept {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void need(char c) noexcept {
    if (!take(c)) fail();
  }
  void need(std::string_view text) noexcept {
    if (!rest_.starts_with(text)) {
      fail();
      return;
    }
    rest_.remove_prefix(text.size());
  }

  template <std::size_t N>
  unsigned name(const std::array<std::string_view, N>& names) noexcept {
    for (unsigned i = 0; i < N; ++i) {
      if (rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        return i;
      }
    }
    return fail();
  }

  // One digit at least; nanoseconds.
  unsigned fraction() noexcept {
    unsigned value = digits(1);
    int places = 1;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1)) {
      if (places == 9) continue;
      value = value * 10 + static_cast<unsigned>(rest_.front() - '0');
      ++places;
    }
    for (; places < 9; ++places)
      value *= 10;
    return value;
  }

  unsigned fail() noexcept {
    failed_ = true;
    rest_ = {};
    return 0;
  }
  bool at_end() const noexcept { return rest_.empty() && !failed_; }
  bool failed() const noexcept { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

struct CivilTime {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, nanosecond = 0;
  int offset_minutes = 0;
};

std::optional<Time> to_time(const CivilTime& t) noexcept {
  using namespace std::chrono;
  const year_month_day date{year(static_cast<int>(t.year)), month(t.month), day(t.day)};
  // One year inside what 64 bits of nanoseconds hold, so that no offset overflows.
  if (!date.ok() || t.year < 1678 || t.year > 2261) return std::nullopt;
  if (t.hour > 23 || t.minute > 59 || t.second > 60) return std::nullopt;
  return Time(sys_days(date)) + hours(t.hour) + minutes(static_cast<int>(t.minute) - t.offset_minutes) +
         seconds(t.second) + nanoseconds(t.nanosecond);
}

// Whole seconds, rounded down, and what is over. Not by std::chrono::floor, which overflows near Time::min().
struct SplitTime {
  std::chrono::sys_seconds whole;
  std::chrono::nanoseconds rest;
};

SplitTime split(Time time) noexcept {
  constexpr std::int64_t kPerSecond = 1'000'000'000;
  std::int64_t whole = time.time_since_epoch().count() / kPerSecond;
  std::int64_t rest = time.time_since_epoch().count() % kPerSecond;
  if (rest < 0) {
    rest += kPerSecond;
    --whole;
  }
  return {std::chrono::sys_seconds(seconds(whole)), std::chrono::nanoseconds(rest)};
}

CivilTime to_civil(Time time) noexcept {
  using namespace std::chrono;
  const auto [whole, rest] = split(time);
  const auto days_since = floor<days>(whole);
  const year_month_day date(days_since);
  const hh_mm_ss<seconds> of_day(whole - days_since);
  return {.year = static_cast<unsigned>(static_cast<int>(date.year())),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = static_cast<unsigned>(of_day.hours().count()),
          .minute = static_cast<unsigned>(of_day.minutes().count()),
          .second = static_cast<unsigned>(of_day.seconds().count()),
          .nanosecond = static_cast<unsigned>(rest.count())};
}

int scan_offset(TimeScanner& scan) noexcept {
  if (scan.take('Z') || scan.take('z')) return 0;
  const bool east = scan.take('+');
  if (!east && !scan.take('-')) return 0;
  const unsigned hours = scan.digits(2);
  scan.take(':');
  const unsigned minutes = scan.digits(2);
  if (hours > 23 || minutes > 59) scan.fail();
  const int offset = static_cast<int>(hours * 60 + minutes);
  return east ? offset : -offset;
}

[[noreturn]] void refuse(std::string_view what, std::string_view text, std::size_t position,
                         std::string_view expected) {
  throw Error(ErrorClass::invalid_argument,
              fmt::format("'{}' is no {}: {} at position {}", visible(text), what, expected, position + 1));
}

// A decimal number in front of a unit: whole and billionths, so that no rounding of floats is in the way.
struct Amount {
  std::uint64_t whole = 0;
  std::uint64_t billionths = 0;

  // Times the unit; nothing when that is too much for 64 bits.
  std::optional<std::uint64_t> of(std::uint64_t unit) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const Wide product = Wide{whole} * unit + Wide{billionths} * unit / 1'000'000'000;
    if (product > std::numeric_limits<std::uint64_t>::max()) return std::nullopt;
    return static_cast<std::uint64_t>(product);
  }
};

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// Reads at `at` and moves it behind the number.
Amount read_amount(std::string_view what, std::string_view text, std::size_t& at) {
  Amount amount;
  const std::size_t start = at;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    if (amount.whole > (std::numeric_limits<std::uint64_t>::max() - 9) / 10) {
      refuse(what, text, start, "the number is too large");
    }
    amount.whole = amount.whole * 10 + static_cast<unsigned>(text[at] - '0');
  }
  bool has_digits = at != start;
  if (at < text.size() && text[at] == '.') {
    std::uint64_t place = 100'000'000;
    for (++at; at < text.size() && is_digit(text[at]); ++at, place /= 10) {
      amount.billionths += place * static_cast<unsigned>(text[at] - '0');
      has_digits = true;
    }
  }
  if (!has_digits) refuse(what, text, start, "a number is expected");
  return amount;
}

struct Unit {
  std::string_view name;
  std::uint64_t nanoseconds;
};
constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 10> kDurationUnits{{{"ns", 1},
                                               {"us", 1'000},
                                               {"ms", 1'000'000},
                                               {"s", kSecond},
                                               {"m", 60 * kSecond},
                                               {"h", 3600 * kSecond},
                                               {"d", 86400 * kSecond},
                                               {"w", 7 * 86400 * kSecond},
                                               {"M", 30 * 86400 * kSecond},
                                               {"y", 365 * 86400 * kSecond}}};

std::uint64_t size_named(std::string_view what, std::string_view text) {
  std::size_t at = 0;
  const Amount amount = read_amount(what, text, at);
  const std::string_view suffix = text.substr(at);
  const auto letter = [&](std::size_t i) { return i < suffix.size() ? suffix[i] | 0x20 : 0; };
  constexpr std::string_view kLetters = "kmgtpe";
  std::size_t used = 0;
  int power = 0;
  if (const auto found = kLetters.find(static_cast<char>(letter(0)));
      !suffix.empty() && found != kLetters.npos) {
    power = static_cast<int>(found) + 1;
    used = letter(1) == 'i' && letter(2) == 'b' ? 3 : letter(1) == 'i' || letter(1) == 'b' ? 2 : 1;
  } else if (letter(0) == 'b') {
    used = 1;
  }
  if (used != suffix.size()) {
    refuse(what, text, at, "nothing, or B, K, KB, KiB, M, ..., E is expected as the unit");
  }
  const auto bytes = amount.of(std::uint64_t{1} << (10 * power));
  if (!bytes) refuse(what, text, 0, "the number is too large");
  return *bytes;
}

}  // namespace

std::optional<Time> parse_iso8601(std::string_view text) noexcept {
  TimeScanner scan(text);
  CivilTime t;
  t.year = scan.digits(4);
  scan.need('-');
  t.month = scan.digits(2);
  scan.need('-');
  t.day = scan.digits(2);
  if (!scan.at_end()) {
    if (!scan.take('T') && !scan.take('t')) scan.need(' ');
    t.hour = scan.digits(2);
    scan.need(':');
    t.minute = scan.digits(2);
    scan.need(':');
    t.second = scan.digits(2);
    if (scan.take('.')) t.nanosecond = scan.fraction();
    t.offset_minutes = scan_offset(scan);
  }
  if (!scan.at_end()) return std::nullopt;
  return to_time(t);
}

// By hand, since a manifest carries one per object and fmt takes ten times as long.
void append_iso8601(std::string& out, Time time, Fraction fraction) {
  const CivilTime t = to_civil(time);
  std::array<char, 30> text;
  char* end = text.data();
  const auto put = [&end](unsigned value, int digits, char after) {
    for (int i = digits - 1; i >= 0; --i, value /= 10)
      end[i] = static_cast<char>('0' + value % 10);
    end[digits] = after;
    end += digits + 1;
  };
  put(t.year, 4, '-');
  put(t.month, 2, '-');
  put(t.day, 2, 'T');
  put(t.hour, 2, ':');
  put(t.minute, 2, ':');
  switch (fraction) {
    case Fraction::none: put(t.second, 2, 'Z'); break;
    case Fraction::milliseconds:
      put(t.second, 2, '.');
      put(t.nanosecond / 1'000'000, 3, 'Z');
      break;
    case Fraction::nanoseconds:
      put(t.second, 2, '.');
      put(t.nanosecond, 9, 'Z');
      break;
  }
  out.append(text.data(), end);
}

std::string format_iso8601(Time time, Fraction fraction) {
  std::string out;
  append_iso8601(out, time, fraction);
  return out;
}

std::optional<Time> parse_http_date(std::string_view text) noexcept {
  TimeScanner scan(text);
  CivilTime t;
  scan.name(kWeekdays);
  scan.need(", ");
  t.day = scan.digits(2);
  scan.need(' ');
  t.month = scan.name(kMonths) + 1;
  scan.need(' ');
  t.year = scan.digits(4);
  scan.need(' ');
  t.hour = scan.digits(2);
  scan.need(':');
  t.minute = scan.digits(2);
  scan.need(':');
  t.second = scan.digits(2);
  scan.need(" GMT");
  if (!scan.at_end()) return std::nullopt;
  return to_time(t);
}

std::string format_http_date(Time time) {
  const CivilTime t = to_civil(time);
  const std::chrono::weekday weekday(std::chrono::floor<std::chrono::days>(split(time).whole));
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kWeekdays[weekday.c_encoding()], t.day,
                     kMonths[t.month - 1], t.year, t.hour, t.minute, t.second);
}

std::optional<Time> parse_basic_time(std::string_view text) noexcept {
  TimeScanner scan(text);
  CivilTime t;
  t.year = scan.digits(4);
  t.month = scan.digits(2);
  t.day = scan.digits(2);
  scan.need('T');
  t.hour = scan.digits(2);
  t.minute = scan.digits(2);
  t.second = scan.digits(2);
  scan.need('Z');
  if (!scan.at_end()) return std::nullopt;
  return to_time(t);
}

std::string format_basic_time(Time time) {
  const CivilTime t = to_civil(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", t.year, t.month, t.day, t.hour, t.minute, t.second);
}

Duration parse_duration(std::string_view text) {
  constexpr std::string_view kWhat = "duration";
  if (text == "0") return Duration::zero();
  std::uint64_t total = 0;
  std::size_t at = 0;
  do {
    const std::size_t start = at;
    const Amount amount = read_amount(kWhat, text, at);
    std::size_t end = at;
    while (end < text.size() && !is_digit(text[end]) && text[end] != '.')
      ++end;
    const std::string_view name = text.substr(at, end - at);
    const auto* unit = std::ranges::find(kDurationUnits, name, &Unit::name);
    if (unit == kDurationUnits.end()) {
      refuse(kWhat, text, at, "a unit (ms, s, m, h, d, w, M, y) is expected");
    }
    const auto part = amount.of(unit->nanoseconds);
    if (!part || __builtin_add_overflow(total, *part, &total) ||
        total > static_cast<std::uint64_t>(Duration::max().count())) {
      refuse(kWhat, text, start, "too long (292 years are the most)");
    }
    at = end;
  } while (at < text.size());
  return Duration(static_cast<Duration::rep>(total));
}

Time parse_time_or_age(std::string_view text, Time now) {
  if (const auto time = parse_iso8601(text)) return *time;
  if (text.size() > 4 && text[4] == '-') {
    refuse("time", text, 0, "a date as 2024-01-31 or a time as 2024-01-31T23:59:59Z is expected");
  }
  const Duration age = parse_duration(text);
  if (now.time_since_epoch() < Duration::min() + age) return Time::min();
  return now - age;
}

std::uint64_t parse_size(std::string_view text) {
  return size_named("size", text);
}

std::uint64_t parse_rate(std::string_view text) {
  std::string_view size = text;
  if (size.ends_with("/s")) size.remove_suffix(2);
  return size_named("rate", size);
}

std::string format_size(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<std::string_view, 6> kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  // What would be rounded to 1024 is one of the next unit.
  for (; value >= 1023.5 && unit + 1 < kUnits.size(); ++unit)
    value /= 1024;
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

std::string format_duration(Duration duration) {
  using namespace std::chrono;
  if (duration < Duration::zero()) {
    return "-" + format_duration(duration == Duration::min() ? Duration::max() : -duration);
  }
  if (duration < 1ms) return fmt::format("{} us", floor<microseconds>(duration).count());
  if (duration < 999'500us) return fmt::format("{} ms", round<milliseconds>(duration).count());
  if (duration < 59'950ms)
    return fmt::format("{:.1f} s", duration_cast<std::chrono::duration<double>>(duration).count());
  const auto whole =
      duration > Duration::max() - 1s ? floor<seconds>(duration).count() : round<seconds>(duration).count();
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole / 60 % 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole / 3600 % 24);
}

}  // namespace haul

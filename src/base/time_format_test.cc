#include "base/time_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"

namespace haul {
namespace {

using std::chrono_literals::operator""h;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ns;
using testing::HasSubstr;

Time at(std::int64_t since_1970, Duration rest = 0ns) {
  return Time(std::chrono::seconds(since_1970)) + rest;
}

constexpr std::uint64_t kKib = 1024;

template <class Parse>
std::string refusal(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
    return error.message();
  }
  return "";
}

TEST(Iso8601, is_read_as_s3_sends_it) {
  EXPECT_EQ(parse_iso8601("2024-01-01T00:00:00.000Z"), at(1704067200));
  EXPECT_EQ(parse_iso8601("1970-01-01T00:00:00Z"), at(0));
  EXPECT_EQ(parse_iso8601("2024-02-29T23:59:59.123Z"), at(1709251199, 123ms));
  EXPECT_EQ(parse_iso8601("1969-12-31T23:59:59.5Z"), at(-1, 500ms));
}

TEST(Iso8601, is_read_with_and_without_fraction_offset_and_time) {
  EXPECT_EQ(parse_iso8601("2024-01-01T00:00:00.123456789Z"), at(1704067200, 123456789ns));
  EXPECT_EQ(parse_iso8601("2024-01-01T00:00:00.1234567899Z"), at(1704067200, 123456789ns));
  EXPECT_EQ(parse_iso8601("2024-01-01T02:00:00+02:00"), at(1704067200));
  EXPECT_EQ(parse_iso8601("2023-12-31T19:30:00.000-0430"), at(1704067200));
  EXPECT_EQ(parse_iso8601("2024-01-01t00:00:00z"), at(1704067200));
  EXPECT_EQ(parse_iso8601("2024-01-01 00:00:00"), at(1704067200));
  EXPECT_EQ(parse_iso8601("2024-01-01"), at(1704067200));
  EXPECT_EQ(parse_iso8601("2016-12-31T23:59:60Z"), at(1483228800));
}

TEST(Iso8601, is_refused_when_malformed_or_out_of_range) {
  for (const auto* bad : {"",
                          "2024",
                          "2024-01",
                          "2024-1-1",
                          "2024-13-01",
                          "2024-00-01",
                          "2024-01-32",
                          "2023-02-29",
                          "2024-01-01T",
                          "2024-01-01T00",
                          "2024-01-01T00:00",
                          "2024-01-01T24:00:00Z",
                          "2024-01-01T00:60:00Z",
                          "2024-01-01T00:00:61Z",
                          "2024-01-01T00:00:00.Z",
                          "2024-01-01T00:00:00Zx",
                          "2024-01-01T00:00:00+2",
                          "2024-01-01T00:00:00+24:00",
                          "2024-01-01X00:00:00Z",
                          "0001-01-01T00:00:00Z",
                          "9999-12-31T23:59:59Z",
                          "2024-01-01T00:00:00 Z",
                          "-024-01-01",
                          "2024-01-01T-1:00:00Z"}) {
    EXPECT_FALSE(parse_iso8601(bad)) << bad;
  }
}

TEST(Iso8601, is_written_with_the_wanted_fraction) {
  const Time time = at(1709251199, 45'678'901ns);
  EXPECT_EQ(format_iso8601(time), "2024-02-29T23:59:59.045Z");
  EXPECT_EQ(format_iso8601(time, Fraction::none), "2024-02-29T23:59:59Z");
  EXPECT_EQ(format_iso8601(time, Fraction::nanoseconds), "2024-02-29T23:59:59.045678901Z");
  EXPECT_EQ(format_iso8601(at(-1, 500ms)), "1969-12-31T23:59:59.500Z");
  EXPECT_EQ(format_iso8601(Time::min()), "1677-09-21T00:12:43.145Z");
  EXPECT_EQ(format_iso8601(Time::max(), Fraction::nanoseconds), "2262-04-11T23:47:16.854775807Z");
}

TEST(Times, come_back_from_each_text) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 5000; ++round) {
    const Time exact = at(static_cast<std::int64_t>(random() % 16'000'000'000) - 8'000'000'000,
                          Duration(random() % 1'000'000'000));
    const Time whole = std::chrono::floor<std::chrono::seconds>(exact);
    ASSERT_EQ(parse_iso8601(format_iso8601(exact, Fraction::nanoseconds)), exact);
    ASSERT_EQ(parse_http_date(format_http_date(exact)), whole);
    ASSERT_EQ(parse_basic_time(format_basic_time(exact)), whole);
  }
}

TEST(HttpDate, has_the_form_of_rfc_9110) {
  EXPECT_EQ(format_http_date(at(784111777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(format_http_date(Time::min()), "Tue, 21 Sep 1677 00:12:43 GMT");
  for (const auto* bad :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nox 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  }
}

TEST(BasicTime, has_the_form_of_a_signature) {
  EXPECT_EQ(format_basic_time(at(1369353600)), "20130524T000000Z");
  EXPECT_EQ(parse_basic_time("20130524T000000Z"), at(1369353600));
  EXPECT_FALSE(parse_basic_time("20130524T000000"));
  EXPECT_FALSE(parse_basic_time("2013-05-24T00:00:00Z"));
}

TEST(DurationText, is_read_as_people_write_it) {
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("7d"), 24h * 7);
  EXPECT_EQ(parse_duration("2w"), 24h * 14);
  EXPECT_EQ(parse_duration("1500ms"), 1500ms);
  EXPECT_EQ(parse_duration("1M"), 24h * 30);
  EXPECT_EQ(parse_duration("1y"), 24h * 365);
  EXPECT_EQ(parse_duration("0"), 0s);
  EXPECT_EQ(parse_duration("0.1s"), 100ms);
  EXPECT_EQ(parse_duration("3us7ns"), 3007ns);
}

TEST(DurationText, names_the_position_of_what_is_wrong) {
  EXPECT_THAT(refusal(parse_duration, ""), HasSubstr("a number is expected at position 1"));
  EXPECT_THAT(refusal(parse_duration, "10"),
              HasSubstr("a unit (ms, s, m, h, d, w, M, y) is expected at position 3"));
  EXPECT_THAT(refusal(parse_duration, "1h5x"), HasSubstr("position 4"));
  EXPECT_THAT(refusal(parse_duration, "-1h"), HasSubstr("position 1"));
  EXPECT_THAT(refusal(parse_duration, "1h 5m"), HasSubstr("position 2"));
  EXPECT_THAT(refusal(parse_duration, ".h"), HasSubstr("position 1"));
  EXPECT_THAT(refusal(parse_duration, "1h400y"), HasSubstr("too long"));
  EXPECT_THAT(refusal(parse_duration, "99999999999999999999s"), HasSubstr("too large"));
  EXPECT_THAT(refusal(parse_duration, "1\n"), HasSubstr("'1\\n'"));
}

TEST(TimeOrAge, is_a_date_or_reckoned_back_from_now) {
  const Time now = at(1704067200);
  EXPECT_EQ(parse_time_or_age("1d", now), now - 24h);
  EXPECT_EQ(parse_time_or_age("2023-12-31", now), now - 24h);
  EXPECT_EQ(parse_time_or_age("290y", now), now - 24h * 365 * 290);
  const auto parse = [&](std::string_view text) { parse_time_or_age(text, now); };
  EXPECT_THAT(refusal(parse, "2023-31-12"), HasSubstr("is no time"));
  EXPECT_THAT(refusal(parse, "yesterday"), HasSubstr("a number is expected"));
}

TEST(SizeText, counts_in_powers_of_1024) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("10B"), 10U);
  for (const auto* text : {"64K", "64k", "64KB", "64kb", "64Ki", "64KiB", "64kib"}) {
    EXPECT_EQ(parse_size(text), 64 * kKib) << text;
  }
  EXPECT_EQ(parse_size("200MB"), 200 * kKib * kKib);
  EXPECT_EQ(parse_size("1G"), kKib * kKib * kKib);
  EXPECT_EQ(parse_size("1.5T"), 3 * kKib * kKib * kKib * kKib / 2);
  EXPECT_EQ(parse_size("15E"), std::uint64_t{15} << 60);
  EXPECT_EQ(parse_size("18446744073709551599"), 18446744073709551599U);
}

TEST(SizeText, names_the_position_of_what_is_wrong) {
  EXPECT_THAT(refusal(parse_size, ""), HasSubstr("a number is expected at position 1"));
  EXPECT_THAT(refusal(parse_size, "K"), HasSubstr("position 1"));
  EXPECT_THAT(refusal(parse_size, "-1"), HasSubstr("position 1"));
  for (const auto* text : {"1X", "1KX", "1KiBs", "1bb", "1 K", "1iB", "1K5"}) {
    EXPECT_THAT(refusal(parse_size, text), HasSubstr("at position 2")) << text;
  }
  EXPECT_THAT(refusal(parse_size, "16E"), HasSubstr("too large"));
}

TEST(RateText, may_end_in_per_second) {
  EXPECT_EQ(parse_rate("200MB/s"), 200 * kKib * kKib);
  EXPECT_EQ(parse_rate("1M"), kKib * kKib);
  EXPECT_THAT(refusal(parse_rate, "1M/m"), HasSubstr("is no rate"));
}

TEST(SizeForPeople, has_three_digits_that_count) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1536), "1.50 KiB");
  EXPECT_EQ(format_size(12 * kKib * kKib + 300 * kKib), "12.3 MiB");
  EXPECT_EQ(format_size(456 * kKib * kKib * kKib), "456 GiB");
  EXPECT_EQ(format_size(kKib * kKib - 1), "1.00 MiB");
  EXPECT_EQ(format_size(~std::uint64_t{0}), "16.0 EiB");
}

TEST(DurationForPeople, has_the_two_largest_units) {
  EXPECT_EQ(format_duration(12us), "12 us");
  EXPECT_EQ(format_duration(450ms), "450 ms");
  EXPECT_EQ(format_duration(3210ms), "3.2 s");
  EXPECT_EQ(format_duration(999'900us), "1.0 s");
  EXPECT_EQ(format_duration(59'990ms), "1m00s");
  EXPECT_EQ(format_duration(302s), "5m02s");
  EXPECT_EQ(format_duration(65min), "1h05m");
  EXPECT_EQ(format_duration(76h), "3d04h");
  EXPECT_EQ(format_duration(-450ms), "-450 ms");
  EXPECT_EQ(format_duration(Duration::min()), "-106751d23h");
}

}  // namespace
}  // namespace haul

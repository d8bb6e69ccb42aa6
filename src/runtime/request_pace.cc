#include "runtime/request_pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace haul {
namespace {

constexpr double kSpan = 0.25;       // seconds
constexpr double kShortSpan = 0.05;  // seconds, of one with many refusals
constexpr std::uint64_t kManyRefusals = 20;
constexpr double kLongestSpan = 4;      // seconds
constexpr double kEnoughRequests = 20;  // in a span, to tell a share of them
constexpr double kLeastRate = 1;        // a second
// Of which turns may be taken at once that nobody took, or be owed: or one turn, where it takes longer.
constexpr Duration kTurnsAtOnce = std::chrono::milliseconds(10);
constexpr Duration kMostDebt = std::chrono::milliseconds(250);
constexpr Duration kLeastWait = std::chrono::milliseconds(1);
// Below what would not have been refused by so much: the service's allowance fills up again.
constexpr double kBelow = 0.97;
constexpr double kGuessGrowth = 1.5;  // in a span
// A larger share of refusals than such growth can lead to says little of a limit: much was sent at a pace
// before, or the service is out of order and takes nothing.
constexpr double kUnsure = 0.35;
// Where requests are few, a span is longer and counts as several, up to so many.
constexpr double kMostGuesses = 4;
constexpr std::uint64_t kEnoughToGuess = 10;
constexpr double kMoment = 0.1;   // seconds
constexpr double kSilence = 1.0;  // seconds without an answer: nothing was asked, and no rate is told
// Each clean span raises the pace by this much more than the one before, up to the last.
constexpr double kPaceGrowth = 0.006;
constexpr double kMostGrowth = 0.15;
constexpr double kTolerated = 0.01;  // share of refusals that says that the pace is right as it is

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

Duration interval_of(double rate) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(1 / rate));
}

// When the last turn was taken at the earliest: what nobody took before is forgotten.
SteadyTime last_taken(SteadyTime used_up, Duration interval, SteadyTime now) {
  return std::max(used_up, now - std::max(interval, kTurnsAtOnce));
}

}  // namespace

// Turns are times: one is there once an interval has passed since they were used up, and those that nobody
// took are forgotten but for a few.
bool RequestPace::take(SteadyTime now) noexcept {
  const double rate = per_second();
  if (rate == 0) return true;
  const Duration interval = interval_of(rate);
  SteadyTime used_up = used_up_.load(std::memory_order_relaxed);
  SteadyTime begin;
  do {
    begin = last_taken(used_up, interval, now);
    if (now - begin < interval) {
      if (!waited_.load(std::memory_order_relaxed)) waited_.store(true, std::memory_order_relaxed);
      return false;
    }
  } while (!used_up_.compare_exchange_weak(used_up, begin + interval, std::memory_order_relaxed));
  return true;
}

Duration RequestPace::wait(SteadyTime now) const noexcept {
  const double rate = per_second();
  if (rate == 0) return {};
  return std::max(kLeastWait, used_up_.load(std::memory_order_relaxed) + interval_of(rate) - now);
}

void RequestPace::overdraw(SteadyTime now) noexcept {
  const double rate = per_second();
  if (rate == 0) return;
  const Duration interval = interval_of(rate);
  const SteadyTime latest = now + std::max(interval, kMostDebt);
  SteadyTime used_up = used_up_.load(std::memory_order_relaxed);
  while (!used_up_.compare_exchange_weak(
      used_up, std::min(last_taken(used_up, interval, now) + interval, latest), std::memory_order_relaxed)) {
  }
}

void RequestPace::accepted(std::uint64_t requests, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  look(now);
  if (now >= since_) accepted_ += requests;
}

void RequestPace::refused(bool pressed, Duration latency, SteadyTime now) noexcept {
  const std::lock_guard lock(mutex_);
  if (latency != Duration{}) latency_ = latency;
  look(now);
  if (active()) {
    if (now >= since_) ++refused_;
    if (pressed) waited_.store(true, std::memory_order_relaxed);
    return;
  }
  if (!pressed) return;
  // What was accepted in a burst is no rate yet, so a moment says little; and nothing if it was refused at
  // once.
  const std::uint64_t accepted = accepted_before_ + accepted_;
  const double seconds = seconds_before_ + seconds_of(now - since_);
  if (accepted < kEnoughToGuess && seconds < kMoment) return;
  guessing_ = true;
  begin(static_cast<double>(accepted) / std::max(kMoment, seconds), latency_, now);
}

void RequestPace::begin(double rate, Duration settle, SteadyTime now) noexcept {
  if (!active()) used_up_.store(now, std::memory_order_relaxed);
  rate_.store(std::max(kLeastRate, rate), std::memory_order_relaxed);
  clean_ = 0;
  // Answers to what was sent at the pace before tell nothing of this one.
  begin_span(now + settle + settle / 2);
}

void RequestPace::begin_span(SteadyTime at) noexcept {
  since_ = at;
  accepted_ = refused_ = 0;
  waited_.store(false, std::memory_order_relaxed);
}

// Ends the span if it was long enough.
void RequestPace::look(SteadyTime now) noexcept {
  const double rate = per_second();
  if (rate == 0 && seconds_of(now - std::exchange(answered_, now)) > kSilence) {
    since_ = now;
    accepted_ = accepted_before_ = 0;
    seconds_before_ = 0;
  }
  if (now < since_) return;
  const double seconds = seconds_of(now - since_);
  if (seconds < length_of_span(rate)) return;
  if (rate == 0) {
    accepted_before_ = accepted_;
    seconds_before_ = seconds;
    return begin_span(now);
  }
  const double judgement = judged(seconds);
  if (judgement < rate) return begin(judgement, latency_, now);
  rate_.store(judgement, std::memory_order_relaxed);
  begin_span(now);
}

// Seconds. Many refusals say at once what a few would have to be waited for: the pauses of all that were
// refused until then would cost more than the limit does.
double RequestPace::length_of_span(double rate) const noexcept {
  if (rate == 0) return kSpan;
  if (refused_ >= kManyRefusals &&
      static_cast<double>(refused_) > kTolerated * static_cast<double>(accepted_))
    return kShortSpan;
  return guessing_ ? kSpan : std::clamp(kEnoughRequests / rate, kSpan, kLongestSpan);
}

// The pace that follows from what the span has shown.
double RequestPace::judged(double seconds) noexcept {
  const double rate = per_second();
  const bool waited = waited_.load(std::memory_order_relaxed);
  const double share =
      refused_ == 0 ? 0 : static_cast<double>(refused_) / static_cast<double>(accepted_ + refused_);
  if (share > kTolerated) {
    // Few requests that are refused among those of others: slower would not help them.
    if (!waited) return rate;
    guessing_ = share > kUnsure;
    // By the share and not by what was accepted: in the pauses of those that were refused less is sent.
    return std::max(kLeastRate, rate * std::max(0.5, kBelow * (1 - share)));
  }
  if (refused_ != 0) {
    guessing_ = false;
    clean_ = 0;
    return rate;
  }
  if (!waited || accepted_ == 0) return rate;
  return rate * (guessing_ ? std::pow(kGuessGrowth, std::min(seconds / kSpan, kMostGuesses))
                           : 1 + std::min(kMostGrowth, kPaceGrowth * ++clean_));
}

}  // namespace haul

#include "runtime/request_pace.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace haul {
namespace {

constexpr double kSpan = 0.25;          // seconds
constexpr double kLongestSpan = 4;      // seconds
constexpr double kEnoughRequests = 20;  // in a span, to tell a share of them
constexpr double kLeastRate = 1;        // a second
constexpr double kTurnsAtOnce = 0.01;   // seconds' worth of turns that may be taken at once
// Below what was accepted by so much: the service's allowance fills up again.
constexpr double kBelow = 0.97;
constexpr double kGuessGrowth = 1.5;  // in a span
// Where requests are few, a span is longer and counts as several, up to so many.
constexpr double kMostGuesses = 4;
constexpr std::uint64_t kEnoughToGuess = 10;
constexpr double kMoment = 0.1;   // seconds
constexpr double kSilence = 1.0;  // seconds without an answer: nothing was asked, and no rate is told
// Each clean span raises the pace by this much more than the one before, up to the last.
constexpr double kPaceGrowth = 0.006;
constexpr double kMostGrowth = 0.15;
constexpr double kTolerated = 0.01;  // share of refusals that says that the pace is right as it is
constexpr double kMostDebt = 0.25;   // seconds' worth of turns, or one turn
constexpr Duration kLeastSpan = std::chrono::milliseconds(1);

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

bool RequestPace::take(SteadyTime now) noexcept {
  if (rate_ == 0) return true;
  turns_ = std::min(std::max(1.0, rate_ * kTurnsAtOnce), turns_ + seconds_of(now - filled_) * rate_);
  filled_ = now;
  if (turns_ < 1) {
    waited_ = true;
    return false;
  }
  turns_ -= 1;
  return true;
}

Duration RequestPace::wait(SteadyTime now) const noexcept {
  if (rate_ == 0) return {};
  const double missing = (1 - turns_) / rate_ - seconds_of(now - filled_);
  return std::max(kLeastSpan, std::chrono::duration_cast<Duration>(std::chrono::duration<double>(missing)));
}

void RequestPace::overdraw() noexcept {
  if (rate_ == 0) return;
  turns_ -= 1;
  bound_debt();
}

void RequestPace::bound_debt() noexcept {
  turns_ = std::max(turns_, -std::max(1.0, rate_ * kMostDebt));
}

void RequestPace::accepted(SteadyTime now) noexcept {
  look(now);
  if (now >= since_) ++accepted_;
}

void RequestPace::refused(bool pressed, Duration latency, SteadyTime now) noexcept {
  latency_ = latency;
  look(now);
  if (rate_ != 0) {
    if (now >= since_) ++refused_;
    waited_ |= pressed;
    return;
  }
  if (!pressed) return;
  // What was accepted in a burst is no rate yet, so a moment says little; and nothing if it was refused at
  // once.
  const std::uint64_t accepted = accepted_before_ + accepted_;
  const double seconds = seconds_before_ + seconds_of(now - since_);
  if (accepted < kEnoughToGuess && seconds < kMoment) return;
  guessing_ = true;
  begin(static_cast<double>(accepted) / std::max(kMoment, seconds), latency, now);
}

void RequestPace::begin(double rate, Duration settle, SteadyTime now) noexcept {
  rate_ = std::max(kLeastRate, rate);
  bound_debt();
  clean_ = 0;
  // Answers to what was sent at the pace before tell nothing of this one.
  since_ = now + std::chrono::duration_cast<SteadyTime::duration>(settle + settle / 2);
  accepted_ = refused_ = 0;
  waited_ = false;
  if (filled_ == SteadyTime{}) filled_ = now;
}

// Ends the span if it was long enough.
void RequestPace::look(SteadyTime now) noexcept {
  if (rate_ == 0 && seconds_of(now - std::exchange(answered_, now)) > kSilence) {
    since_ = now;
    accepted_ = accepted_before_ = 0;
    seconds_before_ = 0;
  }
  if (now < since_) return;
  const double seconds = seconds_of(now - since_);
  const double enough =
      rate_ == 0 || guessing_ ? kSpan : std::clamp(kEnoughRequests / rate_, kSpan, kLongestSpan);
  if (seconds < enough) return;
  if (rate_ == 0) {
    accepted_before_ = accepted_;
    seconds_before_ = seconds;
    since_ = now;
  } else {
    const double before = rate_;
    judge(seconds);
    if (rate_ < before)
      begin(rate_, latency_, now);
    else
      since_ = now;
  }
  accepted_ = refused_ = 0;
  waited_ = false;
}

void RequestPace::judge(double seconds) noexcept {
  const double share =
      refused_ == 0 ? 0 : static_cast<double>(refused_) / static_cast<double>(accepted_ + refused_);
  if (share > kTolerated) {
    // Few requests that are refused among those of others: slower would not help them.
    if (!waited_) return;
    // A service that takes nothing is out of order, and its refusals say nothing of a limit.
    guessing_ = accepted_ == 0;
    rate_ =
        std::max({kLeastRate, rate_ / 2, std::min(rate_, kBelow * static_cast<double>(accepted_) / seconds)});
  } else if (refused_ != 0) {
    guessing_ = false;
    clean_ = 0;
  } else if (waited_ && accepted_ != 0) {
    rate_ *= guessing_ ? std::pow(kGuessGrowth, std::min(seconds / kSpan, kMostGuesses))
                       : 1 + std::min(kMostGrowth, kPaceGrowth * ++clean_);
  }
}

}  // namespace haul

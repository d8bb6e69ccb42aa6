#include "runtime/request_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace haul {
namespace {

using namespace std::chrono_literals;

constexpr SteadyTime kBegin{Duration(1h)};

// A server that takes so many requests a second, a tenth of a second's worth at once, and refuses the rest.
class RateLimitedServer {
 public:
  explicit RateLimitedServer(double rate) : rate_(rate) {}
  void change(double rate) { rate_ = rate; }

  bool takes(SteadyTime now) {
    const double elapsed = std::chrono::duration<double>(now - filled_).count();
    turns_ = std::min(rate_ / 10, turns_ + elapsed * rate_);
    filled_ = now;
    if (turns_ < 1) return false;
    turns_ -= 1;
    return true;
  }

 private:
  double rate_;
  double turns_ = 0;
  SteadyTime filled_ = kBegin;
};

// One who always has more to send, with so many requests in flight at the most.
class EagerClient {
 public:
  EagerClient(std::size_t places, Duration latency) : places_(places), latency_(latency) {}

  void step(RateLimitedServer& server, SteadyTime now) {
    for (; !flying_.empty() && flying_.front().due <= now; flying_.pop_front()) {
      if (flying_.front().taken) {
        pace.accepted(now);
        ++taken;
      } else {
        pace.refused(true, latency_, now);
        ++refused;
      }
    }
    while (flying_.size() < places_ && pace.take(now))
      flying_.push_back({now + latency_, server.takes(now)});
  }

  RequestPace pace;
  std::uint64_t taken = 0, refused = 0;

 private:
  struct Flight {
    SteadyTime due;
    bool taken;
  };
  const std::size_t places_;
  const Duration latency_;
  std::deque<Flight> flying_;
};

struct Course {
  double used = 0;     // of what the server would have taken, 0..1
  double refused = 0;  // of what was sent, 0..1
};

Course run(std::vector<EagerClient>& clients, RateLimitedServer& server, double rate, SteadyTime& now,
           Duration span) {
  for (EagerClient& client : clients)
    client.taken = client.refused = 0;
  for (const SteadyTime end = now + span; now < end; now += 1ms)
    for (EagerClient& client : clients)
      client.step(server, now);
  std::uint64_t taken = 0;
  std::uint64_t refused = 0;
  for (const EagerClient& client : clients) {
    taken += client.taken;
    refused += client.refused;
  }
  return {static_cast<double>(taken) / (rate * std::chrono::duration<double>(span).count()),
          static_cast<double>(refused) / static_cast<double>(taken + refused)};
}

TEST(RequestPace, UsesARateLimitAndIsSeldomRefusedWhateverTheLatencyAndTheNumberOfClients) {
  for (const double rate : {500.0, 3'500.0, 10'000.0})
    for (const Duration latency : {Duration(1ms), Duration(20ms), Duration(100ms)})
      for (const std::size_t count : {1U, 2U, 8U}) {
        RateLimitedServer server(rate);
        std::vector<EagerClient> clients(count, EagerClient(2048 / count, latency));
        SteadyTime now = kBegin;
        run(clients, server, rate, now, 5s);
        const Course course = run(clients, server, rate, now, 30s);
        const auto where = ::testing::Message() << rate << "/s, " << latency / 1ms << " ms, " << count;
        EXPECT_GE(course.used, 0.9) << where;
        EXPECT_LE(course.refused, 0.05) << where;
      }
}

TEST(RequestPace, FindsALimitThatRises) {
  RateLimitedServer server(500);
  std::vector<EagerClient> clients(2, EagerClient(512, 20ms));
  SteadyTime now = kBegin;
  run(clients, server, 500, now, 10s);
  server.change(3'500);
  run(clients, server, 3'500, now, 20s);
  EXPECT_GE(run(clients, server, 3'500, now, 10s).used, 0.9);
}

TEST(RequestPace, FindsALimitThatFalls) {
  RateLimitedServer server(10'000);
  std::vector<EagerClient> clients(2, EagerClient(512, 20ms));
  SteadyTime now = kBegin;
  run(clients, server, 10'000, now, 10s);
  server.change(500);
  run(clients, server, 500, now, 5s);
  const Course course = run(clients, server, 500, now, 10s);
  EXPECT_GE(course.used, 0.9);
  EXPECT_LE(course.refused, 0.05);
}

TEST(RequestPace, IsSoonBackAfterAServiceTookNothing) {
  constexpr double kNoLimit = 1e9;
  RateLimitedServer server(kNoLimit);
  std::vector<EagerClient> clients(1, EagerClient(40, 20ms));  // 2000 a second
  SteadyTime now = kBegin;
  run(clients, server, 2'000, now, 5s);
  server.change(0);
  run(clients, server, 2'000, now, 10s);
  ASSERT_LE(clients.front().pace.per_second(), 10.0);
  server.change(kNoLimit);
  run(clients, server, 2'000, now, 6s);
  EXPECT_GE(clients.front().pace.per_second(), 1'500.0);
  EXPECT_GE(run(clients, server, 2'000, now, 5s).used, 0.9);
}

TEST(RequestPace, NobodyWaitsBeforeTheFirstRefusal) {
  RequestPace pace;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(pace.take(kBegin));
    pace.accepted(kBegin);
  }
  EXPECT_FALSE(pace.active());
}

TEST(RequestPace, ARefusalOfOneWhoAsksForLittleSetsNoPace) {
  RequestPace pace;
  pace.refused(false, 1ms, kBegin);
  EXPECT_FALSE(pace.active());
}

TEST(RequestPace, SilenceBeforeTheFirstRefusalSaysNothingOfTheRate) {
  RequestPace pace;
  for (int i = 0; i < 50; ++i)
    pace.accepted(kBegin);
  SteadyTime now = kBegin + 60s;
  for (int i = 0; i < 200; ++i, now += 1ms)
    pace.accepted(now);
  pace.refused(true, 1ms, now);
  EXPECT_GE(pace.per_second(), 900.0);
  EXPECT_LE(pace.per_second(), 1'100.0);
}

TEST(RequestPace, ARefusalRightAfterSilenceSetsNoPaceYet) {
  RequestPace pace;
  for (int i = 0; i < 50; ++i)
    pace.accepted(kBegin);
  pace.refused(true, 1ms, kBegin + 60s);
  EXPECT_FALSE(pace.active());
}

TEST(RequestPace, NeverComesToAStandstill) {
  RequestPace pace;
  SteadyTime now = kBegin;
  for (int i = 0; i < 100; ++i, now += 500ms)
    pace.refused(true, 1ms, now);
  EXPECT_GE(pace.per_second(), 1.0);
  EXPECT_LE(pace.wait(now), 1s);
}

TEST(RequestPace, ThoseWhoCannotWaitHoldUpTheOthersForAMomentOnly) {
  RequestPace pace;
  for (int i = 0; i < 400; ++i)
    pace.accepted(kBegin);
  pace.refused(true, 1ms, kBegin);
  ASSERT_DOUBLE_EQ(pace.per_second(), 4000.0);
  while (pace.take(kBegin)) {
  }
  for (int i = 0; i < 10'000; ++i)
    pace.overdraw();
  EXPECT_GT(pace.wait(kBegin), 200ms);
  EXPECT_LE(pace.wait(kBegin), 251ms);
  // What is owed at one pace is not owed at a slower one.
  SteadyTime now = kBegin;
  while (pace.per_second() > 1) {
    now += 5s;
    pace.take(now);
    for (int i = 0; i < 10'000; ++i)
      pace.overdraw();
    pace.refused(true, 1ms, now);
    ASSERT_LE(pace.wait(now), 2s) << pace.per_second();
  }
}

TEST(RequestPace, TimeThatNobodyUsedIsNotSavedUp) {
  RequestPace pace;
  for (int i = 0; i < 100; ++i)
    pace.accepted(kBegin);
  pace.refused(true, 1ms, kBegin);
  const SteadyTime later = kBegin + 60s;
  int at_once = 0;
  while (pace.take(later))
    ++at_once;
  EXPECT_LE(at_once, static_cast<int>(pace.per_second() / 50) + 1);
}

}  // namespace
}  // namespace haul

#include "runtime/request_pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <thread>
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
  EagerClient(RequestPace& pace, std::size_t places, Duration latency)
      : pace_(&pace), places_(places), latency_(latency) {}

  void step(RateLimitedServer& server, SteadyTime now) {
    for (; !flying_.empty() && flying_.front().due <= now; flying_.pop_front()) {
      if (flying_.front().taken) {
        pace_->accepted(1, now);
        ++taken;
      } else {
        pace_->refused(true, latency_, now);
        ++refused;
      }
    }
    while (flying_.size() < places_ && pace_->take(now))
      flying_.push_back({now + latency_, server.takes(now)});
  }

  std::uint64_t taken = 0, refused = 0;

 private:
  struct Flight {
    SteadyTime due;
    bool taken;
  };
  RequestPace* pace_;
  std::size_t places_;
  Duration latency_;
  std::deque<Flight> flying_;
};

// So many programs, each of so many shards that keep its pace together.
struct World {
  World(std::size_t programs, std::size_t shards, std::size_t places, Duration latency) : paces(programs) {
    for (RequestPace& pace : paces)
      for (std::size_t i = 0; i < shards; ++i)
        clients.emplace_back(pace, places / programs / shards, latency);
  }
  std::deque<RequestPace> paces;
  std::vector<EagerClient> clients;
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
      for (const std::size_t programs : {1U, 2U, 8U})
        for (const std::size_t shards : {1U, 4U}) {
          RateLimitedServer server(rate);
          World world(programs, shards, 2048, latency);
          SteadyTime now = kBegin;
          run(world.clients, server, rate, now, 5s);
          const Course course = run(world.clients, server, rate, now, 30s);
          const auto where = ::testing::Message()
                             << rate << "/s, " << latency / 1ms << " ms, " << programs << " x " << shards;
          EXPECT_GE(course.used, 0.9) << where;
          EXPECT_LE(course.refused, 0.05) << where;
        }
}

// Each shard had a pace of its own once, and the last one at work was left with its part of the whole.
TEST(RequestPace, WhatOneShardHasNoUseForIsTheOthersAtOnce) {
  RateLimitedServer server(500);
  World world(1, 4, 512, 5ms);
  SteadyTime now = kBegin;
  run(world.clients, server, 500, now, 5s);
  world.clients.resize(1, world.clients.front());
  EXPECT_GE(run(world.clients, server, 500, now, 1s).used, 0.9);
}

TEST(RequestPace, FindsALimitThatRises) {
  RateLimitedServer server(500);
  World world(1, 2, 1024, 20ms);
  SteadyTime now = kBegin;
  run(world.clients, server, 500, now, 10s);
  server.change(3'500);
  run(world.clients, server, 3'500, now, 20s);
  EXPECT_GE(run(world.clients, server, 3'500, now, 10s).used, 0.9);
}

TEST(RequestPace, FindsALimitThatFalls) {
  RateLimitedServer server(10'000);
  World world(1, 2, 1024, 20ms);
  SteadyTime now = kBegin;
  run(world.clients, server, 10'000, now, 10s);
  server.change(500);
  run(world.clients, server, 500, now, 5s);
  const Course course = run(world.clients, server, 500, now, 10s);
  EXPECT_GE(course.used, 0.9);
  EXPECT_LE(course.refused, 0.05);
}

TEST(RequestPace, IsSoonBackAfterAServiceTookNothing) {
  constexpr double kNoLimit = 1e9;
  RateLimitedServer server(kNoLimit);
  World world(1, 1, 40, 20ms);  // 2000 a second
  SteadyTime now = kBegin;
  run(world.clients, server, 2'000, now, 5s);
  server.change(0);
  run(world.clients, server, 2'000, now, 10s);
  ASSERT_LE(world.paces.front().per_second(), 10.0);
  server.change(kNoLimit);
  run(world.clients, server, 2'000, now, 6s);
  EXPECT_GE(world.paces.front().per_second(), 1'500.0);
  EXPECT_GE(run(world.clients, server, 2'000, now, 5s).used, 0.9);
}

TEST(RequestPace, NobodyWaitsBeforeTheFirstRefusal) {
  RequestPace pace;
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_TRUE(pace.take(kBegin));
    pace.accepted(1, kBegin);
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
  pace.accepted(50, kBegin);
  SteadyTime now = kBegin + 60s;
  for (int i = 0; i < 200; ++i, now += 1ms)
    pace.accepted(1, now);
  pace.refused(true, 1ms, now);
  EXPECT_GE(pace.per_second(), 900.0);
  EXPECT_LE(pace.per_second(), 1'100.0);
}

TEST(RequestPace, ARefusalRightAfterSilenceSetsNoPaceYet) {
  RequestPace pace;
  pace.accepted(50, kBegin);
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
  pace.accepted(400, kBegin);
  pace.refused(true, 1ms, kBegin);
  ASSERT_DOUBLE_EQ(pace.per_second(), 4000.0);
  while (pace.take(kBegin)) {
  }
  for (int i = 0; i < 10'000; ++i)
    pace.overdraw(kBegin);
  EXPECT_GT(pace.wait(kBegin), 200ms);
  EXPECT_LE(pace.wait(kBegin), 251ms);
  // What is owed at one pace is not owed at a slower one.
  SteadyTime now = kBegin;
  while (pace.per_second() > 1) {
    now += 5s;
    pace.take(now);
    for (int i = 0; i < 10'000; ++i)
      pace.overdraw(now);
    pace.refused(true, 1ms, now);
    ASSERT_LE(pace.wait(now), 2s) << pace.per_second();
  }
}

TEST(RequestPace, ATurnIsTakenOnceThoughManyThreadsTakeThem) {
  RequestPace pace;
  pace.accepted(1'000, kBegin);
  pace.refused(true, 1ms, kBegin);
  ASSERT_DOUBLE_EQ(pace.per_second(), 10'000.0);
  std::atomic<int> taken{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        while (pace.take(kBegin + 60s))
          ++taken;
      });
  }
  EXPECT_EQ(taken, 100);  // ten milliseconds' worth
}

TEST(RequestPace, TimeThatNobodyUsedIsNotSavedUp) {
  RequestPace pace;
  pace.accepted(100, kBegin);
  pace.refused(true, 1ms, kBegin);
  const SteadyTime later = kBegin + 60s;
  int at_once = 0;
  while (pace.take(later))
    ++at_once;
  EXPECT_LE(at_once, static_cast<int>(pace.per_second() / 50) + 1);
}

}  // namespace
}  // namespace haul

#include "runtime/bandwidth.h"

#include <gtest/gtest.h>

#include <atomic>

#include "runtime/manual_runtime.h"
#include "runtime/task_group.h"

namespace haul {
namespace {

using namespace std::chrono_literals;

Task<> move_bytes(Bandwidth& line, std::uint64_t bytes, std::uint64_t piece, OpContext context) {
  for (std::uint64_t moved = 0; moved < bytes; moved += piece)
    co_await line.take(std::min(piece, bytes - moved), context);
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

TEST(Bandwidth, HoldsWithinFivePercentForPiecesOfAnySize) {
  for (const std::uint64_t piece : {1ULL << 10, 4ULL << 10, 256ULL << 10, 1ULL << 20, 7'000'000ULL}) {
    ManualRuntime world;
    Bandwidth line(10'000'000);
    world.run(move_bytes(line, 20'000'000, piece, world.context()));
    EXPECT_NEAR(seconds(world.env().slept()), 2.0, 0.1) << piece;
  }
}

TEST(Bandwidth, ASingleObjectTakesItsTimeToo) {
  ManualRuntime world;
  Bandwidth line(1'000'000);
  world.run(move_bytes(line, 8'000'000, 8'000'000, world.context()));
  EXPECT_NEAR(seconds(world.env().slept()), 8.0, 0.4);
}

TEST(Bandwidth, AnIdleLineSavesUpNextToNothing) {
  ManualRuntime world;
  Bandwidth line(1'000'000);
  world.run(move_bytes(line, 1000, 1000, world.context()));
  world.env().advance(1h);
  const Duration before = world.env().slept();
  world.run(move_bytes(line, 2'000'000, 10'000, world.context()));
  EXPECT_NEAR(seconds(world.env().slept() - before), 2.0, 0.1);
}

TEST(Bandwidth, NoLimitCostsNoTime) {
  ManualRuntime world;
  Bandwidth line(0);
  EXPECT_FALSE(line.limited());
  world.run(move_bytes(line, 1ULL << 40, 1ULL << 36, world.context()));
  EXPECT_EQ(world.env().slept(), 0s);
}

TEST(Bandwidth, AnAbortEndsTheWait) {
  ManualRuntime world;
  Bandwidth line(1000);
  world.runtime().stop().raise(StopLevel::abort);
  EXPECT_THROW(world.run(move_bytes(line, 1'000'000, 1'000'000, world.context())), Error);
}

// Time that all shards share and that stands still: what each would have to sleep shows how far the line is
// booked.
class FrozenEnv final : public ManualEnv {
 public:
  SteadyTime steady_now() const override { return SteadyTime(1h); }
  bool skip_sleep(Duration duration) const override {
    std::int64_t seen = longest_.load();
    while (seen < duration.count() && !longest_.compare_exchange_weak(seen, duration.count())) {
    }
    return true;
  }
  Duration longest() const { return Duration(longest_.load()); }

 private:
  mutable std::atomic<std::int64_t> longest_{0};
};

struct SharedLine {
  static Task<> on(Shard& shard, Bandwidth& line, OpContext context) {
    co_await on_shard(shard, move_bytes(line, 5'000'000, 1'000, context.on(shard)));
  }
  static Task<> run(Runtime& runtime, Bandwidth& line, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < runtime.shard_count(); ++i)
      group.spawn(on(runtime.shard(i), line, context));
    co_await group.join();
  }
};

TEST(Bandwidth, IsOneLineForAllShards) {
  const FrozenEnv env;
  Runtime runtime(env, null_logger(), {.shards = 4, .blocking_threads = 1});
  Bandwidth line(10'000'000);
  runtime.run(SharedLine::run(runtime, line, runtime.context()));
  EXPECT_NEAR(seconds(env.longest()), 2.0, 0.1);  // 20 MB at 10 MB/s
}

}  // namespace
}  // namespace haul

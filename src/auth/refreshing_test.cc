#include "auth/refreshing.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>

#include "base/error.h"
#include "runtime/shard.h"
#include "runtime/suspend.h"
#include "runtime/task_group.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;

// What the source does is written down beforehand; it counts how often it was asked.
struct Script {
  Duration lifetime = 1h;
  int calls = 0;
  int asked_at_once = 0, most_at_once = 0;
  bool failing = false;
  bool held_back = false;  // a fetch waits until released
  std::move_only_function<void()> release;
};

class ScriptedSource final : public CredentialsSource {
 public:
  explicit ScriptedSource(Script& script) : script_(script) {}
  Task<Credentials> fetch(OpContext& context) override {
    ++script_.calls;
    script_.most_at_once = std::max(script_.most_at_once, ++script_.asked_at_once);
    if (script_.held_back)
      co_await suspend(context.executor(), [this](auto resume) { script_.release = std::move(resume); });
    --script_.asked_at_once;
    if (script_.failing) throw Error(ErrorClass::unavailable, "the metadata service is down");
    Credentials credentials;
    credentials.access_key = "KEY" + std::to_string(script_.calls);
    credentials.secret_key = Secret("secret");
    credentials.expiry = context.env().wall_now() + script_.lifetime;
    credentials.origin = "the script";
    co_return credentials;
  }

 private:
  Script& script_;
};

struct Refreshing : testing::Test {
  void make(WhenUnavailable when_unavailable = WhenUnavailable::fail) {
    provider = make_refreshing_provider(std::make_unique<ScriptedSource>(script), when_unavailable);
  }
  Snapshot get() { return runtime.run_for(provider->get(context)); }
  bool is_current(const Snapshot& held) { return provider->is_current(*held, env.wall_now()); }

  ManualEnv env;
  Runtime runtime{env, null_logger(), {.shards = 1, .blocking_threads = 1}};
  OpContext context = runtime.context();
  Script script;
  std::shared_ptr<CredentialsProvider> provider;
};

TEST_F(Refreshing, FetchesOnceAndThenNeedsNoWaiting) {
  make();
  EXPECT_EQ(provider->current(env.wall_now()), nullptr);
  const Snapshot first = get();
  EXPECT_EQ(first->access_key, "KEY1");
  EXPECT_TRUE(is_current(first));
  EXPECT_EQ(provider->current(env.wall_now()), first);
  EXPECT_EQ(get(), first);
  EXPECT_EQ(script.calls, 1);
}

TEST_F(Refreshing, AnHourIsRefreshedBetweenFifteenAndTenMinutesBeforeItsEnd) {
  make();
  const Snapshot first = get();
  env.advance(44min + 59s);
  EXPECT_TRUE(is_current(first));
  env.advance(5min);
  EXPECT_FALSE(is_current(first));
  EXPECT_EQ(get()->access_key, "KEY2");
  EXPECT_EQ(first->access_key, "KEY1") << "a set in use must not change";
}

TEST_F(Refreshing, ShortSessionsAreUsedForAtLeastHalfTheirTime) {
  for (const Duration lifetime : {Duration(29min), Duration(15min), Duration(1min), Duration(3s)}) {
    script = Script{.lifetime = lifetime};
    make();
    const Snapshot first = get();
    env.advance(lifetime / 2 - 1ms);
    EXPECT_TRUE(is_current(first)) << lifetime;
    env.advance(lifetime / 6 + 2ms);
    EXPECT_FALSE(is_current(first)) << lifetime;
    EXPECT_EQ(get()->access_key, "KEY2");
  }
}

TEST_F(Refreshing, AFailureIsBorneWhileTheSetHolds) {
  make();
  const Snapshot first = get();
  script.failing = true;
  env.advance(50min);
  EXPECT_EQ(get(), first);
  EXPECT_EQ(script.calls, 2);
  EXPECT_TRUE(is_current(first)) << "the source is left alone for a while";
  env.advance(61s);
  EXPECT_EQ(get(), first);
  EXPECT_EQ(script.calls, 3);
  env.advance(10min);
  EXPECT_THROW(get(), Error);
  script.failing = false;
  EXPECT_EQ(get()->access_key, "KEY5");
}

TEST_F(Refreshing, AFirstFailureIsThrown) {
  make();
  script.failing = true;
  EXPECT_THROW(get(), Error);
}

TEST_F(Refreshing, AnInstanceGoesOnWithExpiredCredentials) {
  make(WhenUnavailable::keep_expired);
  get();
  script.failing = true;
  env.advance(2h);
  const Snapshot kept = get();
  EXPECT_EQ(kept->access_key, "KEY1");
  EXPECT_GT(*kept->expiry, env.wall_now());
  env.advance(9min);
  EXPECT_TRUE(is_current(kept));
  env.advance(21min);
  script.failing = false;
  EXPECT_EQ(get()->access_key, "KEY3");
}

TEST_F(Refreshing, ExpiredOnArrivalIsAnErrorUnlessOnAnInstance) {
  script.lifetime = -1s;
  make();
  EXPECT_THROW(get(), Error);
  make(WhenUnavailable::keep_expired);
  EXPECT_GT(*get()->expiry, env.wall_now());
}

TEST_F(Refreshing, ARefusedSetIsReplacedAtOnce) {
  make();
  const Snapshot first = get();
  EXPECT_TRUE(provider->rejected(*first));
  EXPECT_FALSE(is_current(first));
  const Snapshot second = get();
  EXPECT_EQ(second->access_key, "KEY2");
  EXPECT_TRUE(provider->rejected(*first)) << "a late refusal of the old set";
  EXPECT_TRUE(is_current(second));
  EXPECT_EQ(script.calls, 2);
}

TEST_F(Refreshing, ARefusedSetIsNotUsedWhenTheRefreshFails) {
  make(WhenUnavailable::keep_expired);
  const Snapshot first = get();
  provider->rejected(*first);
  script.failing = true;
  EXPECT_THROW(get(), Error);
}

TEST_F(Refreshing, SetsThatAreRefusedAgainAndAgainSlowTheSourceDown) {
  make();
  for (int i = 0; i < 5; ++i)
    provider->rejected(*get());
  EXPECT_GT(env.slept(), 500ms);
}

TEST_F(Refreshing, StaticKeysHaveNoReplacement) {
  Credentials keys;
  keys.access_key = "KEY";
  provider = make_static_provider(keys);
  const Snapshot held = get();
  EXPECT_TRUE(is_current(held));
  EXPECT_FALSE(provider->rejected(*held));
}

// Two callers and a source that keeps them waiting.
Task<> store_set(CredentialsProvider& provider, OpContext& context, std::optional<Snapshot>& result) {
  result = co_await provider.get(context);
}

Task<> store_failure(CredentialsProvider& provider, OpContext& context, std::string& what) {
  try {
    co_await provider.get(context);
  } catch (const Error& error) {
    what = error.message();
  }
}

Task<> turn(OpContext& context) {
  for (int i = 0; i < 20; ++i)
    co_await boost::asio::post(context.executor(), use_task);
}

Task<> get_twice(CredentialsProvider& provider, OpContext& context, Script& script,
                 std::optional<Snapshot>& a, std::optional<Snapshot>& b) {
  TaskGroup group(context.executor());
  group.spawn(store_set(provider, context, a));
  group.spawn(store_set(provider, context, b));
  co_await turn(context);
  std::exchange(script.release, nullptr)();
  co_await group.join();
}

TEST_F(Refreshing, TwoFirstCallersShareOneFetch) {
  make();
  script.held_back = true;
  std::optional<Snapshot> a, b;
  runtime.run(get_twice(*provider, context, script, a, b));
  EXPECT_EQ(script.calls, 1);
  EXPECT_EQ(*a, *b);
}

Task<> fail_twice(CredentialsProvider& provider, OpContext& context, Script& script, std::string& a,
                  std::string& b) {
  TaskGroup group(context.executor());
  group.spawn(store_failure(provider, context, a));
  group.spawn(store_failure(provider, context, b));
  co_await turn(context);
  std::exchange(script.release, nullptr)();
  co_await group.join();
}

TEST_F(Refreshing, TwoFirstCallersShareOneFailure) {
  make();
  script.held_back = script.failing = true;
  std::string a, b;
  runtime.run(fail_twice(*provider, context, script, a, b));
  EXPECT_EQ(script.calls, 1);
  EXPECT_EQ(a, "the metadata service is down");
  EXPECT_EQ(a, b);
}

Task<> get_during_advisory_refresh(CredentialsProvider& provider, OpContext& context, Script& script,
                                   Snapshot old_set) {
  TaskGroup group(context.executor());
  std::optional<Snapshot> refreshed;
  group.spawn(store_set(provider, context, refreshed));
  co_await turn(context);
  EXPECT_FALSE(refreshed.has_value());
  EXPECT_TRUE(provider.is_current(*old_set, context.env().wall_now())) << "the others need not even ask";
  EXPECT_EQ(co_await provider.get(context), old_set);
  std::exchange(script.release, nullptr)();
  co_await group.join();
  EXPECT_EQ((*refreshed)->access_key, "KEY2");
  EXPECT_FALSE(provider.is_current(*old_set, context.env().wall_now()));
}

TEST_F(Refreshing, OthersGoOnWhileOneRefreshesAheadOfTime) {
  make();
  const Snapshot first = get();
  env.advance(49min);
  script.held_back = true;
  runtime.run(get_during_advisory_refresh(*provider, context, script, first));
  EXPECT_EQ(script.calls, 2);
  EXPECT_EQ(script.most_at_once, 1);
}

// A source that lets other shards run while it works.
class YieldingSource final : public CredentialsSource {
 public:
  YieldingSource(std::atomic<int>& calls, std::atomic<int>& inside) : calls_(calls), inside_(inside) {}
  Task<Credentials> fetch(OpContext& context) override {
    EXPECT_EQ(++inside_, 1) << "one at a time";
    co_await turn(context);
    Credentials credentials;
    credentials.access_key = "KEY" + std::to_string(++calls_);
    credentials.expiry = context.env().wall_now() + 1h;
    --inside_;
    co_return credentials;
  }

 private:
  std::atomic<int>& calls_;
  std::atomic<int>& inside_;
};

Task<> use_many_times(CredentialsProvider& provider, OpContext context) {
  Snapshot held;
  for (int i = 0; i < 1000; ++i) {
    if (!held || !provider.is_current(*held, context.env().wall_now())) held = co_await provider.get(context);
    EXPECT_TRUE(held->access_key.starts_with("KEY"));
    if (i == 500) provider.rejected(*held);
    if (i % 100 == 0) co_await boost::asio::post(context.executor(), use_task);
  }
}

Task<> use_on_all_shards(Runtime& runtime, CredentialsProvider& provider) {
  TaskGroup group(runtime.shard(0).executor());
  for (unsigned i = 0; i < runtime.shard_count(); ++i)
    group.spawn(on_shard(runtime.shard(i), use_many_times(provider, runtime.context(i))));
  co_await group.join();
}

TEST(RefreshingAcrossShards, ShardsShareSetsAndRefreshes) {
  Runtime runtime(system_env(), null_logger(), {.shards = 3, .blocking_threads = 1});
  std::atomic<int> calls = 0, inside = 0;
  const auto provider = make_refreshing_provider(std::make_unique<YieldingSource>(calls, inside));
  runtime.run(use_on_all_shards(runtime, *provider));
  EXPECT_GE(calls, 2);
  EXPECT_LE(calls, 4) << "once at first, and once for each refused set at the most";
}

}  // namespace
}  // namespace haul::auth

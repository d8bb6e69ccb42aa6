#include "listing/parallel_lister.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/utf8.h"
#include "listing/model_store.h"

namespace haul::listing {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  std::vector<std::string> keys;
  std::vector<std::string> cursors;  // before each page
  double time = 0;
  ListEffort effort;
  ListingFacts facts;
};

// Reads a listing to its end; `limit` pages at most. A free function, since coroutines capture nothing.
Task<Outcome> read_all(ParallelLister& lister, VirtualTime& time, std::size_t limit, bool keep,
                       OpContext context) {
  Outcome outcome;
  for (std::size_t i = 0; i < limit; ++i) {
    if (keep) {
      const auto cursor = lister.cursor();
      outcome.cursors.push_back(cursor ? cursor->to_json() : "");
    }
    const auto page = co_await lister.next(context);
    if (!page) break;
    for (const store::Entry& entry : page->entries)
      if (keep) outcome.keys.emplace_back(entry.key);
  }
  co_await lister.close();
  outcome.time = time.now();
  outcome.effort = lister.effort();
  outcome.facts = lister.facts();
  co_return outcome;
}

class ParallelListerTest : public ::testing::Test {
 protected:
  Outcome list(ModelStore& store, VirtualTime& time, ListOrder order, store::ListRequest request = {},
               bool keep = true, std::uint64_t buffer = 64 << 20) {
    ParallelListOptions options;
    options.order = order;
    options.buffer = buffer;
    ParallelLister lister(store, std::move(request), options, runtime_.context());
    return time.run(runtime_.shard(0), read_all(lister, time, SIZE_MAX, keep, runtime_.context()));
  }

  ManualEnv env_;
  Runtime runtime_{env_, null_logger(), {.shards = 1, .blocking_threads = 1}};
};

std::string digits(std::size_t number, int width) {
  return fmt::format("{:0{}}", number, width);
}

struct Shape {
  const char* name;
  ModelKeys keys;
};

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

constexpr std::uint32_t kPageSize = 100;  // so that a thousand pages are listed in no time

// The buckets that listings have to be fast on.
std::vector<Shape> shapes(std::size_t n) {
  const std::string common = "archive/records/" + std::string(184, 'x');
  std::vector<std::string> uuids;
  for (std::size_t i = 0; i < n / 10; ++i)
    uuids.push_back(fmt::format("{:016x}{:016x}", mix(i), mix(i + n)));
  std::vector<std::string> dated;  // unequal days
  for (std::size_t i = 0; dated.size() < n / 10; ++i) {
    const std::size_t day = i % 1460;
    const std::size_t files = 1 + mix(day) % 7;
    for (std::size_t f = 0; f < files; ++f)
      dated.push_back(fmt::format("logs/{}/{:02}/{:02}/host-{}/{:08x}.gz", 2020 + day / 365,
                                  1 + day % 365 / 31, 1 + day % 31, mix(i) % 12, mix(i * 8 + f) >> 32));
  }
  std::vector<std::string> skewed;  // nine of ten keys under one of fifty
  for (std::size_t i = 0; i < n / 10; ++i)
    skewed.push_back(
        fmt::format("tenant-{:02}/{}/{:012x}", i % 10 != 0 ? 33 : mix(i) % 50, i % 3, mix(i) >> 16));
  std::vector<std::string> cjk;
  for (std::size_t i = 0; i < n / 10; ++i) {
    std::string key = "資料/";
    std::uint64_t r = mix(i);
    for (int c = 0; c < 6; ++c, r /= 5000)
      append_code_point(key, static_cast<char32_t>(0x4e00 + r % 5000));
    cjk.push_back(key);
  }
  return {
      {"flat numbers", {n, [](std::size_t i) { return digits(i, 10); }}},
      {"deep",
       {n,
        [](std::size_t i) {
          return fmt::format("data/{}/{}/{}/{}/{}/object-{}.bin", i / 100000 % 10, i / 10000 % 10,
                             i / 1000 % 10, i / 100 % 10, i / 10 % 10, i % 10);
        }}},
      {"one common prefix of 200", {n, [common](std::size_t i) { return common + digits(i, 9); }}},
      {"uuids", ModelKeys::of(uuids)},
      {"dated", ModelKeys::of(dated)},
      {"skewed", ModelKeys::of(skewed)},
      {"cjk", ModelKeys::of(cjk)},
  };
}

store::ListRequest small_pages() {
  store::ListRequest request;
  request.page_size = kPageSize;
  return request;
}

double bound(double pages) {
  return pages + pages / 10 + 80;
}

TEST_F(ParallelListerTest, AThousandPagesTakeATwentiethOfTheRoundsOfOneAfterTheOther) {
  for (Shape& shape : shapes(1000 * kPageSize)) {
    if (shape.keys.count < 1000 * kPageSize) continue;
    VirtualTime time;
    ModelStore store(shape.keys, &time);
    const Outcome outcome = list(store, time, ListOrder::any, small_pages(), false);
    EXPECT_EQ(outcome.facts.listed, shape.keys.count) << shape.name;
    EXPECT_TRUE(outcome.facts.complete());
    EXPECT_LE(outcome.time, 1000.0 / 20) << shape.name;
    EXPECT_LE(static_cast<double>(store.requests), bound(1000)) << shape.name;
    EXPECT_EQ(outcome.effort.most_in_flight, 64u) << shape.name;
  }
}

TEST_F(ParallelListerTest, InOrderAThousandPagesAreFastWithinTheBuffer) {
  for (Shape& shape : shapes(1000 * kPageSize)) {
    if (shape.keys.count < 1000 * kPageSize) continue;
    VirtualTime time;
    ModelStore store(shape.keys, &time);
    store.entry_bytes = 3000;
    const Outcome outcome = list(store, time, ListOrder::by_key, small_pages(), false);
    EXPECT_EQ(outcome.facts.listed, shape.keys.count) << shape.name;
    EXPECT_LE(outcome.time, 1000.0 / 12) << shape.name;
    EXPECT_LE(static_cast<double>(store.requests), bound(1000)) << shape.name;
    EXPECT_LE(outcome.effort.most_buffered, std::uint64_t{64} << 20) << shape.name;
  }
}

TEST_F(ParallelListerTest, UnevenBucketsGainTooAndStayWithinTheBoundOfRequests) {
  for (Shape& shape : shapes(1000 * kPageSize)) {
    if (shape.keys.count == 1000 * kPageSize) continue;
    for (const ListOrder order : {ListOrder::any, ListOrder::by_key}) {
      VirtualTime time;
      ModelStore store(shape.keys, &time);
      store.jitter = 1;
      const Outcome outcome = list(store, time, order, small_pages(), false);
      const double pages = static_cast<double>(shape.keys.count) / kPageSize;
      EXPECT_EQ(outcome.facts.listed, shape.keys.count) << shape.name;
      EXPECT_LE(outcome.time, 1.5 * pages / 2) << shape.name;  // an answer takes 1.5 on average
      EXPECT_LE(static_cast<double>(store.requests), bound(pages)) << shape.name;
    }
  }
}

TEST_F(ParallelListerTest, SmallBucketsCostNoRequestMoreThanOneAfterTheOther) {
  for (const std::size_t count : {0, 1, 999, 1000, 1001, 2000, 4999, 5000}) {
    for (const ListOrder order : {ListOrder::any, ListOrder::by_key}) {
      VirtualTime time;
      ModelStore store({count, [](std::size_t i) { return digits(i, 8); }}, &time);
      EXPECT_EQ(list(store, time, order).keys.size(), count);
      EXPECT_LE(store.requests, std::max<std::size_t>(1, (count + 999) / 1000)) << count;
    }
  }
}

TEST_F(ParallelListerTest, KeysThatAreEachOthersBeginningStillCostOnlyTheBound) {
  // Each key is the beginning of the next: whatever is cut off, nearly nothing is above.
  VirtualTime time;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < 20'000; ++i)
    keys.push_back(std::string(i / 100, 'z') + digits(i % 100, 2) + "x");
  ModelStore sorted(ModelKeys::of(keys), &time);
  EXPECT_EQ(list(sorted, time, ListOrder::any, {}, false).facts.listed, 20'000u);
  EXPECT_LE(static_cast<double>(sorted.requests), bound(20));
}

// Keys that are unpleasant in every way a key can be.
std::vector<std::string> unpleasant_keys(std::mt19937_64& random, std::size_t count) {
  static const std::vector<std::string> pieces = {"a",
                                                  "b",
                                                  "/",
                                                  "//",
                                                  " ",
                                                  "+",
                                                  "%2F",
                                                  "\x01",
                                                  "\x7f",
                                                  "\n",
                                                  "\xc3\xa9",
                                                  "e\xcc\x81",
                                                  "資料",
                                                  "\U0001F600",
                                                  "\U0010FFFF",
                                                  "\xed\x9f\xbf",
                                                  "\xee\x80\x80",
                                                  "0",
                                                  "00",
                                                  "A",
                                                  ".",
                                                  "..",
                                                  "z",
                                                  "~"};
  std::vector<std::string> keys;
  std::string common;
  for (std::uint64_t i = random() % 4; i > 0; --i)
    common += pieces[random() % pieces.size()];
  for (std::size_t i = 0; i < count; ++i) {
    std::string key = common;
    for (std::uint64_t j = 1 + random() % 6; j > 0; --j)
      key += pieces[random() % pieces.size()];
    keys.push_back(std::move(key));
  }
  std::ranges::sort(keys);
  const auto repeated = std::ranges::unique(keys);
  keys.erase(repeated.begin(), repeated.end());
  return keys;
}

TEST_F(ParallelListerTest, NoKeyIsLostOrDoubledWhateverTheKeysAre) {
  std::mt19937_64 random(20260301);
  for (int round = 0; round < 60; ++round) {
    const std::vector<std::string> keys = unpleasant_keys(random, random() % 600);
    VirtualTime time;
    ModelStore store(ModelKeys::of(keys), &time);
    store.jitter = 3;
    store::ListRequest request;
    request.page_size = static_cast<std::uint32_t>(1 + random() % 9);
    Outcome outcome = list(store, time, ListOrder::by_key, request, true, round % 2 == 0 ? 1 : 64 << 20);
    EXPECT_EQ(outcome.keys, keys) << round;
    outcome = list(store, time, ListOrder::any, request);
    std::ranges::sort(outcome.keys);
    EXPECT_EQ(outcome.keys, keys) << round;
    EXPECT_LE(static_cast<double>(outcome.effort.requests),
              bound(std::ceil(static_cast<double>(keys.size()) / request.page_size)) + 1);
  }
}

TEST_F(ParallelListerTest, PrefixAfterAndUntilAreKept) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 40; ++round) {
    const std::vector<std::string> keys = unpleasant_keys(random, 400);
    store::ListRequest request;
    request.page_size = 5;
    request.prefix = keys[random() % keys.size()].substr(0, 1 + random() % 3);
    while (!is_utf8(request.prefix))
      request.prefix.pop_back();
    if (round % 2 == 0) request.after = keys[random() % keys.size()];
    if (round % 3 == 0) request.until = keys[random() % keys.size()];
    std::vector<std::string> expected;
    for (const std::string& key : keys)
      if (key.starts_with(request.prefix) && key > request.after &&
          (request.until.empty() || key <= request.until))
        expected.push_back(key);
    VirtualTime time;
    ModelStore store(ModelKeys::of(keys), &time);
    EXPECT_EQ(list(store, time, ListOrder::by_key, request).keys, expected) << round;
  }
}

TEST_F(ParallelListerTest, AnInterruptedListingContinuesWithExactlyTheRest) {
  std::mt19937_64 random(99);
  const std::vector<std::string> keys = unpleasant_keys(random, 250);
  store::ListRequest request;
  request.page_size = 4;
  for (const ListOrder order : {ListOrder::by_key, ListOrder::any}) {
    ParallelListOptions options;
    options.order = order;
    VirtualTime time;
    ModelStore store(ModelKeys::of(keys), &time);
    store.jitter = 2;
    const std::size_t pages = list(store, time, order, request).cursors.size();
    ASSERT_GT(pages, 50u);
    for (std::size_t stop = 0; stop < pages; ++stop) {
      ParallelLister first(store, request, options, runtime_.context());
      Outcome before = time.run(runtime_.shard(0), read_all(first, time, stop, true, runtime_.context()));
      const ListCursor cursor = ListCursor::parse(first.cursor()->to_json());
      ParallelLister second(store, request, cursor, options, runtime_.context());
      Outcome after = time.run(runtime_.shard(0), read_all(second, time, SIZE_MAX, true, runtime_.context()));
      before.keys.insert(before.keys.end(), after.keys.begin(), after.keys.end());
      if (order == ListOrder::any) std::ranges::sort(before.keys);
      ASSERT_EQ(before.keys, keys) << stop;
      EXPECT_EQ(after.facts.listed, keys.size());
      EXPECT_TRUE(second.cursor()->remaining.empty());
    }
  }
}

TEST_F(ParallelListerTest, AServerThatRepeatsAKeyAtThePageBreakDoublesNothing) {
  VirtualTime time;
  ModelStore store({3000, [](std::size_t i) { return digits(i, 6); }}, &time);
  store.tamper = [](store::ListPage& page, std::uint64_t) {
    if (page.entries.size() > 1) page.entries.insert(page.entries.begin() + 1, page.entries.front());
  };
  EXPECT_EQ(list(store, time, ListOrder::by_key).keys.size(), 3000u);
}

TEST_F(ParallelListerTest, AServerThatGoesBackEndsTheListingWithAnError) {
  VirtualTime time;
  ModelStore store({30'000, [](std::size_t i) { return digits(i, 6); }}, &time);
  store.tamper = [](store::ListPage& page, std::uint64_t request) {
    if (request == 12) std::swap(page.entries[3], page.entries[4]);
  };
  try {
    list(store, time, ListOrder::any);
    FAIL() << "went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
    EXPECT_THAT(error.what(), HasSubstr("went back"));
  }
  EXPECT_EQ(store.in_flight, 0u);
}

TEST_F(ParallelListerTest, AListingThatGivesNothingAndNeverEndsIsAnError) {
  VirtualTime time;
  ModelStore store({10, [](std::size_t i) { return digits(i, 6); }}, &time);
  store.tamper = [](store::ListPage& page, std::uint64_t) {
    page.entries.clear();
    page.last = false;
  };
  EXPECT_THROW(list(store, time, ListOrder::by_key), Error);
}

TEST_F(ParallelListerTest, AStoreWithoutOrderIsListedByOneListerAndNeverInOrder) {
  VirtualTime time;
  ModelStore store({10'000, [](std::size_t i) { return digits(i, 6); }}, &time);
  store.capabilities_.ordered_listing = false;
  const Outcome outcome = list(store, time, ListOrder::any);
  EXPECT_EQ(outcome.keys.size(), 10'000u);
  EXPECT_EQ(outcome.effort.most_in_flight, 1u);
  EXPECT_EQ(outcome.cursors.front(), "");
  EXPECT_THROW(list(store, time, ListOrder::by_key), Error);
}

TEST_F(ParallelListerTest, FailuresAndSkippedEntriesAreCountedAndSurviveTheCursor) {
  VirtualTime time;
  ModelStore store({10, [](std::size_t i) { return digits(i, 6); }}, &time);
  store.tamper = [](store::ListPage& page, std::uint64_t) {
    page.failures.push_back({"dir/", Error(ErrorClass::permission_denied, "no")});
    page.skipped.push_back({"link", store::SkipReason::symlink});
  };
  const Outcome outcome = list(store, time, ListOrder::by_key);
  EXPECT_EQ(outcome.facts.failures, 1u);
  EXPECT_EQ(outcome.facts.skipped[0], 1u);
  EXPECT_TRUE(outcome.facts.ended);
  EXPECT_FALSE(outcome.facts.complete());
  EXPECT_EQ(ListCursor::parse(outcome.cursors.back()).facts.failures, 1u);
}

TEST_F(ParallelListerTest, AStreamThatIsDroppedHalfWayLeavesNothingBehind) {
  VirtualTime time;
  ModelStore store({100'000, [](std::size_t i) { return digits(i, 8); }}, &time);
  ParallelLister lister(store, {}, {}, runtime_.context());
  const Outcome outcome = time.run(runtime_.shard(0), read_all(lister, time, 8, true, runtime_.context()));
  EXPECT_EQ(outcome.keys.size(), 8000u);
  EXPECT_EQ(store.in_flight, 0u);
}

}  // namespace
}  // namespace haul::listing

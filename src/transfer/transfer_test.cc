#include "transfer/transfer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/task_group.h"
#include "stores/memory/memory_store.h"
#include "transfer/scripted_store.h"

namespace haul::transfer {
namespace {

using ScriptedStore = ScriptedStoreOf<memory::MemoryStore>;
using TransferWorld = TransferWorldOf<memory::MemoryStore>;

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kMiB = 1 << 20;

Task<TransferResult> move_listed(Transfer& transfer, TransferRequest request, OpContext context) {
  co_return co_await transfer.object(std::move(request), context);
}

// What a listing of the source says of a key.
Task<std::optional<store::Details>> look(ScriptedStore& from, std::string key, OpContext context) {
  co_return co_await from.inner.stat(key, {.properties = true, .tags = true}, context);
}

class Moving : public testing::Test {
 protected:
  explicit Moving(std::uint64_t memory = 64 * kMiB) : there_(memory) {}

  void put(std::string content, store::Properties properties = {}) {
    source().inner.put("from", std::move(content), std::move(properties), Time(std::chrono::hours(24)));
    listed_ = details(source(), "from");
  }

  std::optional<store::Details> details(ScriptedStore& where, std::string key) {
    return world().run_for(look(where, std::move(key), world().context()));
  }

  TransferResult move() {
    Transfer transfer(world().runtime(), options_);
    TransferRequest request{.source = source(),
                            .source_key = "from",
                            .source_version = {},
                            .destination = destination(),
                            .destination_key = "to",
                            .facts = {},
                            .mode = mode_};
    if (listed_) {
      store::Entry entry;
      entry.key = listed_->key;
      entry.size = listed_->size;
      entry.etag = listed_->etag;
      entry.modified = listed_->modified;
      request.facts = entry;
    }
    auto result = world().run_for(move_listed(transfer, std::move(request), world().context()));
    moved_ = transfer.bytes_moved();
    return result;
  }

  Error failure() {
    try {
      move();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorClass::internal, "nothing was thrown");
  }

  ManualRuntime& world() { return there_.world; }
  ScriptedStore& source() { return there_.source; }
  ScriptedStore& destination() { return there_.destination; }
  std::optional<std::string> arrived() { return destination().inner.content("to"); }

  TransferWorld there_;
  TransferOptions options_{.single_write_threshold = 2 * kMiB, .part_size = kMiB};
  store::WriteMode mode_ = store::WriteMode::overwrite;
  std::optional<store::Details> listed_;
  std::uint64_t moved_ = 0;
};

class MovingSizes : public Moving, public testing::WithParamInterface<std::uint64_t> {};

TEST_P(MovingSizes, ArriveByteForByteWithProof) {
  const std::string content = sample_content(GetParam());
  put(content);
  const TransferResult result = move();
  EXPECT_EQ(arrived(), content);
  EXPECT_EQ(result.bytes, content.size());
  EXPECT_EQ(result.how, content.size() <= 2 * kMiB ? Method::streamed : Method::parts);
  EXPECT_EQ(result.proof, Proof::checksum);
  EXPECT_EQ(result.checksum, checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(content)));
  EXPECT_EQ(moved_, content.size());
  EXPECT_EQ(destination().inner.pending_uploads(), 0U);
  EXPECT_EQ(world().runtime().memory().in_use(), 0U);
}

TEST_P(MovingSizes, AreReadBackWhenAllIsToBeVerified) {
  options_.verify = Verify::all;
  put(sample_content(GetParam()));
  EXPECT_EQ(move().proof, Proof::read_back);
}

INSTANTIATE_TEST_SUITE_P(Edges, MovingSizes,
                         testing::Values(0, 1, 4095, 4096, 4097, kMiB - 1, kMiB, 2 * kMiB - 1, 2 * kMiB,
                                         2 * kMiB + 1, 3 * kMiB, 7 * kMiB + 5));

TEST_F(Moving, ASmallObjectCostsOneReadAndOneWrite) {
  put("hello");
  move();
  EXPECT_EQ(source().calls.reads, 1);
  EXPECT_EQ(source().calls.stats, 0);
  EXPECT_EQ(destination().calls.writes, 1);
  EXPECT_EQ(destination().calls.stats, 0);
}

TEST_F(Moving, WithoutFactsTheSourceIsLookedUpFirst) {
  put("hello");
  listed_.reset();
  EXPECT_EQ(move().bytes, 5U);
  EXPECT_EQ(source().calls.stats, 1);
}

TEST_F(Moving, WithoutSourceThereIsNothingToMove) {
  EXPECT_EQ(failure().error_class(), ErrorClass::not_found);
  put("hello");
  source().inner.put("other", "");
  listed_->key = "gone";
  Transfer transfer(world().runtime(), options_);
  TransferRequest request{.source = source(),
                          .source_key = "gone",
                          .source_version = {},
                          .destination = destination(),
                          .destination_key = "to"};
  EXPECT_THROW(world().run_for(move_listed(transfer, std::move(request), world().context())), Error);
}

TEST_F(Moving, GivesThePropertiesToTheDestination) {
  store::Properties properties;
  properties.content.type = "text/x-story";
  properties.metadata = {{"author", "k"}};
  properties.tags = store::Tags{{"a", "1"}};
  properties.posix = store::PosixAttributes{.mode = 0100600};
  for (const std::uint64_t size : {5ULL, 5ULL << 20}) {
    put(sample_content(size), properties);
    EXPECT_THAT(move().losses, IsEmpty());
    const auto found = details(destination(), "to")->properties;
    EXPECT_EQ(found.content.type, "text/x-story");
    EXPECT_EQ(found.metadata, properties.metadata);
    EXPECT_EQ(found.tags, properties.tags);
    EXPECT_EQ(found.posix, properties.posix);
  }
}

TEST_F(Moving, TheServiceCopiesWhereItCan) {
  destination().script.copies = true;
  put(sample_content(9 * kMiB), {.metadata = {{"a", "b"}}});
  const TransferResult result = move();
  EXPECT_EQ(result.how, Method::server_side);
  EXPECT_EQ(moved_, 0U);
  EXPECT_EQ(source().calls.reads + source().calls.stats, 0);
  EXPECT_EQ(arrived(), source().inner.content("from"));
  EXPECT_EQ(details(destination(), "to")->properties.metadata, (store::Metadata{{"a", "b"}}));
  EXPECT_EQ(result.proof, Proof::etag);
}

TEST_F(Moving, WhatTheServiceCopiedIsReadBackToo) {
  destination().script.copies = true;
  options_.verify = Verify::all;
  put(sample_content(9 * kMiB));
  EXPECT_EQ(move().proof, Proof::read_back);
  EXPECT_EQ(source().calls.reads, 0) << "the source keeps a checksum that can be compared";
}

TEST_F(Moving, WhatTheServiceDoesNotCopyAfterAllIsStreamed) {
  destination().script.copies = true;
  destination().script.before_copy = [] { throw Error(ErrorClass::unsupported, "not this one"); };
  put("hello");
  EXPECT_EQ(move().how, Method::streamed);
  EXPECT_EQ(arrived(), "hello");
}

TEST_F(Moving, ACopyByTheServiceKeepsOnlyWhatIsAskedFor) {
  destination().script.copies = true;
  options_.preserve.tags = false;
  put("hello", {.metadata = {{"a", "b"}}, .tags = store::Tags{{"t", "1"}}});
  EXPECT_EQ(move().how, Method::server_side);
  const auto found = details(destination(), "to")->properties;
  EXPECT_EQ(found.metadata, (store::Metadata{{"a", "b"}}));
  EXPECT_TRUE(!found.tags || found.tags->empty());
}

TEST_F(Moving, AnObjectThatIsThereStaysWithCreateOnly) {
  mode_ = store::WriteMode::create_only;
  for (const std::uint64_t size : {5ULL, 5ULL << 20}) {
    for (const bool copies : {false, true}) {
      destination().script.copies = copies;
      destination().inner.put("to", "mine");
      put(sample_content(size));
      EXPECT_TRUE(move().condition_failed) << size << copies;
      EXPECT_EQ(arrived(), "mine");
    }
  }
  EXPECT_EQ(destination().calls.parts, 0) << "not a part travels in vain";
}

TEST_F(Moving, SomebodyElseMayBeFasterThanAnUploadWithCreateOnly) {
  mode_ = store::WriteMode::create_only;
  destination().script.before_complete = [this] { destination().inner.put("to", "theirs"); };
  put(sample_content(5 * kMiB));
  EXPECT_TRUE(move().condition_failed);
  EXPECT_EQ(arrived(), "theirs");
  EXPECT_EQ(destination().inner.pending_uploads(), 0U);
}

TEST_F(Moving, PartsMayArriveInAnyOrder) {
  destination().script.part_delay = [](std::uint32_t number) {
    return number % 3 == 1 ? 40 : 10 - static_cast<int>(number);
  };
  const std::string content = sample_content(9 * kMiB + 3);
  put(content);
  EXPECT_EQ(move().proof, Proof::checksum);
  EXPECT_EQ(arrived(), content);
}

TEST_F(Moving, APartThatFailsAbortsTheUpload) {
  destination().script.before_part = [](std::uint32_t number) {
    if (number == 3) throw Error(ErrorClass::permission_denied, "no more");
  };
  put(sample_content(9 * kMiB));
  EXPECT_EQ(failure().error_class(), ErrorClass::permission_denied);
  EXPECT_EQ(destination().inner.pending_uploads(), 0U);
  EXPECT_EQ(arrived(), std::nullopt);
  EXPECT_LT(destination().calls.parts, 9) << "the others begin no more";
  EXPECT_EQ(world().runtime().memory().in_use(), 0U);
}

TEST_F(Moving, AFailingAbortDoesNotHideTheFailure) {
  destination().script.before_part = [](std::uint32_t) { throw Error(ErrorClass::exhausted, "quota"); };
  destination().script.before_abort = [] { throw Error(ErrorClass::unavailable, "reset"); };
  put(sample_content(5 * kMiB));
  EXPECT_EQ(failure().error_class(), ErrorClass::exhausted);
}

TEST_F(Moving, AnUploadIsAbortedAlsoWhileStopping) {
  destination().script.before_part = [this](std::uint32_t number) {
    if (number == 3) world().runtime().stop().raise(StopLevel::abort);
  };
  put(sample_content(9 * kMiB));
  EXPECT_EQ(failure().error_class(), ErrorClass::cancelled);
  EXPECT_EQ(destination().inner.pending_uploads(), 0U);
}

TEST_F(Moving, ADrainEndsLargeObjectsAndLetsThoseNearlyDoneArrive) {
  options_.parallel_parts = 1;
  options_.drain_allowance = 3 * kMiB;
  std::uint32_t drain_at = 3;
  destination().script.before_part = [&](std::uint32_t number) {
    if (number == drain_at) world().runtime().stop().raise(StopLevel::drain);
  };
  put(sample_content(9 * kMiB));
  EXPECT_EQ(failure().error_class(), ErrorClass::cancelled);
  EXPECT_EQ(destination().inner.pending_uploads(), 0U);
  EXPECT_EQ(destination().calls.parts, 3);
}

TEST_F(Moving, ADrainLetsAnObjectWithLittleLeftArrive) {
  options_.parallel_parts = 1;
  options_.drain_allowance = 3 * kMiB;
  destination().script.before_part = [&](std::uint32_t number) {
    if (number == 7) world().runtime().stop().raise(StopLevel::drain);
  };
  put(sample_content(9 * kMiB));
  move();
  EXPECT_EQ(arrived(), source().inner.content("from"));
}

TEST_F(Moving, HoldsTheBandwidthWithinFivePercent) {
  Bandwidth line(kMiB);
  options_.bandwidth = &line;
  for (const std::uint64_t mib : {1ULL, 2ULL, 8ULL}) {
    put(sample_content(mib * kMiB));
    const Duration before = world().env().slept();
    move();
    const double seconds = std::chrono::duration<double>(world().env().slept() - before).count();
    EXPECT_NEAR(seconds, static_cast<double>(mib), 0.05 * static_cast<double>(mib));
  }
}

TEST_F(Moving, AnObjectWithoutAFileAttributeArrivesAsItIs) {
  options_.preserve = {.mtime = false, .mode = false, .owner = false, .metadata = false, .tags = false};
  put("hello", {.content = {.type = "text/x-story"}, .metadata = {{"a", "b"}}});
  EXPECT_THAT(move().losses, IsEmpty());
  EXPECT_THAT(details(destination(), "to")->properties.metadata, IsEmpty());
}

class MovingWithLittleMemory : public Moving {
 protected:
  MovingWithLittleMemory() : Moving(4 * kMiB) {}

  // The most memory that was ever in use, seen from inside of reads and writes.
  void watch() {
    const auto look_at = [this](const auto&...) {
      peak_ = std::max(peak_, world().runtime().memory().in_use());
    };
    source().script.before_read = look_at;
    destination().script.before_part = look_at;
    destination().script.before_write = look_at;
    destination().script.part_delay = [](std::uint32_t) { return 5; };
  }
  std::uint64_t peak_ = 0;
};

TEST_F(MovingWithLittleMemory, AnObjectLargerThanAllMemoryStaysUnderTheLimit) {
  watch();
  options_.parallel_parts = 16;
  const std::string content = sample_content(21 * kMiB + 1);
  put(content);
  EXPECT_EQ(move().proof, Proof::checksum);
  EXPECT_EQ(arrived(), content);
  EXPECT_LE(peak_, 4 * kMiB);
  EXPECT_GT(peak_, 2 * kMiB) << "memory that may be used is used";
}

TEST_F(MovingWithLittleMemory, PartsThatDoNotFitAreStreamed) {
  watch();
  options_.part_size = 8 * kMiB;
  const std::string content = sample_content(20 * kMiB);
  put(content);
  EXPECT_EQ(move().proof, Proof::checksum);
  EXPECT_EQ(arrived(), content);
  EXPECT_EQ(destination().calls.parts, 3);
  EXPECT_LE(peak_, 4 * kMiB);
}

TEST_F(MovingWithLittleMemory, AnObjectForOneWriteThatDoesNotFitIsStreamed) {
  watch();
  options_.single_write_threshold = 16 * kMiB;
  const std::string content = sample_content(6 * kMiB);
  put(content, {.metadata = {{"a", "b"}}});
  const TransferResult result = move();
  EXPECT_EQ(result.how, Method::streamed);
  EXPECT_EQ(arrived(), content);
  EXPECT_EQ(result.proof, Proof::checksum);
  EXPECT_EQ(details(destination(), "to")->properties.metadata, (store::Metadata{{"a", "b"}}));
  EXPECT_LE(peak_, kMiB);
}

Task<> move_into(Transfer& transfer, TransferRequest request, OpContext context) {
  co_await transfer.object(std::move(request), context);
}

Task<> move_many(Transfer& transfer, ScriptedStore& from, ScriptedStore& to, int count, OpContext context) {
  TaskGroup group(context.executor());
  for (int i = 0; i < count; ++i)
    group.spawn(move_into(transfer,
                          {.source = from,
                           .source_key = std::to_string(i),
                           .source_version = {},
                           .destination = to,
                           .destination_key = std::to_string(i)},
                          context));
  co_await group.join();
}

TEST_F(MovingWithLittleMemory, ManyObjectsOfAllSizesAtOnceStayUnderTheLimit) {
  watch();
  constexpr int kCount = 60;
  for (int i = 0; i < kCount; ++i)
    source().inner.put(std::to_string(i),
                       sample_content(static_cast<std::size_t>(i) * 60'000, static_cast<std::uint64_t>(i)));
  Transfer transfer(world().runtime(), options_);
  world().run(move_many(transfer, source(), destination(), kCount, world().context()));
  for (int i = 0; i < kCount; ++i)
    EXPECT_EQ(destination().inner.content(std::to_string(i)), source().inner.content(std::to_string(i)));
  EXPECT_LE(peak_, 4 * kMiB);
  EXPECT_LE(world().runtime().memory().in_use(), kMiB) << "only what the pool may keep";
}

}  // namespace
}  // namespace haul::transfer

// Sources that do not hold still, destinations that do not keep what they are given.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stores/memory/memory_store.h"
#include "transfer/scripted_store.h"
#include "transfer/transfer.h"

namespace haul::transfer {
namespace {

using ScriptedStore = ScriptedStoreOf<memory::MemoryStore>;
using TransferWorld = TransferWorldOf<memory::MemoryStore>;

constexpr std::size_t kSmall = 1000;
constexpr std::size_t kLarge = 5 << 20;

Task<TransferResult> move_object(Transfer& transfer, TransferRequest request, OpContext context) {
  co_return co_await transfer.object(std::move(request), context);
}

Task<std::optional<store::Details>> look_at(ScriptedStore& from, OpContext context) {
  co_return co_await from.inner.stat("k", {}, context);
}

Task<> remove_key(ScriptedStore& from, OpContext context) {
  const store::RemoveItem item{"k", {}};
  co_await from.inner.remove({&item, 1}, context);
}

// Small and large objects, streamed or copied by the service.
struct Way {
  std::string name;
  std::size_t size;
  bool copies;
};

class Faults : public testing::TestWithParam<Way> {
 protected:
  Faults() {
    options_.single_write_threshold = options_.part_size = 1 << 20;
    there_.destination.script.copies = GetParam().copies;
    change_source();
    listed_ = there_.world.run_for(look_at(there_.source, there_.world.context()));
  }

  // Another content of another size, and so another etag.
  void change_source() {
    ++generation_;
    there_.source.inner.put("k", sample_content(GetParam().size + generation_, generation_));
  }

  TransferResult move() {
    Transfer transfer(there_.world.runtime(), options_);
    store::Entry entry;
    entry.size = listed_->size;
    entry.etag = listed_->etag;
    entry.modified = listed_->modified;
    return there_.world.run_for(move_object(transfer,
                                            {.source = there_.source,
                                             .source_key = "k",
                                             .source_version = {},
                                             .destination = there_.destination,
                                             .destination_key = "k",
                                             .facts = entry},
                                            there_.world.context()));
  }

  Error failure() {
    try {
      move();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorClass::internal, "nothing was thrown");
  }

  // Calls change_source in the call that comes as number `call` to whatever the way reads by.
  void change_at(int call) {
    auto count = std::make_shared<int>(0);
    const auto at = [this, count, call] {
      if (++*count == call) change_source();
    };
    there_.source.script.before_read = [at](const auto&) { at(); };
    there_.destination.script.before_copy = at;
  }

  void remove_source() {
    ManualRuntime aside;  // the test's own loop is in the middle of a call
    aside.run(remove_key(there_.source, aside.context()));
  }

  // The store keeps other bytes than it was given, of the same length, under the etag that it told.
  void corrupt(store::Written& written) {
    there_.destination.inner.put("k", sample_content(written.size, 99));
    ManualRuntime aside;
    written.etag = aside.run_for(look_at(there_.destination, aside.context()))->etag;
  }

  void expect_same() {
    EXPECT_EQ(there_.destination.inner.content("k"), there_.source.inner.content("k"));
    EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
  }

  TransferWorld there_;
  TransferOptions options_;
  std::optional<store::Details> listed_;
  unsigned generation_ = 0;
};

TEST_P(Faults, ASourceThatChangedSinceItWasListedIsMovedAsItIsNow) {
  change_source();
  const TransferResult result = move();
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(result.bytes, GetParam().size + 2);
  expect_same();
}

TEST_P(Faults, ASourceThatChangesUnderWayIsMovedAgainAsAWhole) {
  change_at(1);
  EXPECT_EQ(move().attempts, 2);
  expect_same();
}

TEST_P(Faults, ASourceThatChangesBetweenItsPartsIsNeverMixed) {
  if (GetParam().copies || GetParam().size == kSmall) return;  // one look each
  for (int call = 2; call <= 5; ++call) {
    listed_ = there_.world.run_for(look_at(there_.source, there_.world.context()));
    change_at(call);
    EXPECT_EQ(move().attempts, 2) << call;
    expect_same();
  }
}

TEST_P(Faults, ASourceThatNeverHoldsStillFails) {
  there_.source.script.before_read = [this](const auto&) { change_source(); };
  there_.destination.script.before_copy = [this] { change_source(); };
  const Error error = failure();
  EXPECT_EQ(error.error_class(), ErrorClass::source_changed);
  EXPECT_EQ(error.attempts(), 3);
  EXPECT_FALSE(error.hint().empty());
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

TEST_P(Faults, ASourceThatDisappearsUnderWayIsNotFound) {
  there_.source.script.before_read = [this](const auto&) { remove_source(); };
  there_.destination.script.before_copy = [this] { remove_source(); };
  EXPECT_EQ(failure().error_class(), ErrorClass::not_found);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

TEST_P(Faults, ADestinationThatCorruptsIsCaughtByReadingBack) {
  options_.verify = Verify::all;
  there_.destination.script.after_write = [this](store::Written& written) {
    there_.destination.script.after_write = [](store::Written&) {};
    corrupt(written);
  };
  const TransferResult result = move();
  EXPECT_EQ(result.attempts, 2);
  EXPECT_EQ(result.proof, Proof::read_back);
  EXPECT_EQ(there_.destination.calls.removes, 1);
  expect_same();
}

TEST_P(Faults, WhatStaysCorruptFailsAndIsRemoved) {
  options_.verify = Verify::all;
  there_.destination.script.after_write = [this](store::Written& written) { corrupt(written); };
  const Error error = failure();
  EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
  EXPECT_EQ(error.attempts(), 2);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
}

TEST_P(Faults, ASizeThatDiffersIsNoticedWithoutReadingBack) {
  there_.destination.script.after_write = [](store::Written& written) { --written.size; };
  EXPECT_EQ(failure().error_class(), ErrorClass::data_loss);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
}

TEST_P(Faults, AChecksumThatDiffersIsNoticedWithoutReadingBack) {
  if (GetParam().copies) return;  // the bytes do not pass here
  there_.destination.script.after_write = [](store::Written& written) {
    written.checksums.put(checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("something else")));
  };
  EXPECT_EQ(failure().error_class(), ErrorClass::data_loss);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
}

TEST_P(Faults, TheObjectOfSomebodyElseIsNotRemovedForOurs) {
  there_.destination.script.after_write = [this](store::Written& written) {
    --written.size;
    there_.destination.inner.put("k", "theirs");
  };
  EXPECT_EQ(failure().error_class(), ErrorClass::data_loss);
  EXPECT_EQ(there_.destination.inner.content("k"), "theirs");
}

TEST_P(Faults, WithoutVerificationNothingIsComparedOrRead) {
  options_.verify = Verify::none;
  there_.destination.script.after_write = [](store::Written& written) { --written.size; };
  EXPECT_EQ(move().proof, Proof::none);
  expect_same();
}

TEST_P(Faults, ADestinationThatSaysLittleIsProvenByLittle) {
  there_.destination.script.after_write = [](store::Written& written) {
    written.server_verified = false;
    written.checksums = {};
    written.etag = "\"opaque\"";
  };
  EXPECT_EQ(move().proof, Proof::size);
}

TEST_P(Faults, AWriteThatFailsForGoodIsNotRepeatedHere) {
  const auto refuse = [] { throw Error(ErrorClass::permission_denied, "no"); };
  there_.destination.script.before_write = there_.destination.script.before_copy = refuse;
  there_.destination.script.before_complete = refuse;
  EXPECT_EQ(failure().error_class(), ErrorClass::permission_denied);
  EXPECT_EQ(
      there_.destination.calls.writes + there_.destination.calls.copies + there_.destination.calls.uploads,
      1);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

TEST_P(Faults, AnAbortBeforeTheStartMovesNothing) {
  there_.world.runtime().stop().raise(StopLevel::abort);
  EXPECT_EQ(failure().error_class(), ErrorClass::cancelled);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
}

TEST_P(Faults, BytesThatContradictTheirOwnChecksumAreNotMoved) {
  if (GetParam().copies || GetParam().size == kSmall) return;  // nothing is asked of the source before
  there_.source.script.after_stat = [](store::Details& details) {
    details.checksums.put(checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("as it once was")));
  };
  EXPECT_EQ(failure().error_class(), ErrorClass::data_loss);
  EXPECT_EQ(there_.destination.inner.content("k"), std::nullopt);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Ways, Faults,
                         testing::Values(Way{"SmallStreamed", kSmall, false},
                                         Way{"LargeInParts", kLarge, false},
                                         Way{"SmallByTheService", kSmall, true},
                                         Way{"LargeByTheService", kLarge, true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace haul::transfer

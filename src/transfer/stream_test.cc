#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stores/memory/memory_store.h"
#include "transfer/scripted_store.h"
#include "transfer/transfer.h"

namespace haul::transfer {
namespace {

using ScriptedStore = ScriptedStoreOf<memory::MemoryStore>;
using TransferWorld = TransferWorldOf<memory::MemoryStore>;

constexpr std::uint64_t kPart = 1 << 20;

// Gives its content in pieces of odd sizes, then ends, or breaks.
class TextStream final : public StreamSource {
 public:
  explicit TextStream(std::string content, bool breaks = false)
      : content_(std::move(content)), breaks_(breaks) {}

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    co_await yield(context.executor());  // as one who waits for a pipe
    const std::size_t count = std::min({into.size(), content_.size() - at_, std::size_t{77'777}});
    if (count == 0 && breaks_) throw Error(ErrorClass::unavailable, "the pipe broke");
    std::memcpy(into.data(), content_.data() + at_, count);
    at_ += count;
    co_return count;
  }

 private:
  const std::string content_;
  const bool breaks_;
  std::size_t at_ = 0;
};

Task<TransferResult> stream_to(Transfer& transfer, StreamRequest request, OpContext context) {
  co_return co_await transfer.stream(std::move(request), context);
}

class Streams : public testing::Test {
 protected:
  TransferResult stream(TextStream source) {
    Transfer transfer(there_.world.runtime(), options_);
    return there_.world.run_for(stream_to(transfer,
                                          {.source = source,
                                           .destination = there_.destination,
                                           .destination_key = "dump.sql",
                                           .properties = {},
                                           .mode = mode_},
                                          there_.world.context()));
  }

  Error failure(TextStream source) {
    try {
      stream(std::move(source));
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorClass::internal, "nothing was thrown");
  }

  std::optional<std::string> arrived() { return there_.destination.inner.content("dump.sql"); }

  TransferWorld there_{16 << 20};
  TransferOptions options_{.part_size = kPart};
  store::WriteMode mode_ = store::WriteMode::overwrite;
};

TEST_F(Streams, OfEachLengthArriveByteForByte) {
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{1}, kPart - 1, kPart, kPart + 1, 2 * kPart, 7 * kPart + 3}) {
    const std::string content = sample_content(size);
    const TransferResult result = stream(TextStream(content));
    EXPECT_EQ(arrived(), content) << size;
    EXPECT_EQ(result.bytes, size);
    EXPECT_EQ(result.how, size < kPart ? Method::streamed : Method::parts) << size;
    EXPECT_EQ(result.proof, Proof::checksum) << size;
    EXPECT_EQ(result.checksum, checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(content)));
    EXPECT_EQ(there_.world.runtime().memory().in_use(), 0U);
  }
}

TEST_F(Streams, LongerThanMemoryPassWithinIt) {
  const std::string content = sample_content(40 * kPart);
  std::uint64_t peak = 0;
  there_.destination.script.part_delay = [&](std::uint32_t number) {
    peak = std::max(peak, there_.world.runtime().memory().in_use());
    return static_cast<int>(number % 5);
  };
  stream(TextStream(content));
  EXPECT_EQ(arrived(), content);
  EXPECT_LE(peak, 16U << 20);
}

TEST_F(Streams, ThatBreakLeaveNothingBehind) {
  for (const std::uint64_t size : {kPart / 2, 5 * kPart}) {
    EXPECT_EQ(failure(TextStream(sample_content(size), true)).error_class(), ErrorClass::unavailable);
    EXPECT_EQ(arrived(), std::nullopt);
    EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
  }
}

TEST_F(Streams, EndWhenAPartFails) {
  there_.destination.script.before_part = [](std::uint32_t number) {
    if (number == 2) throw Error(ErrorClass::exhausted, "quota");
  };
  EXPECT_EQ(failure(TextStream(sample_content(30 * kPart))).error_class(), ErrorClass::exhausted);
  EXPECT_LT(there_.destination.calls.parts, 15);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

TEST_F(Streams, EndWithADrain) {
  there_.destination.script.before_part = [this](std::uint32_t number) {
    if (number == 2) there_.world.runtime().stop().raise(StopLevel::drain);
  };
  EXPECT_EQ(failure(TextStream(sample_content(30 * kPart))).error_class(), ErrorClass::cancelled);
  EXPECT_EQ(there_.destination.inner.pending_uploads(), 0U);
}

TEST_F(Streams, LongerThanTheDestinationHoldsFailInTime) {
  memory::MemoryOptions few;
  few.capabilities.max_parts = 3;
  few.capabilities.max_part = kPart;
  ScriptedStore narrow(few);
  Transfer transfer(there_.world.runtime(), options_);
  TextStream source(sample_content(4 * kPart));
  EXPECT_THROW(
      there_.world.run_for(stream_to(
          transfer, {.source = source, .destination = narrow, .destination_key = "k", .properties = {}},
          there_.world.context())),
      Error);
  EXPECT_EQ(narrow.inner.pending_uploads(), 0U);
}

TEST_F(Streams, DoNotReplaceWhatIsThereWithCreateOnly) {
  mode_ = store::WriteMode::create_only;
  there_.destination.inner.put("dump.sql", "mine");
  EXPECT_TRUE(stream(TextStream("short")).condition_failed);
  EXPECT_TRUE(stream(TextStream(sample_content(3 * kPart))).condition_failed);
  EXPECT_EQ(arrived(), "mine");
}

TEST_F(Streams, AreReadBackWhenAllIsToBeVerified) {
  options_.verify = Verify::all;
  EXPECT_EQ(stream(TextStream("short")).proof, Proof::read_back);
  EXPECT_EQ(stream(TextStream(sample_content(3 * kPart + 1))).proof, Proof::read_back);
}

TEST_F(Streams, HoldTheBandwidth) {
  Bandwidth line(kPart);
  options_.bandwidth = &line;
  stream(TextStream(sample_content(6 * kPart)));
  EXPECT_NEAR(std::chrono::duration<double>(there_.world.env().slept()).count(), 6.0, 0.3);
}

}  // namespace
}  // namespace haul::transfer

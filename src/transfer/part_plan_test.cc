#include "transfer/part_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kTB = 1'000'000'000'000ULL;

// The limits of Amazon S3.
store::Capabilities s3_limits() {
  store::Capabilities limits;
  limits.max_single_write = 5 * kGiB;
  limits.min_part = 5 * kMiB;
  limits.max_part = 5 * kGiB;
  limits.max_parts = 10'000;
  return limits;
}

void expect_covers(const PartPlan& plan, std::uint64_t size) {
  std::uint64_t sum = 0;
  for (std::uint32_t number = 1; number <= plan.count; ++number) {
    const Part part = plan.part(number);
    ASSERT_EQ(part.number, number);
    ASSERT_EQ(part.offset, sum);
    ASSERT_TRUE(part.length == plan.part_size || number == plan.count);
    sum += part.length;
  }
  EXPECT_EQ(sum, size);
}

TEST(PartPlan, KeepsWithinTheLimitsForEachSizeUpToFiftyTerabytes) {
  for (const std::uint64_t size :
       {std::uint64_t{1}, 5 * kMiB, 8 * kMiB - 1, 8 * kMiB, 8 * kMiB + 1, kGiB, 6 * kGiB, 80 * kGiB,
        640 * kGiB, 700 * kGiB, 5 * kTB, 50 * kTB - 1, 50 * kTB}) {
    const PartPlan plan = plan_parts(size, s3_limits());
    expect_covers(plan, size);
    EXPECT_LE(plan.count, 10'000U) << size;
    EXPECT_GE(plan.part_size, 8 * kMiB) << size;
    EXPECT_LE(plan.part_size, 5 * kGiB) << size;
    EXPECT_EQ(plan.part_size % kMiB, 0U) << size;
  }
}

TEST(PartPlan, PartsAreSmallWhileTheObjectIsAndGrowOnlyAsNeeded) {
  EXPECT_EQ(plan_parts(100 * kMiB, s3_limits()).part_size, 8 * kMiB);
  EXPECT_EQ(plan_parts(6 * kGiB, s3_limits()).part_size, 8 * kMiB);
  EXPECT_EQ(plan_parts(100 * kGiB, s3_limits()).part_size, 64 * kMiB);
  EXPECT_EQ(plan_parts(600 * kGiB, s3_limits()).part_size, 64 * kMiB);
}

TEST(PartPlan, TakesThePreferredSizeWhereTheLimitsAllowIt) {
  EXPECT_EQ(plan_parts(kGiB, s3_limits(), 16 * kMiB).part_size, 16 * kMiB);
  EXPECT_EQ(plan_parts(kGiB, s3_limits(), kMiB).part_size, 5 * kMiB);
  EXPECT_EQ(plan_parts(kTB, s3_limits(), 8 * kMiB).part_size, 96 * kMiB);
}

TEST(PartPlan, SaysSoWhenTheDestinationCannotHoldTheObject) {
  EXPECT_THROW(plan_parts(60 * kTB, s3_limits()), Error);
  store::Capabilities small = s3_limits();
  small.max_object = kGiB;
  EXPECT_THROW(plan_parts(kGiB + 1, small), Error);
  EXPECT_NO_THROW(plan_parts(kGiB, small));
}

TEST(PartPlan, LivesWithLimitsThatAreNoWholeMebibytes) {
  store::Capabilities odd;
  odd.max_part = 1'000'000;
  const PartPlan plan = plan_parts(10'000'001, odd);
  expect_covers(plan, 10'000'001);
  EXPECT_EQ(plan.part_size, 1'000'000U);
}

TEST(PartPlan, AnEmptyObjectIsOneEmptyPart) {
  const PartPlan plan = plan_parts(0, s3_limits());
  EXPECT_EQ(plan.count, 1U);
  expect_covers(plan, 0);
}

TEST(PartPlan, TheLargestNumbersDoNotOverflow) {
  const store::Capabilities none;
  EXPECT_NO_THROW(plan_parts(UINT64_MAX, none));
}

TEST(StreamParts, LastForTerabytesWithoutTheFirstBeingLarge) {
  std::uint64_t sum = 0;
  for (std::uint32_t number = 1; number <= 10'000; ++number) {
    const std::uint64_t size = stream_part_size(number, s3_limits(), 0, kGiB);
    ASSERT_GE(size, 8 * kMiB);
    ASSERT_LE(size, kGiB);
    sum += size;
  }
  EXPECT_EQ(stream_part_size(1, s3_limits(), 0, kGiB), 8 * kMiB);
  EXPECT_GT(sum, 3 * kTB);
}

TEST(StreamParts, KeepToMemoryUnlessTheDestinationWantsMore) {
  EXPECT_EQ(stream_part_size(9000, s3_limits(), 0, 64 * kMiB), 64 * kMiB);
  EXPECT_EQ(stream_part_size(1, s3_limits(), 0, kMiB), 5 * kMiB);
}

}  // namespace
}  // namespace haul::transfer

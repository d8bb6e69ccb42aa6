#include "transfer/part_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kPartMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kTB = 1'000'000'000'000ULL;

// The limits of Amazon S3.
store::Capabilities s3_limits() {
  store::Capabilities limits;
  limits.max_single_write = 5 * kGiB;
  limits.min_part = 5 * kPartMiB;
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
       {std::uint64_t{1}, 5 * kPartMiB, 8 * kPartMiB - 1, 8 * kPartMiB, 8 * kPartMiB + 1, kGiB, 6 * kGiB,
        80 * kGiB, 640 * kGiB, 700 * kGiB, 5 * kTB, 50 * kTB - 1, 50 * kTB}) {
    const PartPlan plan = plan_parts(size, s3_limits());
    expect_covers(plan, size);
    EXPECT_LE(plan.count, 10'000U) << size;
    EXPECT_GE(plan.part_size, 8 * kPartMiB) << size;
    EXPECT_LE(plan.part_size, 5 * kGiB) << size;
    EXPECT_EQ(plan.part_size % kPartMiB, 0U) << size;
  }
}

TEST(PartPlan, PartsAreSmallWhileTheObjectIsAndGrowOnlyAsNeeded) {
  EXPECT_EQ(plan_parts(100 * kPartMiB, s3_limits()).part_size, 8 * kPartMiB);
  EXPECT_EQ(plan_parts(6 * kGiB, s3_limits()).part_size, 8 * kPartMiB);
  EXPECT_EQ(plan_parts(100 * kGiB, s3_limits()).part_size, 64 * kPartMiB);
  EXPECT_EQ(plan_parts(600 * kGiB, s3_limits()).part_size, 64 * kPartMiB);
}

TEST(PartPlan, TakesThePreferredSizeWhereTheLimitsAllowIt) {
  EXPECT_EQ(plan_parts(kGiB, s3_limits(), 16 * kPartMiB).part_size, 16 * kPartMiB);
  EXPECT_EQ(plan_parts(kGiB, s3_limits(), kPartMiB).part_size, 5 * kPartMiB);
  EXPECT_EQ(plan_parts(kTB, s3_limits(), 8 * kPartMiB).part_size, 96 * kPartMiB);
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
    ASSERT_GE(size, 8 * kPartMiB);
    ASSERT_LE(size, kGiB);
    sum += size;
  }
  EXPECT_EQ(stream_part_size(1, s3_limits(), 0, kGiB), 8 * kPartMiB);
  EXPECT_GT(sum, 3 * kTB);
}

TEST(StreamParts, KeepToMemoryUnlessTheDestinationWantsMore) {
  EXPECT_EQ(stream_part_size(9000, s3_limits(), 0, 64 * kPartMiB), 64 * kPartMiB);
  EXPECT_EQ(stream_part_size(1, s3_limits(), 0, kPartMiB), 5 * kPartMiB);
}

}  // namespace
}  // namespace haul::transfer

#include "app/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::app {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

Figures figures(std::uint64_t objects, std::uint64_t bytes, bool listing = false) {
  Figures made;
  made.done_objects = objects;
  made.done_bytes = bytes;
  made.found_objects = 1000;
  made.found_bytes = 1'000'000;
  made.listing = listing;
  return made;
}

TEST(Estimate, GivesARangeBetweenTimeByNumberAndTimeBySize) {
  Estimate estimate;
  const SteadyTime start{};
  estimate.add(figures(0, 0), start);
  estimate.add(figures(100, 400'000), start + seconds(10));
  EXPECT_DOUBLE_EQ(estimate.objects_per_second(), 10);
  const auto left = estimate.remaining();
  ASSERT_TRUE(left);
  EXPECT_EQ(left->least, seconds(15));  // 600,000 bytes at 40,000 a second
  EXPECT_EQ(left->most, seconds(90));   // 900 objects at 10 a second
}

TEST(Estimate, CountsWhatIsCopiedThoughItsChunkIsNotDone) {
  Estimate estimate;
  const SteadyTime start{};
  const auto at_work = [](std::uint64_t done, std::uint64_t arrived) {
    Figures made = figures(done, 0);
    made.arrived_objects = arrived;
    return made;
  };
  estimate.add(at_work(100, 0), start);
  estimate.add(at_work(100, 200), start + seconds(10));
  EXPECT_DOUBLE_EQ(estimate.objects_per_second(), 20);
  EXPECT_EQ(estimate.remaining()->most, seconds(35));
  EXPECT_THAT(progress_line(at_work(100, 200), estimate),
              HasSubstr("100 of 1,000 objects, 0 B of 977 KiB, 200 more copied"));
  estimate.add(at_work(50, 0), start + seconds(20));
  EXPECT_DOUBLE_EQ(estimate.objects_per_second(), 0) << "what is put back makes no rate below nothing";
}

TEST(Estimate, SaysNothingWhileTheListingGoesOnOrNothingMoves) {
  Estimate estimate;
  const SteadyTime start{};
  EXPECT_FALSE(estimate.remaining());
  estimate.add(figures(0, 0), start);
  estimate.add(figures(0, 0), start + seconds(5));
  EXPECT_FALSE(estimate.remaining());
  estimate.add(figures(10, 10, /*listing=*/true), start + seconds(6));
  EXPECT_FALSE(estimate.remaining());
}

TEST(Estimate, ForgetsWhatIsLongAgo) {
  Estimate estimate;
  const SteadyTime start{};
  for (int i = 0; i <= 100; ++i)
    estimate.add(figures(i < 60 ? 0 : static_cast<std::uint64_t>(i - 60) * 10, 0), start + seconds(i));
  EXPECT_DOUBLE_EQ(estimate.objects_per_second(), 10);
}

TEST(ProgressLine, TellsDoneAndFoundApartAndNamesFailuresAndTheListing) {
  Estimate estimate;
  Figures now = figures(1, 5);
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("1 of 1,000 objects"));
  EXPECT_THAT(progress_line(now, estimate), Not(HasSubstr("FAILED")));
  now.failed_objects = 3;
  now.listing = true;
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("1 of 1,000+ objects"));
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("3 FAILED"));
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("listing"));
}

TEST(ProgressLine, TellsNoSumOfSizesThatNobodyKnows) {
  Estimate estimate;
  Figures now = figures(1, 5000);
  now.found_bytes = 0;
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("objects, 4.88 KiB, 0/s"));
  now.found_bytes = 4000;  // of some of them
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("objects, 4.88 KiB, 0/s"));
  now.found_bytes = 6000;
  EXPECT_THAT(progress_line(now, estimate), HasSubstr("objects, 4.88 KiB of 5.86 KiB, 0/s"));
}

TEST(WithCommas, GroupsByThree) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace haul::app

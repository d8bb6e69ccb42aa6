#include "store/posix_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::store {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

Time at(std::int64_t nanoseconds) {
  return Time(std::chrono::nanoseconds(nanoseconds));
}

std::optional<Time> mtime_of(const char* name, const char* value) {
  const auto found = get_posix({{name, value}});
  return found ? found->mtime : std::nullopt;
}

TEST(PosixMetadata, IsWrittenAsDataSyncWritesIt) {
  Metadata metadata{{"colour", "red"}};
  put_posix({.mode = 0100644, .uid = 1000, .gid = 50, .mtime = at(1'700'000'000'123'456'789), .atime = at(5)},
            metadata);
  EXPECT_THAT(metadata, ElementsAre(Pair("colour", "red"), Pair("file-permissions", "0100644"),
                                    Pair("file-owner", "1000"), Pair("file-group", "50"),
                                    Pair("file-atime", "5ns"), Pair("file-mtime", "1700000000123456789ns")));
}

TEST(PosixMetadata, ComesBackAsItWent) {
  const PosixAttributes all{
      .mode = 040755, .uid = 0, .gid = 65534, .mtime = at(-1'500'000'001), .atime = at(0)};
  Metadata metadata;
  put_posix(all, metadata);
  EXPECT_EQ(get_posix(metadata), all);
}

TEST(PosixMetadata, ReplacesWhatIsThere) {
  Metadata metadata{{"file-mtime", "1ns"}, {"mtime", "7"}, {"file-owner", "3"}};
  put_posix({.mtime = at(2)}, metadata);
  EXPECT_THAT(metadata, ElementsAre(Pair("file-mtime", "2ns"), Pair("file-owner", "3")));
}

TEST(PosixMetadata, TimesWithoutSuffixAreMilliseconds) {
  EXPECT_EQ(mtime_of("file-mtime", "1595002920000"), at(1'595'002'920'000'000'000));
  EXPECT_EQ(mtime_of("file-mtime", "1595002920000.25"), at(1'595'002'920'000'250'000));
  EXPECT_EQ(mtime_of("file-mtime", "0.0000019"), at(1));
}

TEST(PosixMetadata, MtimeAloneIsSeconds) {
  EXPECT_EQ(mtime_of("mtime", "1354040105.123456789"), at(1'354'040'105'123'456'789));
  EXPECT_EQ(mtime_of("mtime", "1354040105"), at(1'354'040'105'000'000'000));
  EXPECT_EQ(mtime_of("mtime", "-1.5"), at(-1'500'000'000));
}

TEST(PosixMetadata, FileMtimeWinsOverMtime) {
  EXPECT_EQ(get_posix({{"mtime", "9"}, {"file-mtime", "3ns"}})->mtime, at(3));
  EXPECT_EQ(get_posix({{"mtime", "9"}, {"file-mtime", "soon"}})->mtime, at(9'000'000'000));
}

TEST(PosixMetadata, PermissionsMayLackTheirType) {
  EXPECT_EQ(get_posix({{"file-permissions", "644"}})->mode, 0644U);
  EXPECT_EQ(get_posix({{"file-permissions", "0100755"}})->mode, 0100755U);
}

TEST(PosixMetadata, NonsenseIsIgnored) {
  for (const char* value :
       {"", " ", "x", "1x", "9999999999999999999999", "1e3", "-", "1.2.3", "ns", "0x10"}) {
    EXPECT_EQ(mtime_of("file-mtime", value), std::nullopt) << value;
    EXPECT_EQ(mtime_of("mtime", value), std::nullopt) << value;
    EXPECT_EQ(get_posix({{"file-owner", value}}), std::nullopt) << value;
  }
  EXPECT_EQ(get_posix({{"file-permissions", "0999"}}), std::nullopt);
  EXPECT_EQ(get_posix({{"file-permissions", "7777777"}}), std::nullopt);
  EXPECT_EQ(get_posix({{"file-owner", "4294967295"}}), std::nullopt);
  EXPECT_EQ(get_posix({{"file-group", "-1"}}), std::nullopt);
  EXPECT_EQ(get_posix({{"colour", "red"}}), std::nullopt);
  EXPECT_EQ(get_posix({}), std::nullopt);
}

TEST(PosixMetadata, NamesAreRecognised) {
  EXPECT_TRUE(is_posix_name("file-permissions"));
  EXPECT_TRUE(is_posix_name("mtime"));
  EXPECT_FALSE(is_posix_name("file-"));
  EXPECT_FALSE(is_posix_name("colour"));
}

}  // namespace
}  // namespace haul::store

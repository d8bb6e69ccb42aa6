#include "engine/embedded/manifest_segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "engine/embedded/state_fixture_for_tests.h"

namespace haul::engine {
namespace {

struct ManifestSegmentsTest : testing::Test {
  std::string path(int segment) const {
    return directory.path() + "/manifest-0000" + std::to_string(segment) + ".seg";
  }
  void append_to_file(int segment, std::string_view bytes) const {
    std::ofstream(path(segment), std::ios::app | std::ios::binary) << bytes;
  }
  TestDirectory directory;
};

TEST_F(ManifestSegmentsTest, what_was_appended_is_read_again_by_another_process) {
  ManifestSlice first, second;
  ManifestEnd end;
  {
    ManifestSegments segments(directory.path(), 1000, {});
    first = segments.append("first chunk");
    second = segments.append("");
    segments.sync();
    end = segments.end();
  }
  const ManifestSegments segments(directory.path(), 1000, end);
  EXPECT_EQ(segments.read(first), "first chunk");
  EXPECT_EQ(segments.read(second), "");
}

TEST_F(ManifestSegmentsTest, a_torn_tail_is_cut_off_and_written_over) {
  ManifestEnd end;
  ManifestSlice kept;
  {
    ManifestSegments segments(directory.path(), 1000, {});
    kept = segments.append("kept");
    end = segments.end();
  }
  append_to_file(1, "half of what nobody ackno");
  ManifestSegments segments(directory.path(), 1000, end);
  EXPECT_EQ(std::filesystem::file_size(path(1)), 4U);
  const ManifestSlice next = segments.append("next");
  EXPECT_EQ(next.offset, 4U);
  EXPECT_EQ(segments.read(kept), "kept");
  EXPECT_EQ(segments.read(next), "next");
}

TEST_F(ManifestSegmentsTest, a_full_segment_is_followed_by_the_next) {
  ManifestSegments segments(directory.path(), 10, {});
  const ManifestSlice first = segments.append("0123456789");
  const ManifestSlice second = segments.append("x");
  EXPECT_EQ(first.segment, 1U);
  EXPECT_EQ(second.segment, 2U);
  EXPECT_EQ(segments.end(), (ManifestEnd{2, 1}));
  EXPECT_EQ(segments.read(first), "0123456789");
  EXPECT_EQ(segments.read(second), "x");
}

TEST_F(ManifestSegmentsTest, cutting_takes_back_segments_too) {
  ManifestSegments segments(directory.path(), 10, {});
  segments.append("0123456789");
  const ManifestEnd end = segments.end();
  segments.append("0123456789");
  segments.append("0123456789");
  segments.cut(end);
  EXPECT_FALSE(std::filesystem::exists(path(2)));
  EXPECT_FALSE(std::filesystem::exists(path(3)));
  EXPECT_EQ(segments.read(segments.append("again")), "again");
  EXPECT_EQ(segments.end(), (ManifestEnd{2, 5}));
}

TEST_F(ManifestSegmentsTest, changed_shortened_and_lost_chunks_are_data_loss) {
  ManifestSegments segments(directory.path(), 1000, {});
  const ManifestSlice slice = segments.append("a chunk");
  const auto expect_data_loss = [&] {
    try {
      segments.read(slice);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
      EXPECT_THAT(error.what(), testing::HasSubstr("manifest-00001.seg"));
    }
  };
  std::ofstream(path(1), std::ios::binary) << "a chunc";
  expect_data_loss();
  std::ofstream(path(1), std::ios::binary) << "a ch";
  expect_data_loss();
  segments.remove(1);
  expect_data_loss();
}

}  // namespace
}  // namespace haul::engine

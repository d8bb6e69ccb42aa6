#include "listing/spill_sort.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "listing/model_store.h"
#include "listing/run_file.h"

namespace haul::listing {
namespace {

Task<std::vector<std::pair<std::string, std::uint64_t>>> drain(EntryStream& stream, OpContext context) {
  std::vector<std::pair<std::string, std::uint64_t>> all;
  while (const auto page = co_await stream.next(context))
    for (const store::Entry& entry : page->entries)
      all.emplace_back(entry.key, entry.size);
  co_return all;
}

class SpillSortTest : public ::testing::Test {
 protected:
  ManualEnv env_;
  Runtime runtime_{env_, null_logger(), {.shards = 1, .blocking_threads = 1}};
};

std::vector<std::string> shuffled_keys(std::size_t count) {
  std::mt19937_64 random(1);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < count; ++i)
    keys.push_back("common/prefix/" + std::to_string(random()) + std::string(random() % 40, 'x'));
  return keys;
}

TEST_F(SpillSortTest, SortsInMemoryWhatFitsAndOnDiskWhatDoesNot) {
  const auto keys = shuffled_keys(20'000);
  auto sorted = entries_of(keys);
  std::ranges::sort(sorted, {}, &store::Entry::key);
  for (const std::uint64_t memory : {64ULL << 20, 2ULL << 20, 1ULL}) {
    ModelStream input(entries_of(keys), 777);
    SortedStream stream(input, {.memory = memory});
    const auto all = runtime_.run_for(drain(stream, runtime_.context()));
    ASSERT_EQ(all.size(), sorted.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(all[i].first, sorted[i].key);
      ASSERT_EQ(all[i].second, sorted[i].size);
    }
    EXPECT_EQ(stream.runs_written() > 0, memory < 64ULL << 20);
    EXPECT_TRUE(stream.facts().complete());
    EXPECT_EQ(stream.facts().listed, keys.size());
  }
}

TEST_F(SpillSortTest, ManyRunsAreMergedInStages) {
  // The least memory has buffers for 32 runs; this takes more.
  const auto keys = shuffled_keys(150'000);
  ModelStream input(entries_of(keys), 1000);
  SortedStream stream(input, {.memory = 1});
  const auto all = runtime_.run_for(drain(stream, runtime_.context()));
  EXPECT_GT(stream.runs_written(), 32u);
  EXPECT_EQ(all.size(), keys.size());
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

TEST_F(SpillSortTest, KeepsAllThatAnEntrySays) {
  store::Entry entry;
  entry.key = "k\n\x01";
  entry.size = UINT64_MAX;
  entry.modified = Time(Duration(-1));
  entry.changed = Time(Duration(123'456'789));
  entry.etag = "e";
  entry.version = "v";
  entry.storage_class = "GLACIER";
  entry.mode = 0100644;
  entry.uid = 1;
  entry.gid = 2;
  entry.kind = store::EntryKind::delete_marker;
  entry.latest = false;
  ModelStream input({entry}, 1);
  SortedStream stream(input, {});
  OpContext context = runtime_.context();
  const auto page = runtime_.run_for(stream.next(context));
  const store::Entry& back = page->entries.at(0);
  EXPECT_EQ(back.key, entry.key);
  EXPECT_EQ(back.size, entry.size);
  EXPECT_EQ(back.modified, entry.modified);
  EXPECT_EQ(back.changed, entry.changed);
  EXPECT_EQ(back.etag, "e");
  EXPECT_EQ(back.version, "v");
  EXPECT_EQ(back.storage_class, "GLACIER");
  EXPECT_EQ(back.mode, entry.mode);
  EXPECT_EQ(back.uid, 1u);
  EXPECT_EQ(back.gid, 2u);
  EXPECT_EQ(back.kind, entry.kind);
  EXPECT_FALSE(back.latest);
}

TEST_F(SpillSortTest, FailuresOfTheInputAreHandedOnAndMakeItIncomplete) {
  ModelStream input({}, 1);
  input.failures.push_back({"dir/", Error(ErrorClass::permission_denied, "no")});
  SortedStream stream(input, {});
  OpContext context = runtime_.context();
  const auto page = runtime_.run_for(stream.next(context));
  ASSERT_TRUE(page);
  EXPECT_EQ(page->failures.at(0).key, "dir/");
  EXPECT_FALSE(runtime_.run_for(stream.next(context)));
  EXPECT_FALSE(stream.facts().complete());
}

TEST_F(SpillSortTest, RunsLeaveNoFileBehindAndADirectoryThatIsNotThereIsNamed) {
  const std::string directory = ::testing::TempDir() + "haul-runs-" + make_id(system_env());
  const auto keys = shuffled_keys(10'000);
  {
    ModelStream input(entries_of(keys), 1000);
    SortedStream stream(input, {.memory = 1, .directory = directory});
    try {
      runtime_.run_for(drain(stream, runtime_.context()));
      FAIL() << "wrote runs into nowhere";
    } catch (const Error& error) {
      EXPECT_EQ(error.error_class(), ErrorClass::not_found);
      EXPECT_EQ(error.subject(), directory);
    }
  }
  std::filesystem::create_directory(directory);
  ModelStream input(entries_of(keys), 1000);
  SortedStream stream(input, {.memory = 1, .directory = directory});
  OpContext context = runtime_.context();
  ASSERT_TRUE(runtime_.run_for(stream.next(context)));
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove(directory);
}

// A limit on the size of files, as good as a disk that is full.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallFiles() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_F(SpillSortTest, NoRoomForTheRunsIsExhausted) {
  const auto keys = shuffled_keys(20'000);
  ModelStream input(entries_of(keys), 1000);
  SortedStream stream(input, {.memory = 1, .directory = ::testing::TempDir()});
  const SmallFiles limit(500'000);
  try {
    runtime_.run_for(drain(stream, runtime_.context()));
    FAIL() << "wrote more than there is room for";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::exhausted) << error.what();
    EXPECT_EQ(error.operation(), "sort the listing on disk");
    EXPECT_FALSE(error.hint().empty());
  }
}

}  // namespace
}  // namespace haul::listing

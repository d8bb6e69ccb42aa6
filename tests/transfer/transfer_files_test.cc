// Between real files and objects in memory, and across shards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "runtime/task_group.h"
#include "stores/local/local_store.h"
#include "stores/memory/memory_store.h"
#include "transfer/scripted_store.h"
#include "transfer/transfer.h"

namespace haul::transfer {
namespace {

namespace fs = std::filesystem;

Task<> move_one(Transfer& transfer, TransferRequest request, TransferResult* result, OpContext context) {
  TransferResult moved = co_await transfer.object(std::move(request), context);
  if (result != nullptr) *result = std::move(moved);
}

TransferRequest between(store::Store& from, std::string key, store::Store& to) {
  std::string same = key;
  return {.source = from,
          .source_key = std::move(key),
          .source_version = {},
          .destination = to,
          .destination_key = std::move(same)};
}

class Files : public testing::Test {
 protected:
  Files() : root_(fs::temp_directory_path() / ("haul-transfer-" + make_id(system_env()))) {
    fs::create_directories(root_ / "in");
    fs::create_directories(root_ / "out");
    in_.emplace(local::LocalOptions{.root = root_ / "in"});
    out_.emplace(local::LocalOptions{.root = root_ / "out"});
  }
  ~Files() override { fs::remove_all(root_); }

  void write_file(const std::string& key, const std::string& content, mode_t mode) {
    std::ofstream(root_ / "in" / key, std::ios::binary) << content;
    ::chmod((root_ / "in" / key).c_str(), mode);
    const timespec times[2] = {{1'000'000'000, 123'456'789}, {1'000'000'000, 123'456'789}};
    ::utimensat(AT_FDCWD, (root_ / "in" / key).c_str(), times, 0);
  }
  std::string read_file(const std::string& key) {
    std::ifstream file(root_ / "out" / key, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  TransferResult move(store::Store& from, const std::string& key, store::Store& to) {
    Transfer transfer(runtime_, options_);
    TransferResult result;
    runtime_.run(move_one(transfer, between(from, key, to), &result, runtime_.context()));
    return result;
  }

  const fs::path root_;
  Runtime runtime_{system_env(), null_logger(), {.shards = 3, .blocking_threads = 4, .memory = 16 << 20}};
  TransferOptions options_{.single_write_threshold = 1 << 20, .part_size = 1 << 20};
  std::optional<local::LocalStore> in_, out_;
  memory::MemoryStore objects_;
};

TEST_F(Files, GoUpAndComeBackTheSame) {
  for (const std::size_t size : {0UL, 10UL, 300'000UL, 1UL << 20, (5UL << 20) + 7}) {
    const std::string content = sample_content(size);
    write_file("a.txt", content, 0640);
    const TransferResult up = move(*in_, "a.txt", objects_);
    EXPECT_EQ(up.proof, Proof::checksum) << size;
    EXPECT_EQ(up.losses, std::vector<std::string>{}) << size;
    EXPECT_EQ(objects_.content("a.txt"), content);
    const TransferResult down = move(objects_, "a.txt", *out_);
    EXPECT_EQ(down.proof, Proof::checksum) << size;
    EXPECT_EQ(read_file("a.txt"), content);
    struct stat status;
    ASSERT_EQ(::stat((root_ / "out" / "a.txt").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0640U);
    EXPECT_EQ(status.st_mtim.tv_sec, 1'000'000'000);
    EXPECT_EQ(status.st_mtim.tv_nsec, 123'456'789);
  }
}

// The bytes are hashed once, as they are written, and compared with what the source keeps.
TEST_F(Files, OfOtherBytesThanTheSourceKeepsTheChecksumOfDoNotArrive) {
  ScriptedStoreOf<memory::MemoryStore> damaged;
  damaged.inner.put("a.bin", sample_content(3 << 20));
  damaged.script.after_stat = [](store::Details& details) {
    const std::string before = "x" + sample_content((3 << 20) - 1);
    details.checksums.put(checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(before)));
  };
  try {
    move(damaged, "a.bin", *out_);
    FAIL() << "damage was not noticed";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
  }
  EXPECT_TRUE(fs::is_empty(root_ / "out"));
}

TEST_F(Files, StayFilesBetweenDirectories) {
  write_file("b.bin", sample_content(3 << 20), 0600);
  move(*in_, "b.bin", *out_);
  EXPECT_EQ(read_file("b.bin"), sample_content(3 << 20));
}

TEST_F(Files, OfNoSuchNameAreNotFound) {
  EXPECT_THROW(move(*in_, "none", objects_), Error);
}

TEST_F(Files, DirectoriesTravelAsEmptyObjects) {
  fs::create_directories(root_ / "in" / "empty");
  move(*in_, "empty/", objects_);
  EXPECT_EQ(objects_.content("empty/"), "");
  move(objects_, "empty/", *out_);
  EXPECT_TRUE(fs::is_directory(root_ / "out" / "empty"));
}

TEST_F(Files, CannotHoldAnObjectThatIsNamedAsADirectory) {
  objects_.put("odd/", "content");
  try {
    move(objects_, "odd/", *out_);
    FAIL() << "the content was dropped";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
  }
}

// All objects, each on one of the shards, several at a time.
struct ManyShards {
  Transfer& transfer;
  store::Store& from;
  store::Store& to;
  std::atomic<int> next{0};
  int count;

  Task<> worker(OpContext context) {
    for (int i = next++; i < count; i = next++)
      co_await move_one(transfer, between(from, std::to_string(i), to), nullptr, context);
  }
  Task<> workers(OpContext context) {
    TaskGroup group(context.executor());
    for (int i = 0; i < 8; ++i)
      group.spawn(worker(context));
    co_await group.join();
  }
  Task<> on(Shard& shard, OpContext context) { co_await on_shard(shard, workers(context.on(shard))); }
  Task<> run(Runtime& runtime, OpContext context) {
    TaskGroup group(context.executor());
    for (unsigned i = 0; i < runtime.shard_count(); ++i)
      group.spawn(on(runtime.shard(i), context));
    co_await group.join();
  }
};

TEST_F(Files, AreMovedOnAllShardsAtOnceWithinOneMemoryLimit) {
  constexpr int kCount = 40;
  std::uint64_t bytes = 0;
  for (int i = 0; i < kCount; ++i) {
    const auto size = static_cast<std::size_t>(i) * 28'000;
    write_file(std::to_string(i), sample_content(size, static_cast<std::uint64_t>(i)), 0600);
    bytes += size;
  }
  Transfer transfer(runtime_, options_);
  ManyShards up{transfer, *in_, objects_, {}, kCount};
  runtime_.run(up.run(runtime_, runtime_.context()));
  EXPECT_EQ(objects_.keys().size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(transfer.bytes_moved(), bytes);
  ManyShards down{transfer, objects_, *out_, {}, kCount};
  runtime_.run(down.run(runtime_, runtime_.context()));
  for (int i = 0; i < kCount; ++i)
    EXPECT_EQ(read_file(std::to_string(i)), objects_.content(std::to_string(i)));
  EXPECT_LE(runtime_.memory().in_use(), (16U << 20) / 4);
}

}  // namespace
}  // namespace haul::transfer

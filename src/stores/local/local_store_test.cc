// Reading, writing and removing files: attributes, safety, faults.
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "stores/local/attributes.h"
#include "stores/local/local_test.h"

namespace haul::local {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct stat status_of(const std::filesystem::path& path) {
  struct stat status{};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
  return status;
}

store::Properties with_mode(std::uint32_t mode) {
  store::Properties properties;
  properties.posix.emplace().mode = mode;
  return properties;
}

store::WriteOptions carrying(const store::Properties& properties) {
  store::WriteOptions options;
  options.properties = &properties;
  return options;
}

class LocalFiles : public LocalTest {
 protected:
  std::vector<std::string> on_disk() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_.path()))
      names.push_back(entry.path().lexically_relative(directory_.path()).string());
    std::ranges::sort(names);
    return names;
  }
};

TEST_F(LocalFiles, ModeAndTimesAreKeptToTheNanosecond) {
  store::Properties properties = with_mode(0104751);
  properties.posix->mtime = Time(std::chrono::nanoseconds(1'234'567'890'123'456'789));
  properties.posix->atime = Time(std::chrono::nanoseconds(-1));
  auto store = open();
  EXPECT_THAT(write(store, "d/f", "x", carrying(properties)).losses, IsEmpty());
  const auto status = status_of(directory_ / "d/f");
  EXPECT_EQ(status.st_mode, 0100751U) << "set-id bits only belong to the owner they were made for";
  EXPECT_EQ(to_time(status.st_mtim), *properties.posix->mtime);
  EXPECT_EQ(to_time(status.st_atim), *properties.posix->atime);
}

TEST_F(LocalFiles, AttributesAreLeftAloneWhereNobodyAskedForThem) {
  store::Properties properties = with_mode(0100600);
  properties.posix->mtime = Time{};
  LocalOptions options;
  options.preserve = {.mode = false, .times = false, .owner = false};
  auto store = open(options);
  EXPECT_THAT(write(store, "f", "x", carrying(properties)).losses, ElementsAre());
  EXPECT_NE(status_of(directory_ / "f").st_mtim.tv_sec, 0);
}

TEST_F(LocalFiles, AnOwnerThatCannotBeSetIsNamedAsLost) {
  store::Properties properties = with_mode(0104755);
  properties.posix->uid = ::geteuid() == 0 ? 12345 : 0;
  properties.posix->gid = ::geteuid() == 0 ? 12345 : 0;
  LocalOptions options;
  options.preserve.owner = true;
  auto store = open(options);
  const auto losses = write(store, "f", "x", carrying(properties)).losses;
  if (::geteuid() == 0) {
    EXPECT_THAT(losses, IsEmpty());
    EXPECT_EQ(status_of(directory_ / "f").st_uid, 12345U);
    EXPECT_EQ(status_of(directory_ / "f").st_mode, 0104755U);
  } else {
    EXPECT_THAT(losses, ElementsAre("owner"));
    EXPECT_EQ(status_of(directory_ / "f").st_mode, 0100755U);
  }
}

TEST_F(LocalFiles, DirectoriesAreMadeWithTheirAttributes) {
  const store::Properties properties = with_mode(040710);
  auto store = open();
  write(store, "a/b/", "", carrying(properties));
  EXPECT_EQ(status_of(directory_ / "a/b").st_mode, 040710U);
  store::WriteOptions create;
  create.mode = store::WriteMode::create_only;
  EXPECT_TRUE(write(store, "a/b/", "", create).condition_failed);
}

TEST_F(LocalFiles, LinksAreRestoredOnlyWhereAskedAndOnlyInside) {
  const store::Properties was_link = with_mode(0120777);
  auto plain = open();
  EXPECT_THAT(write(plain, "d/l", "../target", carrying(was_link)).losses, ElementsAre("symlink"));
  EXPECT_TRUE(S_ISREG(status_of(directory_ / "d/l").st_mode));
  LocalOptions options;
  options.symlinks = SymlinkMode::preserve;
  options.restore_links = LinkRestore::inside_root;
  auto restoring = open(options);
  EXPECT_THAT(write(restoring, "d/l", "../target", carrying(was_link)).losses, IsEmpty());
  EXPECT_EQ(std::filesystem::read_symlink(directory_ / "d/l"), "../target");
  EXPECT_EQ(read(restoring, "d/l"), "../target");
  for (const auto target : {"../../outside", "/etc/passwd", ""})
    EXPECT_EQ(error_of([&] { write(restoring, "d/l", target, carrying(was_link)); }).error_class(),
              ErrorClass::invalid_argument);
  EXPECT_EQ(std::filesystem::read_symlink(directory_ / "d/l"), "../target");
  options.restore_links = LinkRestore::any;
  auto any = open(options);
  write(any, "d/l", "/etc/passwd", carrying(was_link));
  EXPECT_EQ(std::filesystem::read_symlink(directory_ / "d/l"), "/etc/passwd");
}

TEST_F(LocalFiles, AWriteReplacesALinkAndNeverGoesThroughIt) {
  testing_support::TemporaryDirectory outside;
  outside.make("file", "untouched");
  std::filesystem::create_symlink((outside / "file").string(), directory_ / "link");
  std::filesystem::create_symlink(outside.path(), directory_ / "dir");
  auto store = open();
  write(store, "link", "new");
  EXPECT_EQ(directory_.content("link"), "new");
  EXPECT_EQ(outside.content("file"), "untouched");
  const Error error = error_of([&] { write(store, "dir/file", "x"); });
  EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
  EXPECT_THAT(error.what(), HasSubstr("symbolic link"));
  EXPECT_TRUE(remove(store, "dir/file"));
  EXPECT_EQ(outside.content("file"), "untouched");
}

// Swaps a directory and a link that leads out of the root, as quickly as it can.
class Swapper {
 public:
  Swapper(std::filesystem::path a, std::filesystem::path b)
      : thread_([this, a = std::move(a), b = std::move(b)] {
          while (!stop_)
            ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
        }) {}
  ~Swapper() { stop_ = true; }

 private:
  std::atomic<bool> stop_{false};
  std::jthread thread_;
};

class LocalRace : public LocalFiles, public testing::WithParamInterface<Resolution> {};

// A link in the way; or a path that changed at each of several looks, which the kernel, too, answers by
// EAGAIN.
bool is_refusal(const Error& error) {
  return error.error_class() == ErrorClass::invalid_argument ||
         error.error_class() == ErrorClass::unavailable;
}

TEST_P(LocalRace, NothingLeavesTheRootWhileLinksAreSwappedIn) {
  testing_support::TemporaryDirectory outside;
  outside.make("sub/secret", "secret");
  outside.make("sub/kept", "kept");
  outside.make("sub/marker");
  directory_.make("d/sub/secret", "public");
  directory_.make("d/sub/kept", "kept");
  std::filesystem::create_symlink(outside.path(), directory_ / "link");
  LocalOptions options;
  options.resolution = GetParam();
  auto store = open(options);
  {
    const Swapper swapper(directory_ / "d", directory_ / "link");
    for (int i = 0; i < 400; ++i) {
      try {
        write(store, "d/sub/new" + std::to_string(i), "x");
      } catch (const Error& error) {
        EXPECT_TRUE(is_refusal(error)) << error.what();
      }
      try {
        EXPECT_EQ(read(store, "d/sub/secret"), "public");
      } catch (const Error& error) {
        EXPECT_TRUE(is_refusal(error)) << error.what();
      }
      remove(store, "d/sub/kept");
      store::ListRequest request;
      request.prefix = "d/";
      for (const auto& key : keys(store, request))
        EXPECT_NE(key, "d/sub/marker");
    }
  }
  EXPECT_EQ(outside.content("sub/secret"), "secret");
  EXPECT_EQ(outside.content("sub/kept"), "kept");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(outside / "sub"), {}), 3);
}

INSTANTIATE_TEST_SUITE_P(Resolutions, LocalRace,
                         testing::Values(Resolution::automatic, Resolution::by_component),
                         [](const auto& info) {
                           return info.param == Resolution::automatic ? "openat2" : "by_component";
                         });

TEST_F(LocalFiles, AFileThatChangesWhileItIsReadIsNotedAtItsEnd) {
  directory_.make("large", std::string(1 << 20, 'x'));
  auto store = open();
  for (const bool shorter : {false, true}) {
    const auto reader = runtime_.run_for(store.read("large", {}, context_));
    std::vector<std::byte> buffer(1 << 19);
    runtime_.run_for(reader->read_some(buffer, context_));
    directory_.make("large", std::string(shorter ? 600'000 : 1 << 20, 'y'));
    EXPECT_EQ(error_of([&] { runtime_.run_for(reader->read_some(buffer, context_)); }).error_class(),
              ErrorClass::source_changed);
  }
}

TEST_F(LocalFiles, SparseFilesBeyondFourGigabytesAreReadAnywhere) {
  directory_.make("sparse");
  std::filesystem::resize_file(directory_ / "sparse", 5ULL << 30);
  const Descriptor file(::open((directory_ / "sparse").c_str(), O_WRONLY));
  ASSERT_EQ(::pwrite(file.get(), "end", 3, (5LL << 30) - 3), 3);
  auto store = open();
  store::ReadOptions options;
  options.range = store::ByteRange{(5ULL << 30) - 4, 100};
  EXPECT_EQ(read(store, "sparse", options), std::string("\0end", 4));
}

TEST_F(LocalFiles, NothingIsLeftOfAWriteThatFails) {
  auto store = open();
  store::WriteOptions options;
  options.checksum = checksum_of(ChecksumAlgorithm::sha256, as_bytes("another"));
  const std::string content(1 << 20, 'x');
  error_of([&] { write(store, "small", "content", options); });
  error_of([&] { write(store, "large", content, options); });
  directory_.make("file/below");
  error_of([&] { write(store, "file", "content"); });
  store::WriteOptions create;
  create.mode = store::WriteMode::create_only;
  EXPECT_THAT(error_of([&] { write(store, "file", "content", create); }).what(), HasSubstr("directory"));
  EXPECT_THAT(on_disk(), ElementsAre("file", "file/below"));
}

TEST_F(LocalFiles, NothingIsLeftOfAnUploadThatIsDropped) {
  auto store = open();
  {
    store::WriteOptions options;
    options.size = 1 << 20;
    const auto upload = runtime_.run_for(store.begin_upload("f", options, context_));
    EXPECT_EQ(on_disk().size(), 1U);
  }
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(LocalFiles, LongNamesCanBeWritten) {
  auto store = open();
  write(store, std::string(255, 'n'), "x");
  EXPECT_EQ(read(store, std::string(255, 'n')), "x");
}

TEST_F(LocalFiles, RemovingPrunesDirectoriesThatItEmptiedButNeverTheRoot) {
  directory_.make("a/b/c/file");
  directory_.make("a/keep");
  LocalOptions options;
  options.prune_empty_directories = true;
  auto store = open(options);
  EXPECT_FALSE(remove(store, "a/b/c/file"));
  EXPECT_THAT(on_disk(), ElementsAre("a", "a/keep"));
  EXPECT_FALSE(remove(store, "a/keep"));
  EXPECT_THAT(on_disk(), IsEmpty());
  EXPECT_TRUE(std::filesystem::exists(directory_.path()));
}

TEST_F(LocalFiles, RemovingTakesOnlyWhatAListingGives) {
  directory_.make("d/file");
  std::filesystem::create_symlink("d", directory_ / "link");
  auto store = open();
  for (const auto key : {"d", "link", "../x", "d//file"})
    EXPECT_FALSE(remove(store, key));
  EXPECT_EQ(remove(store, "d/").value().error_class(), ErrorClass::precondition_failed);
  EXPECT_THAT(on_disk(), ElementsAre("d", "d/file", "link"));
}

TEST_F(LocalFiles, OnlyTemporariesThatNobodyHoldsAreRemoved) {
  directory_.make("d/" + temporary_name("dead", 1));
  directory_.make("d/" + temporary_name("held", 2));
  const auto held = directory_ / ("d/" + temporary_name("held", 2));
  const Descriptor holder(::open(held.c_str(), O_RDWR));
  ASSERT_EQ(::flock(holder.get(), LOCK_EX), 0);
  directory_.make("d/.file.tmp");
  auto patient = open();
  EXPECT_EQ(runtime_.run_for(patient.remove_abandoned_temporaries(context_)), 0U) << "they are young";
  LocalOptions options;
  options.abandoned_after = std::chrono::seconds(-60);
  auto store = open(options);
  const auto upload = runtime_.run_for(store.begin_upload("alive", {}, context_));
  EXPECT_EQ(runtime_.run_for(store.remove_abandoned_temporaries(context_)), 1U);
  EXPECT_TRUE(std::filesystem::exists(held));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "d/.file.tmp"));
  MemoryBody part(as_bytes("content"));
  const auto sum = runtime_.run_for(upload->write_part(1, 0, part, context_));
  runtime_.run_for(upload->complete(sum, context_));
  EXPECT_EQ(directory_.content("alive"), "content");
}

TEST_F(LocalFiles, RemainsOfGivenKeysGoAndNothingElse) {
  auto store = open();
  directory_.make("d/.mine.haul-0123456789abc.tmp");
  directory_.make("d/.theirs.haul-0123456789abc.tmp");
  directory_.make("d/.mine.tmp");
  directory_.make("d/mine");
  const Time later = system_env().wall_now() + std::chrono::seconds(60);
  const auto upload = runtime_.run_for(store.begin_upload("d/alive", {}, context_));
  EXPECT_EQ(
      runtime_.run_for(store.discard_remains({"d/mine", "d/alive", "e/f", "../x"}, Time{}, later, context_)),
      1U);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "d/.mine.haul-0123456789abc.tmp"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "d/.theirs.haul-0123456789abc.tmp"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "d/.mine.tmp"));
  EXPECT_TRUE(std::filesystem::exists(directory_ / "d/mine"));
  MemoryBody part(as_bytes("content"));
  const auto sum = runtime_.run_for(upload->write_part(1, 0, part, context_));
  runtime_.run_for(upload->complete(sum, context_));
  EXPECT_EQ(directory_.content("d/alive"), "content");
}

TEST_F(LocalFiles, AnUploadIsComparedInTheSourcesAlgorithmToo) {
  auto store = open();
  const auto upload = runtime_.run_for(store.begin_upload("f", {}, context_));
  MemoryBody part(as_bytes("content"));
  runtime_.run_for(upload->write_part(1, 0, part, context_));
  const auto wrong = checksum_of(ChecksumAlgorithm::sha256, as_bytes("other"));
  EXPECT_EQ(error_of([&] { runtime_.run_for(upload->complete(wrong, context_)); }).error_class(),
            ErrorClass::data_loss);
  const auto right = checksum_of(ChecksumAlgorithm::sha256, as_bytes("content"));
  EXPECT_EQ(runtime_.run_for(upload->complete(right, context_)).size, 7U);
}

TEST_F(LocalFiles, EverythingCanBeForcedToDisk) {
  auto store = open();
  write(store, "a", "x");
  runtime_.run(store.make_durable(context_));
}

TEST_F(LocalFiles, WhatMayNotBeReadOrWrittenSaysSo) {
  directory_.make("unreadable", "x");
  directory_.make("closed/file", "x");
  std::filesystem::permissions(directory_ / "unreadable", std::filesystem::perms::none);
  std::filesystem::permissions(directory_ / "closed",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  auto store = open();
  if (::geteuid() != 0) {
    EXPECT_EQ(error_of([&] { read(store, "unreadable"); }).error_class(), ErrorClass::permission_denied);
    const Error error = error_of([&] { write(store, "closed/new", "x"); });
    EXPECT_EQ(error.error_class(), ErrorClass::permission_denied);
    EXPECT_THAT(error.what(), HasSubstr("closed/new"));
    EXPECT_EQ(remove(store, "closed/file").value().error_class(), ErrorClass::permission_denied);
  } else {
    EXPECT_EQ(read(store, "unreadable"), "x");
  }
  std::filesystem::permissions(directory_ / "closed", std::filesystem::perms::owner_all);
}

// A limit of the process, put back at the end.
class Limit {
 public:
  Limit(__rlimit_resource resource, rlim_t value) : resource_(resource) {
    ::getrlimit(resource_, &before_);
    const rlimit limit{value, before_.rlim_max};
    ::setrlimit(resource_, &limit);
  }
  ~Limit() { ::setrlimit(resource_, &before_); }

 private:
  __rlimit_resource resource_;
  rlimit before_{};
};

// A world in which descriptors come free whenever somebody waits.
class WaitingHelps final : public Env {
 public:
  Time wall_now() const override { return system_env().wall_now(); }
  SteadyTime steady_now() const override { return system_env().steady_now(); }
  std::uint64_t random() const override { return system_env().random(); }
  std::optional<std::string> variable(const std::string& name) const override {
    return system_env().variable(name);
  }
  bool skip_sleep(Duration) const override {
    hogged_.clear();
    ++waits_;
    return true;
  }
  void hog() const {
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
      hogged_.emplace_back(fd);
  }
  int waits() const { return waits_; }

 private:
  mutable std::vector<Descriptor> hogged_;
  mutable int waits_ = 0;
};

Task<> always_unavailable() {
  throw Error(ErrorClass::unavailable, "busy");
  co_return;
}

Task<> fail_twice(OpContext& context) {
  RetryPolicy policy;
  policy.max_attempts = 2;
  co_await with_retry(context, policy, Replay::safe, [] { return always_unavailable(); });
}

TEST_F(LocalFiles, TooManyOpenFilesAreWaitedFor) {
  directory_.make("d/file", "content");
  auto store = open();
  const WaitingHelps world;
  Runtime runtime(world, null_logger(), {.shards = 1, .blocking_threads = 2});
  context_ = runtime.context();
  // Sanitizers look at an object's type through a pipe of their own, once: let them do it while they can.
  for (const auto key : {"d/file", "missing"})
    runtime.run_for(store.stat(key, {}, context_));
  error_of([&] { runtime.run_for(store.read("missing", {}, context_)); });
  error_of([&] { runtime.run(fail_twice(context_)); });
  runtime.run_for(store.read("d/file", {}, context_));
  MemoryBody first(as_bytes("new"));
  runtime.run_for(store.write("d/new", first, {}, context_));
  runtime.run_for(store.list({})->next(context_));
  const int waits = world.waits();

  const Limit limit(RLIMIT_NOFILE, 100);
  world.hog();
  EXPECT_EQ(runtime.run_for(store.stat("d/file", {}, context_)).value().size, 7U);
  world.hog();
  EXPECT_EQ(runtime.run_for(store.read("d/file", {}, context_))->size(), 7U);
  world.hog();
  MemoryBody body(as_bytes("new"));
  EXPECT_EQ(runtime.run_for(store.write("d/new", body, {}, context_)).size, 3U);
  world.hog();
  EXPECT_EQ(runtime.run_for(store.list({})->next(context_)).entries.size(), 2U);
  world.hog();
  const store::RemoveItem item{"d/new", {}};
  EXPECT_FALSE(runtime.run_for(store.remove(std::span(&item, 1), context_)).front().error);
  EXPECT_EQ(world.waits(), waits + 5);
}

TEST_F(LocalFiles, AFileThatTheSystemCannotHoldIsAnErrorWithARemedy) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto store = open();
  const Limit limit(RLIMIT_FSIZE, 4096);
  const Error error = error_of([&] { write(store, "f", std::string(1 << 20, 'x')); });
  EXPECT_EQ(error.error_class(), ErrorClass::exhausted);
  EXPECT_FALSE(error.hint().empty());
  EXPECT_THAT(on_disk(), IsEmpty());
}

TEST_F(LocalFiles, ADeepTreeIsListedWithFewDescriptors) {
  std::string path;
  for (int i = 0; i < 400; ++i) {
    path += "d/";
    directory_.make(path + "a");
    directory_.make(path + "z");
  }
  const Limit limit(RLIMIT_NOFILE, 160);
  auto store = open();
  EXPECT_EQ(keys(store).size(), 800U);
}

TEST(SplitFilePath, GivesTheDirectoryAndTheKey) {
  EXPECT_EQ(split_file_path("file").root, ".");
  EXPECT_EQ(split_file_path("/file").root, "/");
  EXPECT_EQ(split_file_path("/a/b").root, "/a");
  EXPECT_EQ(split_file_path("/a/b").key, "b");
  EXPECT_EQ(split_file_path("a/\xff").key, "\uefff");
}

}  // namespace
}  // namespace haul::local

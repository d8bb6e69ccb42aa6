#include "app/places.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "app/usage_error.h"
#include "runtime/body.h"
#include "runtime/manual_runtime.h"
#include "stores/local/local_store.h"
#include "stores/memory/memory_store.h"

namespace haul::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Buckets in memory, real directories.
class TestStores final : public StoreFactory {
 public:
  std::shared_ptr<store::Store> bucket(Side, const std::string&) override { return memory; }
  std::shared_ptr<store::Store> tree(Side side, const std::string& root) override {
    local::LocalOptions options;
    options.root = root;
    options.symlinks = links;
    if (side == Side::destination) options.missing_root = local::MissingRoot::create_on_write;
    return std::make_shared<local::LocalStore>(options);
  }
  std::shared_ptr<store::Store> directory_of_file(Side side, const std::string& root, bool) override {
    return tree(side, root);
  }
  std::string endpoint(Side) override { return "memory"; }
  Task<> check_bucket(Side, std::string, OpContext&) override { co_return; }

  local::SymlinkMode links = local::SymlinkMode::skip;
  std::shared_ptr<store::Store> memory = std::make_shared<memory::MemoryStore>();
};

Task<> put(store::Store& store, std::string key, OpContext& context) {
  MemoryBody body({});
  co_await store.write(std::move(key), body, {}, context);
}

class Places : public ::testing::Test {
 protected:
  Places() : context_(world_.context()) {
    for (const char* key : {"logs/2025/a.gz", "logs/b.gz", "report.pdf"})
      world_.run(put(*stores_.memory, key, context_));
    directory_ = fs::temp_directory_path() / ("haul-places-" + std::to_string(::getpid()));
    fs::create_directories(directory_ / "dir/sub");
    std::ofstream(directory_ / "dir/file.txt") << "x";
  }
  ~Places() override { fs::remove_all(directory_); }

  job::Source source(const std::string& text, ResolveOptions options = {}) {
    PlaceResolver resolver(stores_, options);
    return world_.run_for(resolver.source(parse_place(text), context_)).source;
  }
  job::Destination destination(const std::string& text, bool into) {
    PlaceResolver resolver(stores_, {});
    return world_.run_for(resolver.destination(parse_place(text), into, context_)).destination;
  }
  std::string refusal(const std::string& text, ResolveOptions options = {}) {
    try {
      source(text, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string overlap(Command command, const std::string& from, const std::string& to, bool into = true) {
    PlaceResolver resolver(stores_, {.whole_trees = command == Command::sync, .recursive = true});
    std::vector<ResolvedSource> sources;
    sources.push_back(world_.run_for(resolver.source(parse_place(from), context_)));
    const ResolvedDestination target = world_.run_for(resolver.destination(parse_place(to), into, context_));
    try {
      refuse_overlap(command, sources, target);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "";
  }
  std::string path(const std::string& below) const { return (directory_ / below).string(); }

  ManualRuntime world_;
  OpContext context_;
  TestStores stores_;
  fs::path directory_;
};

TEST_F(Places, TakeOneObjectByItsName) {
  const job::Source found = source("s3://bucket/logs/b.gz");
  ASSERT_TRUE(found.object);
  EXPECT_EQ(found.object->key, "logs/b.gz");
  EXPECT_EQ(found.strip, "logs/");
}

TEST_F(Places, WantRecursionForWhatIsBelowAPrefix) {
  EXPECT_THAT(refusal("s3://bucket/logs"), HasSubstr("is a prefix; add -r"));
  EXPECT_THAT(refusal("s3://bucket/logs/"), HasSubstr("add -r"));
  EXPECT_THAT(refusal("s3://bucket"), HasSubstr("is a bucket; add -r"));
  EXPECT_THAT(refusal(path("dir")), HasSubstr("is a directory; add -r"));
}

TEST_F(Places, TreatAPrefixAlikeWithAndWithoutSlash) {
  for (const char* text : {"s3://bucket/logs", "s3://bucket/logs/"}) {
    const job::Source found = source(text, {.recursive = true});
    EXPECT_EQ(found.prefix, "logs/");
    EXPECT_EQ(found.strip, "logs/");
    EXPECT_FALSE(found.object);
  }
}

TEST_F(Places, TakeAnObjectAsItIsAlsoWithRecursion) {
  EXPECT_TRUE(source("s3://bucket/report.pdf", {.recursive = true}).object);
}

TEST_F(Places, StripWhatStandsBeforeTheFirstWildcardsComponent) {
  const job::Source found = source("s3://bucket/logs/20*/a.gz");
  ASSERT_TRUE(found.glob);
  EXPECT_EQ(found.prefix, "logs/20");
  EXPECT_EQ(found.strip, "logs/");
}

TEST_F(Places, TakeAllVersionsOfAnObjectThatIsGone) {
  const job::Source found = source("s3://bucket/gone\\]", {.all_versions = true});
  ASSERT_TRUE(found.glob);
  EXPECT_EQ(found.prefix, "gone\\]");
  EXPECT_TRUE(found.glob->matches("gone\\]"));
  EXPECT_FALSE(found.glob->matches("gone\\]x"));
}

TEST_F(Places, MeanALinkItselfWhenItIsToBeRemoved) {
  fs::create_directory_symlink(directory_ / "dir", directory_ / "link");
  EXPECT_THAT(refusal(path("link")), HasSubstr("is a directory"));
  PlaceResolver resolver(stores_, {.recursive = true, .removes = true});
  stores_.links = local::SymlinkMode::preserve;
  const job::Source found = world_.run_for(resolver.source(parse_place(path("link")), context_)).source;
  ASSERT_TRUE(found.object);
  EXPECT_EQ(found.object->key, "link");
}

TEST_F(Places, TakeAKeyWithBracketsAsItIsIfItExists) {
  world_.run(put(*stores_.memory, "scan[1].pdf", context_));
  ASSERT_TRUE(source("s3://bucket/scan[1].pdf").object);
  EXPECT_TRUE(source("s3://bucket/scan[2].pdf").glob);
}

TEST_F(Places, TakeAKeyWhoseWildcardsAreEscaped) {
  world_.run(put(*stores_.memory, "dir/scan[1].pdf", context_));
  const job::Source found = source("s3://bucket/dir/scan\\[1\\].pdf");
  ASSERT_TRUE(found.object);
  EXPECT_EQ(found.object->key, "dir/scan[1].pdf");
  EXPECT_EQ(found.strip, "dir/");
  std::ofstream(directory_ / "dir/a*b") << "x";
  EXPECT_EQ(source(path("dir/a\\*b")).object->key, "a*b");
}

TEST_F(Places, TakeADestinationAsItIs) {
  EXPECT_EQ(destination("s3://bucket/what?.txt", false).key, "what?.txt");
}

TEST_F(Places, SayWhereNothingIs) {
  EXPECT_THAT(refusal("s3://bucket/nope"), HasSubstr("there is no such"));
  EXPECT_THAT(refusal(path("nope")), HasSubstr("there is no such"));
}

TEST_F(Places, AreNotTakenForGoneWhereOnlyATreeWillDo) {
  EXPECT_TRUE(source(path("nope"), {.may_be_gone = true}).object);
  EXPECT_THAT(refusal(path("nope"), {.whole_trees = true, .may_be_gone = true}),
              HasSubstr("there is no such"));
  EXPECT_THAT(refusal(path("nope/"), {.may_be_gone = true}), HasSubstr("there is no such"));
  EXPECT_THAT(refusal(path("dir/file.txt"), {.whole_trees = true, .may_be_gone = true}),
              HasSubstr("is no directory"));
}

TEST_F(Places, PutThingsIntoDirectoriesAndUnderNewNames) {
  EXPECT_EQ(destination("s3://bucket/x", false).key, "x");
  EXPECT_EQ(destination("s3://bucket/x/", false).prefix, "x/");
  EXPECT_EQ(destination("s3://bucket/x", true).prefix, "x/");
  EXPECT_FALSE(destination("s3://bucket", false).key);
  EXPECT_FALSE(destination(path("dir"), false).key);
  EXPECT_EQ(destination(path("dir/new.txt"), false).key, "new.txt");
}

TEST_F(Places, RefuseFilesAsDirectories) {
  EXPECT_THROW(destination(path("dir/file.txt"), true), UsageError);
  EXPECT_THROW(destination(path("dir/file.txt/below/x"), false), Error);
}

TEST_F(Places, RefuseToCopyThingsOntoOrIntoThemselves) {
  EXPECT_THAT(overlap(Command::cp, "s3://bucket/logs/", "s3://bucket/logs"),
              HasSubstr("is the same place as"));
  EXPECT_THAT(overlap(Command::cp, "s3://bucket/logs", "s3://bucket/logs/copy/"),
              HasSubstr("contains the destination"));
  EXPECT_THAT(overlap(Command::cp, "s3://bucket/report.pdf", "s3://bucket/"), HasSubstr("same place"));
  EXPECT_EQ(overlap(Command::cp, "s3://bucket/logs", "s3://bucket/logs2/"), "");
  EXPECT_EQ(overlap(Command::cp, "s3://bucket/logs", "s3://bucket/"), "");
  EXPECT_THAT(overlap(Command::sync, "s3://bucket/logs", "s3://bucket/"), HasSubstr("lies inside"));
  EXPECT_THAT(overlap(Command::sync, path("dir"), path("dir/sub/../sub")),
              HasSubstr("contains the destination"));
  EXPECT_THAT(overlap(Command::sync, path("dir/sub"), path("dir/./")), HasSubstr("lies inside"));
}

TEST_F(Places, RefuseToMoveATreeOverItself) {
  // logs/logs/x would become logs/x, which is still to be moved.
  EXPECT_THAT(overlap(Command::mv, "s3://bucket/logs", "s3://bucket/"), HasSubstr("lies inside"));
  EXPECT_THAT(overlap(Command::mv, path("dir/sub"), path("dir")), HasSubstr("lies inside"));
  EXPECT_EQ(overlap(Command::mv, "s3://bucket/logs/b.gz", "s3://bucket/"), "");
}

TEST(FixedDirectory, EndsAtTheLastSlashBeforeAWildcard) {
  EXPECT_EQ(fixed_directory("logs/*.gz"), "logs/");
  EXPECT_EQ(fixed_directory("a/b?/c*"), "a/");
  EXPECT_EQ(fixed_directory("*.gz"), "");
  EXPECT_EQ(fixed_directory("a\\*b/c*"), "a*b/");
}

}  // namespace
}  // namespace haul::app

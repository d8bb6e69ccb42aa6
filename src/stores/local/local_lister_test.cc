// Listings of trees: order, links, special files, names in any encoding, what cannot be read.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>

#include "stores/local/local_test.h"

namespace haul::local {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class LocalListing : public LocalTest {
 protected:
  std::vector<std::pair<std::string, store::SkipReason>> skipped(LocalStore& store) {
    std::vector<std::pair<std::string, store::SkipReason>> all;
    for (const auto& page : pages(store))
      for (const auto& skip : page.skipped)
        all.emplace_back(skip.key, skip.reason);
    return all;
  }
  void link(std::string_view target, std::string_view name) {
    std::filesystem::create_symlink(target, directory_ / name);
  }
  LocalOptions links(SymlinkMode mode) {
    LocalOptions options;
    options.symlinks = mode;
    return options;
  }
};

TEST_F(LocalListing, DirectoriesSortAsTheirNameWithASlash) {
  for (const auto name : {"a-", "a/b", "a.x", "a0", "a/-", "ab"})
    directory_.make(name);
  auto store = open();
  EXPECT_THAT(keys(store), ElementsAre("a-", "a.x", "a/-", "a/b", "a0", "ab"));
}

TEST_F(LocalListing, DirectoriesAreListedWhenAskedForAndEmptyOnesAreSeenByWhatFollows) {
  std::filesystem::create_directories(directory_ / "empty/within");
  directory_.make("full/file");
  auto store = open();
  EXPECT_THAT(keys(store), ElementsAre("full/file"));
  store::ListRequest request;
  request.directories = true;
  EXPECT_THAT(keys(store, request), ElementsAre("empty/", "empty/within/", "full/", "full/file"));
  request.prefix = "empty/";
  const auto listed = pages(store, request);
  ASSERT_THAT(listed.front().entries, SizeIs(2));
  EXPECT_EQ(listed.front().entries[0].kind, store::EntryKind::directory);
  EXPECT_TRUE(S_ISDIR(listed.front().entries[0].mode));
  request.prefix = "";
  request.after = "empty/";
  request.until = "full/";
  EXPECT_THAT(keys(store, request), ElementsAre("empty/within/", "full/"));
}

TEST_F(LocalListing, OneLevelNamesEmptyDirectoriesToo) {
  std::filesystem::create_directories(directory_ / "d/empty");
  directory_.make("d/file");
  auto store = open();
  store::ListRequest request;
  request.prefix = "d/";
  request.one_level = true;
  const auto listed = pages(store, request);
  EXPECT_THAT(listed.front().common_prefixes, ElementsAre("d/empty/"));
  EXPECT_THAT(keys(store, request), ElementsAre("d/file"));
}

TEST_F(LocalListing, LinksAreSkippedAndCounted) {
  directory_.make("dir/file", "x");
  link("dir", "to directory");
  link("dir/file", "to file");
  link("nowhere", "to nothing");
  auto store = open();
  EXPECT_THAT(keys(store), ElementsAre("dir/file"));
  using enum store::SkipReason;
  EXPECT_THAT(skipped(store), ElementsAre(std::pair("to directory", symlink), std::pair("to file", symlink),
                                          std::pair("to nothing", symlink)));
  EXPECT_EQ(error_of([&] { read(store, "to directory/file"); }).error_class(), ErrorClass::invalid_argument);
  EXPECT_FALSE(stat(store, "to file"));
}

TEST_F(LocalListing, FollowedLinksAreWhatTheyPointToAlsoOutside) {
  testing_support::TemporaryDirectory outside;
  outside.make("far/away", "content");
  directory_.make("file", "12345");
  link((outside / "far").string(), "elsewhere");
  link("file", "same");
  link("nowhere", "to nothing");
  auto store = open(links(SymlinkMode::follow));
  EXPECT_THAT(keys(store), ElementsAre("elsewhere/away", "file", "same"));
  EXPECT_EQ(read(store, "elsewhere/away"), "content");
  EXPECT_EQ(stat(store, "same")->size, 5U);
  EXPECT_THAT(skipped(store), ElementsAre(std::pair("to nothing", store::SkipReason::symlink)));
}

TEST_F(LocalListing, FollowedLinksThatFormLoopsAreFound) {
  directory_.make("a/b/file");
  link("../..", "a/b/up");
  link(".", "self");
  link("round", "round");
  auto store = open(links(SymlinkMode::follow));
  EXPECT_THAT(keys(store), ElementsAre("a/b/file"));
  using enum store::SkipReason;
  EXPECT_THAT(skipped(store),
              ElementsAre(std::pair("a/b/up/", symlink_loop), std::pair("round", symlink_loop),
                          std::pair("self/", symlink_loop)));
}

TEST_F(LocalListing, PreservedLinksAreListedAndReadAsTheirTarget) {
  directory_.make("dir/file", "x");
  link("../dir/file", "dir/link");
  link("dir", "to directory");
  auto store = open(links(SymlinkMode::preserve));
  EXPECT_THAT(keys(store), ElementsAre("dir/file", "dir/link", "to directory"));
  const auto listed = pages(store);
  EXPECT_EQ(listed.front().entries[1].kind, store::EntryKind::symlink);
  EXPECT_EQ(listed.front().entries[1].size, 11U);
  EXPECT_EQ(read(store, "dir/link"), "../dir/file");
  const auto details = stat(store, "dir/link");
  ASSERT_TRUE(details);
  EXPECT_TRUE(S_ISLNK(details->properties.posix->mode.value()));
}

TEST_F(LocalListing, PipesAndSocketsAreSkippedAndCounted) {
  ASSERT_EQ(::mkfifo((directory_ / "pipe").c_str(), 0600), 0);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (directory_ / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  auto store = open();
  EXPECT_THAT(keys(store), IsEmpty());
  EXPECT_THAT(skipped(store), ElementsAre(std::pair("pipe", store::SkipReason::special_file),
                                          std::pair("socket", store::SkipReason::special_file)));
  for (const auto name : {"pipe", "socket"})
    EXPECT_EQ(error_of([&] { read(store, name); }).error_class(), ErrorClass::invalid_argument);
}

TEST_F(LocalListing, NamesThatAreNotUtf8AreEscapedAndFoundByTheirKey) {
  directory_.make("latin-\xe9/caf\xe9", "content");
  directory_.make("utf8-\u00e9");
  auto store = open();
  EXPECT_THAT(keys(store), ElementsAre("latin-\uefe9/caf\uefe9", "utf8-\u00e9"));
  EXPECT_EQ(read(store, "latin-\uefe9/caf\uefe9"), "content");
  write(store, "latin-\uefe9/new\uef80", "x");
  EXPECT_EQ(directory_.content("latin-\xe9/new\x80"), "x");
  store::ListRequest request;
  request.prefix = "latin-\uefe9/";
  request.after = "latin-\uefe9/caf\uefe9";
  EXPECT_THAT(keys(store, request), ElementsAre("latin-\uefe9/new\uef80"));
  EXPECT_FALSE(remove(store, "latin-\uefe9/caf\uefe9"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "latin-\xe9/caf\xe9"));
}

TEST_F(LocalListing, ADirectoryThatCannotBeReadMakesTheListingIncomplete) {
  directory_.make("a/file");
  directory_.make("closed/file");
  directory_.make("z/file");
  // Root reads what is closed to everybody else.
  std::filesystem::permissions(directory_ / "closed", std::filesystem::perms::none);
  auto store = open();
  std::vector<std::string> failed;
  for (const auto& page : pages(store))
    for (const auto& failure : page.failures) {
      failed.emplace_back(failure.key);
      EXPECT_EQ(failure.error.error_class(), ErrorClass::permission_denied);
      EXPECT_THAT(failure.error.subject(), testing::HasSubstr("closed"));
    }
  if (::geteuid() == 0) {
    EXPECT_THAT(failed, IsEmpty());
    EXPECT_THAT(keys(store), ElementsAre("a/file", "closed/file", "z/file"));
  } else {
    EXPECT_THAT(failed, ElementsAre("closed/"));
    EXPECT_THAT(keys(store), ElementsAre("a/file", "z/file"));
  }
  std::filesystem::permissions(directory_ / "closed", std::filesystem::perms::owner_all);
}

TEST_F(LocalListing, AHugeDirectoryIsListedInOrderWithinASmallBound) {
  std::vector<std::string> expected;
  for (int i = 0; i < 6000; ++i) {
    expected.push_back("huge/a name that takes some room " + std::to_string(i * 7919 % 100'000));
    directory_.make(expected.back());
  }
  std::ranges::sort(expected);
  LocalOptions options;
  options.names_memory = 64 * 1024;
  auto store = open(options);
  EXPECT_EQ(keys(store), expected);
  store::ListRequest request;
  request.after = expected[2999];
  request.page_size = 100;
  EXPECT_EQ(keys(store, request), std::vector<std::string>(expected.begin() + 3000, expected.end()));
}

TEST_F(LocalListing, HelpersChangeNothingButTheTimeItTakes) {
  for (int i = 0; i < 300; ++i)
    directory_.make("d" + std::to_string(i) + "/" + std::to_string(i % 7) + "/f" + std::to_string(i));
  auto alone = open();
  LocalOptions options;
  options.help = Help::always;
  auto helped = open(options);
  store::ListRequest request;
  request.directories = true;
  request.page_size = 37;
  EXPECT_EQ(keys(helped, request), keys(alone, request));
}

TEST_F(LocalListing, TemporaryFilesAreNeverListed) {
  directory_.make(temporary_name("file", 77));
  directory_.make("file");
  auto store = open();
  EXPECT_THAT(keys(store), ElementsAre("file"));
}

TEST_F(LocalListing, AListerMayGoWhileItsNextPageIsBeingMade) {
  for (int i = 0; i < 300; ++i)
    directory_.make("f" + std::to_string(i));
  auto store = open();
  store::ListRequest request;
  request.page_size = 10;
  const auto lister = store.list(request);
  runtime_.run_for(lister->next(context_));
  runtime_.run_for(lister->next(context_));
}

TEST_F(LocalListing, AMissingRootIsAnErrorOrEmptyAsTheOptionsSay) {
  LocalOptions options;
  options.root = (directory_ / "missing").string();
  EXPECT_EQ(error_of([&] { open(options); }).error_class(), ErrorClass::not_found);
  options.missing_root = MissingRoot::create_on_write;
  auto store = open(options);
  EXPECT_THAT(keys(store), IsEmpty());
  EXPECT_FALSE(stat(store, "a"));
  EXPECT_FALSE(remove(store, "a"));
  EXPECT_FALSE(std::filesystem::exists(directory_ / "missing"));
  write(store, "a", "x");
  EXPECT_THAT(keys(store), ElementsAre("a"));
}

}  // namespace
}  // namespace haul::local

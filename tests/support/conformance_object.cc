// Single objects: writing, reading, conditions, properties, removal, copies.
#include <algorithm>

#include "runtime/task_group.h"
#include "support/conformance.h"

namespace haul::testing_support {
namespace {

using store::WriteMode;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST_P(Conformance, GivesBackWhatWasWritten) {
  const auto written = write("a/b.bin", "hello");
  EXPECT_FALSE(written.condition_failed);
  EXPECT_EQ(written.size, 5U);
  EXPECT_EQ(read("a/b.bin"), "hello");
  const auto details = stat("a/b.bin");
  ASSERT_TRUE(details);
  EXPECT_EQ(details->key, full("a/b.bin"));
  EXPECT_EQ(details->size, 5U);
  EXPECT_EQ(details->etag, written.etag);
  EXPECT_EQ(details->kind, store::EntryKind::object);
}

TEST_P(Conformance, AnEmptyObjectIsAnObject) {
  write("empty", "");
  EXPECT_EQ(read("empty"), "");
  ASSERT_TRUE(stat("empty"));
  EXPECT_EQ(stat("empty")->size, 0U);
  EXPECT_THAT(list().keys, ElementsAre("empty"));
}

TEST_P(Conformance, AMissingObjectIsNothingToStatAndAnErrorToRead) {
  EXPECT_FALSE(stat("missing"));
  EXPECT_FALSE(stat("missing/below"));
  EXPECT_EQ(error_of([&] { read("missing"); }), ErrorClass::not_found);
  EXPECT_EQ(error_of([&] { read("missing/below"); }), ErrorClass::not_found);
}

TEST_P(Conformance, WritingAgainReplacesContentAndLength) {
  write("k", "a longer content");
  write("k", "short");
  EXPECT_EQ(read("k"), "short");
  EXPECT_EQ(stat("k")->size, 5U);
}

TEST_P(Conformance, TakesABodyThatComesInPieces) {
  const std::string content = some_content((1 << 20) + 3);
  PiecewiseBody body(content, 70'001);
  const auto written = runtime().run_for(store().write(full("pieces"), body, {}, context()));
  EXPECT_EQ(written.size, content.size());
  EXPECT_EQ(read("pieces"), content);
}

TEST_P(Conformance, CreateOnlyWritesWhatIsNotThereYet) {
  store::WriteOptions create;
  create.mode = WriteMode::create_only;
  EXPECT_FALSE(write("new", "first", create).condition_failed);
  EXPECT_TRUE(write("new", "second", create).condition_failed);
  EXPECT_EQ(read("new"), "first");
}

Task<> create_and_count(store::Store& store, std::string key, std::string content, int& winners,
                        OpContext& context) {
  MemoryBody body(as_bytes(content));
  store::WriteOptions options;
  options.mode = WriteMode::create_only;
  const auto written = co_await store.write(std::move(key), body, options, context);
  if (!written.condition_failed) ++winners;
}

Task<> race_to_create(store::Store& store, std::string key, int& winners, OpContext& context) {
  TaskGroup group(context.executor());
  for (int i = 0; i < 12; ++i)
    group.spawn(create_and_count(store, key, "by " + std::to_string(i), winners, context));
  co_await group.join();
}

TEST_P(Conformance, OneOfManyWhoCreateAtOnceWins) {
  int winners = 0;
  runtime().run(race_to_create(store(), full("raced"), winners, context()));
  if (can().create_only)
    EXPECT_EQ(winners, 1);
  else
    EXPECT_GE(winners, 1);
  EXPECT_TRUE(read("raced").starts_with("by "));
}

TEST_P(Conformance, IfEtagReplacesOnlyTheStateThatIsMeant) {
  const auto first = write("k", "first");
  store::WriteOptions replace;
  replace.mode = WriteMode::if_etag;
  replace.etag = first.etag;
  if (first.etag.empty()) {
    EXPECT_EQ(error_of([&] { write("k", "second", replace); }), ErrorClass::unsupported);
    EXPECT_EQ(read("k"), "first");
    return;
  }
  EXPECT_FALSE(write("k", "second", replace).condition_failed);
  EXPECT_TRUE(write("k", "third", replace).condition_failed);
  EXPECT_EQ(read("k"), "second");
}

TEST_P(Conformance, AContentThatIsNotWhatWasPromisedIsRefused) {
  if (!GetParam().refuses_wrong_checksum) return;  // the server cannot tell, and says nothing
  write("k", "before");
  store::WriteOptions options;
  options.checksum = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("something else"));
  EXPECT_EQ(error_of([&] { write("k", "content", options); }), ErrorClass::data_loss);
  EXPECT_EQ(read("k"), "before");
  options.checksum = checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes("content"));
  write("k", "content", options);
  EXPECT_EQ(read("k"), "content");
}

TEST_P(Conformance, PropertiesAreKeptOrNamedAsLost) {
  store::Properties properties;
  properties.content.type = "image/png";
  properties.metadata = {{"color", "blue"}};
  properties.tags = store::Tags{{"team", "assets"}};
  properties.posix =
      store::PosixAttributes{.mode = 0100640,
                             .uid = {},
                             .gid = {},
                             .mtime = Time(std::chrono::nanoseconds(1'600'000'000'123'456'789)),
                             .atime = {}};
  store::WriteOptions options;
  options.properties = &properties;
  const auto written = write("k", "content", options);
  store::ReadOptions with_tags;
  with_tags.tags = true;
  const auto details = stat("k", with_tags);
  ASSERT_TRUE(details);
  const auto& kept = details->properties;
  if (can().keeps_metadata) {
    EXPECT_EQ(kept.content.type, "image/png");
    EXPECT_THAT(kept.metadata, Contains(std::pair<std::string, std::string>("color", "blue")));
  } else {
    EXPECT_THAT(written.losses, Contains("metadata"));
    EXPECT_THAT(written.losses, Contains("content headers"));
  }
  if (can().keeps_tags)
    EXPECT_EQ(kept.tags, properties.tags);
  else
    EXPECT_THAT(written.losses, Contains("tags"));
  if (can().keeps_posix) {
    ASSERT_TRUE(kept.posix);
    ASSERT_TRUE(kept.posix->mode);
    EXPECT_EQ(*kept.posix->mode & 07777, 0640U);
    EXPECT_EQ(kept.posix->mtime, properties.posix->mtime);
  } else {
    EXPECT_THAT(written.losses, Contains("posix"));
  }
  if (can().modified_is_settable) EXPECT_EQ(details->modified, *properties.posix->mtime);
}

TEST_P(Conformance, AReaderKnowsTheWholeObjectAlsoWhenItGivesARange) {
  write("k", "0123456789");
  store::ReadOptions options;
  options.range = store::ByteRange{2, 3};
  const auto reader = runtime().run_for(store().read(full("k"), options, context()));
  EXPECT_EQ(reader->size(), 3U);
  EXPECT_EQ(reader->details().size, 10U);
  EXPECT_EQ(reader->details().modified, stat("k")->modified);
}

TEST_P(Conformance, RangesEndAtTheEndOfTheObject) {
  const std::string content = some_content(700'000);
  write("k", content);
  const store::ByteRange ranges[] = {
      {0, 1},       {0, 700'000}, {0, 9'000'000}, {699'999, 1},       {699'999, 50},
      {1, 699'998}, {262'144, 1}, {262'143, 2},   {100'000, 400'000}, {300'000, UINT64_MAX / 2}};
  for (const auto& range : ranges) {
    store::ReadOptions options;
    options.range = range;
    EXPECT_TRUE(read("k", options) == content.substr(range.offset, range.length))
        << range.offset << "+" << range.length;
  }
}

TEST_P(Conformance, ARangeBehindTheEndIsAnError) {
  write("k", "0123456789");
  store::ReadOptions options;
  options.range = store::ByteRange{10, 1};
  EXPECT_THAT(error_of([&] { read("k", options); }),
              AnyOf(ErrorClass::invalid_argument, ErrorClass::source_changed));
}

TEST_P(Conformance, APinnedReadGivesTheStateThatIsMeantOrFails) {
  write("k", "first");
  store::ReadOptions options;
  options.pin = pin_of("k");
  EXPECT_EQ(read("k", options), "first");
  write("k", "another");
  EXPECT_EQ(error_of([&] { read("k", options); }), ErrorClass::source_changed);
  remove({"k"});
  EXPECT_EQ(error_of([&] { read("k", options); }), ErrorClass::not_found);
}

// What people and programs really call their objects, one of each kind of trouble.
std::vector<std::string> unpleasant_keys() {
  std::vector<std::string> keys{"with space",
                                " leading space",
                                "trailing space ",
                                "plus+plus",
                                "percent%2Fslash",
                                "percent%",
                                "50%25",
                                "double//slash",
                                "/leading slash",
                                "./dot",
                                "a/./dot",
                                "../up",
                                "a/../up",
                                "..",
                                ".",
                                "a/..",
                                "control\x01\x1f\x7f",
                                "new\nline",
                                "tab\tand\rreturn",
                                "'single' \"double\" `back`",
                                "<xml>&amp;</xml>",
                                "back\\slash",
                                "emoji \U0001F600",
                                "nfc-\u00e9",
                                "nfd-e\u0301",
                                "case",
                                "CASE",
                                "Case",
                                "*?[glob]{a,b}",
                                "$HOME;`id`|&",
                                "-rf",
                                "~",
                                "semi;colon,comma=equals@at:colon",
                                "#hash?query=1&b=2",
                                "\u202eright to left",
                                "\ufeffbom",
                                "\uef80private use",
                                "a.b",
                                "a-b",
                                "long/" + std::string(255, 'n'),
                                std::string(1024, 'k'),
                                "...",
                                "..a",
                                ".hidden",
                                "con",
                                "nul.txt",
                                "dot.",
                                "ends with tilde~",
                                "\U0010ffff last",
                                "\u0085next"};
  std::string deep = "deep";
  while (deep.size() + 2 <= 1000)
    deep += "/d";
  keys.push_back(deep);
  return keys;
}

TEST_P(Conformance, EveryKeyComesBackUnharmedOrIsRefusedByName) {
  std::vector<std::string> held;
  for (const auto& key : unpleasant_keys()) {
    if (GetParam().holds(full(key))) {
      write(key, "content of " + key);
      held.push_back(key);
    } else {
      EXPECT_EQ(error_of([&] { write(key, "x"); }), ErrorClass::invalid_argument) << key;
    }
  }
  EXPECT_FALSE(held.empty());
  for (const auto& key : held) {
    EXPECT_EQ(read(key), "content of " + key);
    ASSERT_TRUE(stat(key)) << key;
  }
  auto listed = list().keys;
  std::ranges::sort(held);
  std::ranges::sort(listed);
  EXPECT_EQ(listed, held);
  for (const auto& result : remove(held))
    EXPECT_FALSE(result.error) << result.error->what();
  EXPECT_THAT(list().keys, IsEmpty());
}

TEST_P(Conformance, AnObjectBesideOthersBelowItsNameIsHeldOrRefused) {
  write("a", "file");
  if (can().directories) {
    EXPECT_EQ(error_of([&] { write("a/b", "below"); }), ErrorClass::invalid_argument);
    write("d/b", "below");
    EXPECT_EQ(error_of([&] { write("d", "file"); }), ErrorClass::invalid_argument);
    EXPECT_EQ(read("a"), "file");
    EXPECT_EQ(read("d/b"), "below");
  } else {
    write("a/b", "below");
    write("a/", "slash");
    EXPECT_EQ(read("a"), "file");
    EXPECT_EQ(read("a/b"), "below");
    EXPECT_EQ(read("a/"), "slash");
    auto keys = list().keys;
    std::ranges::sort(keys);
    EXPECT_THAT(keys, ElementsAre("a", "a/", "a/b"));
  }
}

TEST_P(Conformance, AnEmptyObjectWithATrailingSlashMarksADirectory) {
  write("d/", "");
  store::ListRequest request;
  request.directories = true;
  EXPECT_THAT(list(request).keys, ElementsAre("d/"));
  if (can().directories) {
    EXPECT_THAT(list().keys, IsEmpty());
    EXPECT_EQ(error_of([&] { write("e/", "content"); }), ErrorClass::invalid_argument);
    ASSERT_TRUE(stat("d/"));
    EXPECT_EQ(stat("d/")->kind, store::EntryKind::directory);
  }
  remove({"d/"});
  EXPECT_THAT(list(request).keys, IsEmpty());
}

TEST_P(Conformance, RemovingIsDoneOnceAndHarmlessTwice) {
  write("a", "1");
  write("b/c", "2");
  write("keep", "3");
  for (int round = 0; round < 2; ++round) {
    const auto results = remove({"a", "never there", "b/c"});
    ASSERT_EQ(results.size(), 3U);
    for (const auto& result : results)
      EXPECT_FALSE(result.error);
  }
  EXPECT_FALSE(stat("a"));
  EXPECT_THAT(list().keys, ElementsAre("keep"));
}

TEST_P(Conformance, RemovingNothingIsDone) {
  EXPECT_THAT(remove({}), IsEmpty());
}

TEST_P(Conformance, TagsAreReplacedAsAWhole) {
  write("k", "x");
  const store::Tags tags{{"a", "1"}, {"b", "two words & more"}};
  if (!can().keeps_tags) {
    EXPECT_EQ(error_of([&] { runtime().run(store().set_tags(full("k"), tags, context())); }),
              ErrorClass::unsupported);
    EXPECT_EQ(error_of([&] { runtime().run_for(store().get_tags(full("k"), "", context())); }),
              ErrorClass::unsupported);
    return;
  }
  runtime().run(store().set_tags(full("k"), tags, context()));
  EXPECT_EQ(runtime().run_for(store().get_tags(full("k"), "", context())), tags);
  runtime().run(store().set_tags(full("k"), {{"c", "3"}}, context()));
  EXPECT_EQ(runtime().run_for(store().get_tags(full("k"), "", context())), (store::Tags{{"c", "3"}}));
  EXPECT_EQ(error_of([&] { runtime().run(store().set_tags(full("missing"), tags, context())); }),
            ErrorClass::not_found);
}

TEST_P(Conformance, CopiesWithinItselfWithProperties) {
  store::Properties properties;
  properties.metadata = {{"color", "blue"}};
  store::WriteOptions with;
  with.properties = &properties;
  write("from", "content", with);
  store::CopyOptions options;
  options.source = pin_of("from");
  options.source_size = 7;
  const auto copy = [&](std::string_view to) {
    return runtime().run_for(store().copy_from(store(), full("from"), full(to), options, context()));
  };
  if (!store().can_copy_from(store())) {
    EXPECT_EQ(error_of([&] { copy("to"); }), ErrorClass::unsupported);
    return;
  }
  EXPECT_FALSE(copy("sub/to").condition_failed);
  EXPECT_EQ(read("sub/to"), "content");
  EXPECT_EQ(read("from"), "content");
  if (can().keeps_metadata)
    EXPECT_THAT(stat("sub/to")->properties.metadata,
                Contains(std::pair<std::string, std::string>("color", "blue")));
  write("from", "changed content");
  EXPECT_EQ(error_of([&] { copy("late"); }), ErrorClass::source_changed);
  EXPECT_FALSE(stat("late"));
}

TEST_P(Conformance, MessagesShowNoControlCharacters) {
  const std::string text = store().describe("a\nb\x1b[31m");
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find('a'), std::string::npos);
}

TEST_P(Conformance, NothingBeginsAfterTheDeadline) {
  write("k", "x");
  OpContext late = context().with_deadline(context().env().steady_now());
  MemoryBody body(as_bytes("y"));
  EXPECT_THROW(runtime().run_for(store().write(full("k"), body, {}, late)), Error);
  EXPECT_THROW(runtime().run_for(store().read(full("k"), {}, late)), Error);
  EXPECT_THROW(runtime().run_for(store().stat(full("k"), {}, late)), Error);
  EXPECT_THROW(runtime().run_for(store().list({})->next(late)), Error);
  EXPECT_EQ(read("k"), "x");
}

}  // namespace
}  // namespace haul::testing_support

#include "listing/key_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "listing/model_store.h"
#include "listing/spill_sort.h"

namespace haul::listing {
namespace {

using ::testing::ElementsAre;

Task<std::vector<std::string>> keys_from(EntryStream& stream, OpContext context) {
  std::vector<std::string> keys;
  while (const auto page = co_await stream.next(context))
    for (const store::Entry& entry : page->entries)
      keys.emplace_back(entry.key);
  co_return keys;
}

class KeySelectionTest : public ::testing::Test {
 protected:
  ~KeySelectionTest() override { std::filesystem::remove(path_); }
  void write(std::string_view text) { std::ofstream(path_, std::ios::binary) << text; }

  ManualEnv env_;
  Runtime runtime_{env_, null_logger(), {.shards = 1, .blocking_threads = 1}};
  const std::string path_ = ::testing::TempDir() + "haul-keys-" + make_id(system_env());
};

TEST_F(KeySelectionTest, LinesAreKeysByteForByte) {
  write("b\r\n\n#no comment\n a \nlast");
  KeyFileStream stream(path_, "p/");
  EXPECT_THAT(runtime_.run_for(keys_from(stream, runtime_.context())),
              ElementsAre("p/b", "p/#no comment", "p/ a ", "p/last"));
}

TEST_F(KeySelectionTest, LinesAcrossReadsAreWhole) {
  std::string text;
  std::vector<std::string> keys;
  for (int i = 0; i < 100'000; ++i)
    text += keys.emplace_back("key-" + std::to_string(i)) + "\n";
  write(text);
  KeyFileStream stream(path_, "");
  EXPECT_EQ(runtime_.run_for(keys_from(stream, runtime_.context())), keys);
}

TEST_F(KeySelectionTest, ALineWithoutEndIsRefused) {
  write(std::string(3 << 20, 'x'));
  KeyFileStream stream(path_, "");
  EXPECT_THROW(runtime_.run_for(keys_from(stream, runtime_.context())), Error);
}

TEST_F(KeySelectionTest, AFileThatIsNotThereIsNamed) {
  KeyFileStream stream(path_, "");
  try {
    runtime_.run_for(keys_from(stream, runtime_.context()));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::not_found);
    EXPECT_EQ(error.subject(), path_);
  }
}

TEST_F(KeySelectionTest, OnlyListedKeysThatWereAskedForAreLeft) {
  write("e\nb\nx\nb\nd\nx\n");
  KeyFileStream unsorted(path_, "");
  SortedStream asked(unsorted, {});
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f"};
  ModelStream listing(entries_of(all), 2);
  KeySelection selection(listing, asked);
  EXPECT_THAT(runtime_.run_for(keys_from(selection, runtime_.context())), ElementsAre("b", "d", "e"));
  EXPECT_EQ(selection.not_selected(), 3u);
  EXPECT_EQ(selection.missing(), 1u);
  EXPECT_TRUE(selection.facts().complete());
}

}  // namespace
}  // namespace haul::listing

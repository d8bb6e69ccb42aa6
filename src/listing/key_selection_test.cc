#include "listing/key_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "listing/model_store.h"
#include "listing/spill_sort.h"
#include "runtime/manual_runtime.h"

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

TEST(KeySelection, OnlyListedKeysThatWereAskedForAreLeft) {
  ManualRuntime world;
  const std::vector<std::string> written = {"e", "b", "x", "b", "d", "x"};
  ModelStream unsorted(entries_of(written), 4);
  SortedStream asked(unsorted, {});
  const std::vector<std::string> all = {"a", "b", "c", "d", "e", "f"};
  ModelStream listing(entries_of(all), 2);
  KeySelection selection(listing, asked);
  EXPECT_THAT(world.run_for(keys_from(selection, world.context())), ElementsAre("b", "d", "e"));
  EXPECT_EQ(selection.not_selected(), 3u);
  EXPECT_EQ(selection.missing(), 1u);
  EXPECT_TRUE(selection.facts().complete());
}

}  // namespace
}  // namespace haul::listing

// Listings, compared with what a sorted set of the same keys would give.
#include <algorithm>
#include <random>

#include "support/conformance.h"

namespace haul::testing_support {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Components that sort around `/`: a directory `a/` comes after `a-` and `a.x` and before `a0`.
std::string random_key(std::mt19937& random) {
  static constexpr std::string_view kNames[] = {"a", "b", "a-",     "a.x", "a0",  "ab",
                                                "A", "!", "\u00e9", "~",   "z y", "0"};
  std::string key;
  for (unsigned depth = random() % 4;; --depth) {
    key += kNames[random() % std::size(kNames)];
    if (depth == 0) return key;
    key += '/';
  }
}

std::set<std::string> random_keys(std::mt19937& random, std::size_t tries) {
  std::set<std::string> keys;
  for (std::size_t i = 0; i < tries; ++i)
    add_as_file(keys, random_key(random));
  return keys;
}

std::vector<std::string> expected_keys(const std::set<std::string>& keys, const store::ListRequest& request) {
  std::vector<std::string> expected;
  for (const auto& key : keys) {
    if (key.starts_with(request.prefix) && (request.after.empty() || key > request.after) &&
        (request.until.empty() || key <= request.until))
      expected.push_back(key);
  }
  return expected;
}

// An arbitrary bound: a key that is there, a piece of one, or one that is not there.
std::string random_bound(std::mt19937& random, const std::set<std::string>& keys) {
  const auto& key = *std::next(keys.begin(), static_cast<std::ptrdiff_t>(random() % keys.size()));
  switch (random() % 4) {
    case 0: return {};
    case 1: return key;
    case 2: return key.substr(0, random() % (key.size() + 1));
    default: return random_key(random);
  }
}

std::string to_text(const store::ListRequest& request) {
  return "prefix '" + request.prefix + "' after '" + request.after + "' until '" + request.until +
         "' pages of " + std::to_string(request.page_size);
}

TEST_P(Conformance, AnEmptyStoreListsOneEmptyPage) {
  const Listing listing = list();
  EXPECT_THAT(listing.keys, IsEmpty());
  EXPECT_EQ(listing.pages, 1U);
}

TEST_P(Conformance, AListingSaysWhatStatSays) {
  write("a/b", "12345");
  const auto lister = store().list({});
  const store::ListPage page = runtime().run_for(lister->next(context()));
  ASSERT_EQ(page.entries.size(), 1U);
  const auto details = stat("a/b");
  EXPECT_EQ(page.entries[0].size, 5U);
  EXPECT_EQ(page.entries[0].kind, store::EntryKind::object);
  EXPECT_TRUE(page.entries[0].latest);
  // Protocols list milliseconds and stat seconds.
  EXPECT_EQ(std::chrono::floor<std::chrono::seconds>(page.entries[0].modified),
            std::chrono::floor<std::chrono::seconds>(details->modified));
  if (can().modified_is_settable) EXPECT_EQ(page.entries[0].modified, details->modified);
  if (can().etag_in_listing) EXPECT_EQ(page.entries[0].etag, details->etag);
}

TEST_P(Conformance, ListsAnyRangeOfKeysLikeASortedSet) {
  std::mt19937 random(20'240'501);
  const auto keys = random_keys(random, 160);
  for (const auto& key : keys)
    write(key, key);
  for (int round = 0; round < 80; ++round) {
    store::ListRequest request;
    if (round % 3 != 0) request.prefix = random_bound(random, keys);
    if (round % 2 != 0) request.after = random_bound(random, keys);
    if (round % 4 > 1) request.until = random_bound(random, keys);
    request.page_size = round == 0 ? 1000 : 1 + static_cast<std::uint32_t>(random() % 20);
    Listing listing = list(request);
    if (!can().ordered_listing) std::ranges::sort(listing.keys);
    EXPECT_EQ(listing.keys, expected_keys(keys, request)) << to_text(request);
    EXPECT_EQ(listing.failures, 0U);
    std::uint64_t bytes = 0, expected_bytes = 0;
    for (const auto size : listing.sizes)
      bytes += size;
    for (const auto& key : expected_keys(keys, request))
      expected_bytes += key.size();
    EXPECT_EQ(bytes, expected_bytes);
  }
}

TEST_P(Conformance, OneLevelGroupsWhatLiesDeeper) {
  std::mt19937 random(7);
  const auto keys = random_keys(random, 120);
  for (const auto& key : keys)
    write(key, "");
  for (const std::string prefix : {"", "a/", "b/", "a", "a/a/", "nothing/", "\u00e9/"}) {
    std::vector<std::string> objects, groups;
    for (const auto& key : keys) {
      if (!key.starts_with(prefix)) continue;
      const std::size_t slash = key.find('/', prefix.size());
      if (slash == std::string::npos)
        objects.push_back(key);
      else if (groups.empty() || groups.back() != key.substr(0, slash + 1))
        groups.push_back(key.substr(0, slash + 1));
    }
    for (const std::uint32_t page_size : {1000U, 2U, 1U}) {
      store::ListRequest request;
      request.prefix = prefix;
      request.one_level = true;
      request.page_size = page_size;
      Listing listing = list(request);
      if (!can().ordered_listing) {
        std::ranges::sort(listing.keys);
        std::ranges::sort(listing.common_prefixes);
      }
      EXPECT_EQ(listing.keys, objects) << prefix;
      EXPECT_EQ(listing.common_prefixes, groups) << prefix;
    }
  }
}

TEST_P(Conformance, AListingContinuesFromAnyKeyItGave) {
  if (!can().range_listing) return;  // then nobody may ask for it
  std::mt19937 random(3);
  const auto keys = random_keys(random, 60);
  for (const auto& key : keys)
    write(key, "");
  std::vector<std::string> stitched;
  for (std::size_t guard = 0; guard <= keys.size(); ++guard) {
    store::ListRequest request;
    request.prefix = full("");
    if (!stitched.empty()) request.after = full(stitched.back());
    request.page_size = 7;
    const auto lister = store().list(request);
    const store::ListPage page = runtime().run_for(lister->next(context()));
    EXPECT_LE(page.entries.size(), 7U);
    for (const auto& entry : page.entries)
      stitched.emplace_back(entry.key.substr(full("").size()));
    if (page.last) break;
  }
  EXPECT_EQ(stitched, std::vector<std::string>(keys.begin(), keys.end()));
}

TEST_P(Conformance, ManyPagesGiveEveryKeyOnce) {
  std::vector<std::string> keys;
  for (int i = 0; i < 105; ++i)
    keys.push_back("k" + std::to_string(1000 + i));
  for (const auto& key : keys)
    write(key, "");
  store::ListRequest request;
  request.page_size = 10;
  Listing listing = list(request);
  std::ranges::sort(listing.keys);
  EXPECT_EQ(listing.keys, keys);
  EXPECT_GE(listing.pages, 11U);
}

}  // namespace
}  // namespace haul::testing_support

#include "transfer/property_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stores/memory/memory_store.h"
#include "transfer/content_type.h"
#include "transfer/ordered_checksum.h"

namespace haul::transfer {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

store::Capabilities files() {
  store::Capabilities can;
  can.keeps_posix = can.modified_is_settable = can.directories = true;
  return can;
}

store::Capabilities objects() {
  return memory::full_capabilities();
}

const Time kListed{std::chrono::seconds(1000)};

struct Mapped {
  store::Properties properties;
  std::vector<std::string> losses;
  bool copied = false;
};

Mapped map(const store::Details& details, const store::Capabilities& from, const store::Capabilities& to,
           Preserve preserve = {}, std::string_view key = "a/photo.JPG") {
  Mapped mapped;
  store::Properties made;
  const auto* properties =
      PropertyMapping(preserve, from, to).map(details, kListed, key, made, mapped.losses);
  mapped.properties = *properties;
  mapped.copied = properties == &made;
  return mapped;
}

store::Details rich_object() {
  store::Details details;
  details.properties.content.type = "image/jpeg";
  details.properties.metadata = {{"author", "k"}};
  details.properties.tags = store::Tags{{"t", "1"}};
  details.tag_count = 1;
  return details;
}

TEST(PropertyMapping, ObjectsToObjectsCostsNoCopy) {
  const Mapped mapped = map(rich_object(), objects(), objects());
  EXPECT_FALSE(mapped.copied);
  EXPECT_THAT(mapped.losses, IsEmpty());
}

TEST(PropertyMapping, AFileGetsItsTypeFromItsNameAndKeepsItsAttributes) {
  store::Details file;
  file.properties.posix = store::PosixAttributes{.mode = 0100640, .uid = 5, .gid = 6, .mtime = kListed};
  const Mapped mapped = map(file, files(), objects());
  EXPECT_EQ(mapped.properties.content.type, "image/jpeg");
  EXPECT_EQ(mapped.properties.posix, file.properties.posix);
  EXPECT_THAT(mapped.losses, IsEmpty());
}

TEST(PropertyMapping, AttributesBecomeMetadataWhereNothingElseHoldsThem) {
  store::Details file;
  file.properties.posix = store::PosixAttributes{.mode = 0100640};
  store::Capabilities plain = objects();
  plain.keeps_posix = false;
  EXPECT_THAT(map(file, files(), plain).properties.metadata,
              ElementsAre(Pair("file-permissions", "0100640")));
}

TEST(PropertyMapping, AnObjectBecomesAFileWithTheAttributesOfItsMetadata) {
  store::Details object = rich_object();
  object.properties.metadata = {{"file-permissions", "0100600"}, {"file-mtime", "5000000000ns"}};
  const Mapped mapped = map(object, objects(), files());
  ASSERT_TRUE(mapped.properties.posix.has_value());
  EXPECT_EQ(mapped.properties.posix->mode, 0100600U);
  EXPECT_EQ(mapped.properties.posix->mtime, Time(std::chrono::seconds(5)));
  EXPECT_THAT(mapped.properties.metadata, IsEmpty());
  EXPECT_THAT(mapped.losses, ElementsAre("tags"))
      << "the attributes are not lost, nor is a type that the name tells";
}

TEST(PropertyMapping, AnObjectWithoutAttributesGivesTheFileItsTime) {
  const Mapped mapped = map(store::Details{}, objects(), files());
  EXPECT_EQ(mapped.properties.posix, (store::PosixAttributes{.mtime = kListed}));
  EXPECT_THAT(mapped.losses, IsEmpty());
  EXPECT_EQ(map(store::Details{}, objects(), files(), {.mtime = false}).properties.posix, std::nullopt);
}

TEST(PropertyMapping, NamesWhatAFileCannotHold) {
  store::Details object = rich_object();
  EXPECT_THAT(map(object, objects(), files()).losses, UnorderedElementsAre("metadata", "tags"));
  object.properties.content.cache_control = "no-store";
  EXPECT_THAT(map(object, objects(), files()).losses,
              UnorderedElementsAre("metadata", "tags", "content headers"));
  EXPECT_THAT(map(object, objects(), files(), {.metadata = false, .tags = false}).losses, IsEmpty());
}

TEST(PropertyMapping, NamesWhatABareStoreCannotHold) {
  store::Details file;
  file.properties.posix = store::PosixAttributes{.mode = 0100640, .uid = 5, .mtime = kListed};
  EXPECT_THAT(map(file, files(), store::Capabilities{}).losses,
              UnorderedElementsAre("mtime", "mode", "owner"));
}

TEST(PropertyMapping, KeepsOnlyWhatIsAskedFor) {
  store::Details file;
  file.properties.posix = store::PosixAttributes{.mode = 0100640, .uid = 5, .gid = 6, .mtime = kListed};
  EXPECT_EQ(map(file, files(), files(), {.mode = false, .owner = false}).properties.posix,
            (store::PosixAttributes{.mtime = kListed}));
  EXPECT_EQ(map(file, files(), files(), {.mtime = false, .mode = false}).properties.posix,
            (store::PosixAttributes{.uid = 5, .gid = 6}));
}

TEST(PropertyMapping, ALinkStaysALinkWhateverIsAskedFor) {
  store::Details link;
  link.properties.posix = store::PosixAttributes{.mode = 0120777};
  EXPECT_EQ(map(link, files(), objects(), {.mtime = false, .mode = false, .owner = false}).properties.posix,
            (store::PosixAttributes{.mode = 0120777}));
}

TEST(PropertyMapping, DroppedAttributesDoNotSurviveInTheMetadata) {
  store::Details object = rich_object();
  object.properties.metadata = {{"author", "k"}, {"file-owner", "5"}, {"file-mtime", "5000000000ns"}};
  const Mapped mapped = map(object, objects(), objects(), {.owner = false});
  EXPECT_THAT(mapped.properties.metadata, ElementsAre(Pair("author", "k")));
  EXPECT_EQ(mapped.properties.posix, (store::PosixAttributes{.mtime = Time(std::chrono::seconds(5))}));
}

TEST(PropertyMapping, TagsAreReadOnlyWhereTheyCanBeKept) {
  const Preserve all, none{.tags = false};
  const auto has = objects(), lacks = files();
  EXPECT_TRUE(PropertyMapping(all, has, has).wants_tags());
  EXPECT_FALSE(PropertyMapping(none, has, has).wants_tags());
  EXPECT_FALSE(PropertyMapping(all, has, lacks).wants_tags());
  EXPECT_FALSE(PropertyMapping(all, lacks, has).wants_tags());
}

TEST(ContentType, ComesFromTheLastEndingInAnyCase) {
  EXPECT_EQ(guess_content_type("a.html"), "text/html");
  EXPECT_EQ(guess_content_type("a/b.c/IMG.JPEG"), "image/jpeg");
  EXPECT_EQ(guess_content_type("archive.tar.gz"), "application/gzip");
  EXPECT_EQ(guess_content_type("7z.7z"), "application/x-7z-compressed");
  EXPECT_EQ(guess_content_type("data.zst"), "application/zstd");
}

TEST(ContentType, IsNotInventedWhereTheNameSaysNothing) {
  for (const char* key : {"", "README", "a.b/", "a.html/README", ".html", "a/.gz", "x.", "x.unheardof",
                          "x.averyveryverylongending", "jpg"})
    EXPECT_EQ(guess_content_type(key), "") << key;
}

TEST(OrderedChecksum, IsThatOfTheWholeInWhicheverOrderThePartsCome) {
  const std::string_view text = "the quick brown fox jumps over the lazy dog";
  const std::array<std::string_view, 4> parts{text.substr(0, 10), text.substr(10, 1), text.substr(11, 20),
                                              text.substr(31)};
  std::array<std::uint32_t, 4> order{0, 1, 2, 3};
  do {
    OrderedChecksum sum;
    for (const std::uint32_t i : order)
      sum.add(i + 1, checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(parts[i])), parts[i].size());
    EXPECT_EQ(sum.whole(), checksum_of(ChecksumAlgorithm::crc64nvme, as_bytes(text)));
    EXPECT_EQ(sum.parts(), 4U);
  } while (std::ranges::next_permutation(order).found);
}

}  // namespace
}  // namespace haul::transfer

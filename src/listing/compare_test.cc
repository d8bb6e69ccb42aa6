#include "listing/compare.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace haul::listing {
namespace {

using enum Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

const Time kNoon{seconds(1'780'000'000)};
constexpr const char* kMd5A = "d41d8cd98f00b204e9800998ecf8427e";
constexpr const char* kMd5B = "0cc175b9c0f1b6a831c399e269772661";
constexpr const char* kPartsA = "d41d8cd98f00b204e9800998ecf8427e-3";
constexpr const char* kPartsB = "0cc175b9c0f1b6a831c399e269772661-7";

enum class Kind { file, object };

store::Capabilities capabilities(Kind kind) {
  store::Capabilities result;
  result.modified_is_settable = kind == Kind::file;
  return result;
}

struct Facts {
  std::uint64_t size = 1;
  Duration modified{0};  // from noon on
  Duration changed{0};
  std::string etag;
  store::EntryKind kind = store::EntryKind::object;

  store::Entry entry() const {
    store::Entry entry;
    entry.size = size;
    entry.modified = kNoon + modified;
    entry.changed = kNoon + changed;
    entry.etag = etag;
    entry.kind = kind;
    return entry;
  }
};

struct Case {
  const char* name;
  Kind source_kind, destination_kind;
  Facts source, destination;
  Verdict verdict;
  CompareReason reason;
  CompareMode mode = CompareMode::standard;
  Duration window{0};
};

TEST(Compare, TheListingAloneDecidesAsTheRecordSays) {
  const auto f = Kind::file;
  const auto o = Kind::object;
  const Case cases[] = {
      {"sizes of objects",
       o,
       o,
       {.size = 1, .etag = kMd5A},
       {.size = 2, .etag = kMd5A},
       differs,
       CompareReason::size},
      {"equal MD5",
       o,
       o,
       {.modified = seconds(9), .etag = kMd5A},
       {.etag = kMd5A},
       same,
       CompareReason::etag},
      {"equal multipart etags", o, o, {.etag = kPartsA}, {.etag = kPartsA}, same, CompareReason::etag},
      {"MD5 differ, destination younger",
       o,
       o,
       {.etag = kMd5A},
       {.modified = seconds(1), .etag = kMd5B},
       needs_details,
       CompareReason::maybe_encrypted},
      {"MD5 differ, equal times",
       o,
       o,
       {.etag = kMd5A},
       {.etag = kMd5B},
       needs_details,
       CompareReason::maybe_encrypted},
      {"MD5 differ, destination older",
       o,
       o,
       {.modified = seconds(1), .etag = kMd5A},
       {.etag = kMd5B},
       differs,
       CompareReason::etag},
      {"multipart differ, destination younger",
       o,
       o,
       {.etag = kPartsA},
       {.modified = seconds(1), .etag = kPartsB},
       same,
       CompareReason::written_since},
      {"multipart differ, destination older",
       o,
       o,
       {.modified = seconds(1), .etag = kPartsA},
       {.etag = kPartsB},
       differs,
       CompareReason::modified},
      {"multipart became single",
       o,
       o,
       {.etag = kPartsA},
       {.modified = seconds(1), .etag = kMd5A},
       same,
       CompareReason::written_since},
      {"no etags", o, o, {}, {.modified = seconds(1)}, same, CompareReason::written_since},
      {"opaque etags differ, destination older",
       o,
       o,
       {.modified = seconds(1), .etag = "x"},
       {.etag = "y"},
       differs,
       CompareReason::modified},

      {"sizes of file and object", f, o, {.size = 3}, {.size = 4}, differs, CompareReason::size},
      {"file uploaded since",
       f,
       o,
       {.modified = seconds(-9), .changed = seconds(-8)},
       {},
       same,
       CompareReason::written_since},
      {"file uploaded at once", f, o, {}, {}, same, CompareReason::written_since},
      {"file rewritten",
       f,
       o,
       {.modified = seconds(1), .changed = seconds(1)},
       {},
       needs_details,
       CompareReason::changed_in_place},
      {"file rewritten, time set back",
       f,
       o,
       {.modified = seconds(-9), .changed = seconds(1)},
       {},
       needs_details,
       CompareReason::changed_in_place},

      {"file has the object's time",
       o,
       f,
       {.modified = seconds(5)},
       {.modified = seconds(5), .changed = seconds(5)},
       same,
       CompareReason::modified},
      {"file has it to the second",
       o,
       f,
       {.modified = milliseconds(5900)},
       {.modified = seconds(5)},
       same,
       CompareReason::modified},
      {"object's time is coarse, the file's is not",
       o,
       f,
       {.modified = seconds(5)},
       {.modified = milliseconds(5900), .changed = seconds(9)},
       needs_details,
       CompareReason::modified},
      {"file downloaded since",
       o,
       f,
       {},
       {.modified = seconds(-9), .changed = seconds(60)},
       same,
       CompareReason::written_since},
      {"file came before the object",
       o,
       f,
       {},
       {.modified = seconds(-9), .changed = seconds(-9)},
       needs_details,
       CompareReason::modified},
      {"file came within the margin of the clocks",
       o,
       f,
       {},
       {.modified = seconds(-9), .changed = seconds(1)},
       needs_details,
       CompareReason::modified},
      {"file changed here",
       o,
       f,
       {},
       {.modified = seconds(60), .changed = seconds(60)},
       needs_details,
       CompareReason::modified},

      {"files of one time",
       f,
       f,
       {.modified = Duration(123'456'789)},
       {.modified = Duration(123'456'789)},
       same,
       CompareReason::modified},
      {"files a nanosecond apart",
       f,
       f,
       {.modified = Duration(123'456'789)},
       {.modified = Duration(123'456'790)},
       differs,
       CompareReason::modified},
      {"destination keeps seconds",
       f,
       f,
       {.modified = Duration(7'123'456'789)},
       {.modified = seconds(7)},
       same,
       CompareReason::modified},
      {"source keeps milliseconds",
       f,
       f,
       {.modified = milliseconds(7123)},
       {.modified = Duration(7'123'456'789)},
       same,
       CompareReason::modified},
      {"destination rounds up",
       f,
       f,
       {.modified = Duration(7'123'456'789)},
       {.modified = seconds(8)},
       differs,
       CompareReason::modified},
      {"destination rounds up within the window",
       f,
       f,
       {.modified = Duration(7'123'456'789)},
       {.modified = seconds(8)},
       same,
       CompareReason::modified,
       CompareMode::standard,
       seconds(1)},
      {"a link where a file was",
       f,
       f,
       {.kind = store::EntryKind::symlink},
       {},
       differs,
       CompareReason::kind},
      {"directories",
       f,
       f,
       {.size = 40, .kind = store::EntryKind::directory},
       {.size = 4096, .kind = store::EntryKind::directory},
       same,
       CompareReason::exists},
      {"a directory and its marker",
       f,
       o,
       {.size = 4096, .kind = store::EntryKind::directory},
       {.size = 0},
       same,
       CompareReason::exists},

      {"size only", f, f, {.modified = seconds(1)}, {}, same, CompareReason::size, CompareMode::size_only},
      {"size only, other size",
       o,
       o,
       {.size = 2, .etag = kMd5A},
       {.etag = kMd5A},
       differs,
       CompareReason::size,
       CompareMode::size_only},
      {"always", o, o, {.etag = kMd5A}, {.etag = kMd5A}, differs, CompareReason::forced, CompareMode::always},
      {"never", o, o, {.size = 2}, {.size = 3}, same, CompareReason::exists, CompareMode::never},
      {"newer", o, f, {.modified = seconds(1)}, {}, differs, CompareReason::modified, CompareMode::if_newer},
      {"not newer, another size",
       o,
       f,
       {.size = 2},
       {},
       same,
       CompareReason::modified,
       CompareMode::if_newer},
      {"checksum of objects with equal etags",
       o,
       o,
       {.etag = kMd5A},
       {.etag = kMd5A},
       same,
       CompareReason::etag,
       CompareMode::checksum},
      {"checksum of objects",
       o,
       o,
       {.etag = kPartsA},
       {.etag = kPartsB},
       needs_details,
       CompareReason::checksum,
       CompareMode::checksum},
      {"checksum trusts no time",
       f,
       f,
       {},
       {},
       needs_details,
       CompareReason::checksum,
       CompareMode::checksum},
      {"checksum of other sizes", f, o, {.size = 2}, {}, differs, CompareReason::size, CompareMode::checksum},
  };
  for (const Case& c : cases) {
    const CompareOptions options{.mode = c.mode, .modify_window = c.window};
    const Decision decision = decide(c.source.entry(), c.destination.entry(), capabilities(c.source_kind),
                                     capabilities(c.destination_kind), options);
    EXPECT_EQ(decision.verdict, c.verdict) << c.name;
    EXPECT_EQ(decision.reason, c.reason) << c.name << ": " << to_string(decision.reason);
  }
}

store::Details details(Duration modified, std::string etag = "") {
  store::Details result;
  result.size = 1;
  result.modified = kNoon + modified;
  result.etag = std::move(etag);
  return result;
}

store::Details keeping(Duration mtime, store::Details object) {
  object.properties.posix.emplace();
  object.properties.posix->mtime = kNoon + mtime;
  return object;
}

Decision look(const store::Details& source, Kind source_kind, const store::Details& destination,
              Kind destination_kind, CompareMode mode = CompareMode::standard) {
  return decide_with_details(source, destination, capabilities(source_kind), capabilities(destination_kind),
                             {.mode = mode});
}

TEST(Compare, TheTimeKeptWithAnObjectDecidesToThePrecisionItWasKeptIn) {
  const auto file = details(Duration(7'123'456'789));
  const auto object = details(seconds(-60));
  for (const bool up : {true, false}) {
    const auto both = [&](const store::Details& kept) {
      return up ? look(file, Kind::file, kept, Kind::object) : look(kept, Kind::object, file, Kind::file);
    };
    EXPECT_EQ(both(keeping(Duration(7'123'456'789), object)), (Decision{same, CompareReason::kept_time}));
    EXPECT_EQ(both(keeping(milliseconds(7123), object)), (Decision{same, CompareReason::kept_time}));
    EXPECT_EQ(both(keeping(seconds(7), object)), (Decision{same, CompareReason::kept_time}));
    EXPECT_EQ(both(keeping(seconds(8), object)), (Decision{differs, CompareReason::kept_time}));
    EXPECT_EQ(both(keeping(Duration(7'123'456'788), object)), (Decision{differs, CompareReason::kept_time}));
    EXPECT_EQ(both(object), (Decision{differs, CompareReason::modified}));
  }
}

TEST(Compare, UnderEncryptionEtagsThatDifferSayNothing) {
  auto source = details(seconds(0), kMd5A);
  auto destination = details(seconds(5), kMd5B);
  EXPECT_EQ(look(source, Kind::object, destination, Kind::object), (Decision{differs, CompareReason::etag}));
  destination.encryption = "AES256";
  EXPECT_EQ(look(source, Kind::object, destination, Kind::object), (Decision{differs, CompareReason::etag}));
  for (const char* hidden : {"aws:kms", "aws:kms:dsse", "SSE-C"}) {
    destination.encryption = hidden;
    EXPECT_EQ(look(source, Kind::object, destination, Kind::object),
              (Decision{same, CompareReason::written_since}));
    destination.modified = kNoon - seconds(5);
    EXPECT_EQ(look(source, Kind::object, destination, Kind::object),
              (Decision{differs, CompareReason::modified}));
    destination.modified = kNoon + seconds(5);
  }
}

TEST(Compare, ChecksumsOutweighTimesAndEtags) {
  auto source = details(seconds(9), kMd5A);
  auto destination = details(seconds(0), kMd5B);
  source.checksums.put(checksum_of(ChecksumAlgorithm::crc32c, as_bytes("a")));
  destination.checksums.put(checksum_of(ChecksumAlgorithm::crc32c, as_bytes("a")));
  EXPECT_EQ(look(source, Kind::object, destination, Kind::object), (Decision{same, CompareReason::checksum}));
  destination.checksums.put(checksum_of(ChecksumAlgorithm::crc32c, as_bytes("b")));
  EXPECT_EQ(look(source, Kind::object, destination, Kind::object),
            (Decision{differs, CompareReason::checksum}));
  EXPECT_EQ(look(source, Kind::file, destination, Kind::file, CompareMode::checksum),
            (Decision{differs, CompareReason::checksum}));
}

TEST(Compare, WithoutCommonChecksumsOnlyTheBytesTellInChecksumMode) {
  const auto a = details(seconds(0), kPartsA);
  const auto b = details(seconds(0), kPartsB);
  EXPECT_EQ(look(a, Kind::object, b, Kind::object, CompareMode::checksum),
            (Decision{needs_content, CompareReason::no_checksum}));
  EXPECT_EQ(look(a, Kind::file, b, Kind::object, CompareMode::checksum),
            (Decision{needs_content, CompareReason::no_checksum}));
  EXPECT_EQ(look(details(seconds(0), kMd5A), Kind::object, details(seconds(9), kMd5B), Kind::object,
                 CompareMode::checksum),
            (Decision{differs, CompareReason::etag}));
}

}  // namespace
}  // namespace haul::listing

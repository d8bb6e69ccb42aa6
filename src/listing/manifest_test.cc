#include "listing/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "base/checksum.h"
#include "base/time_format.h"
#include "runtime/manual_runtime.h"
#include "stores/memory/memory_store.h"

namespace haul::listing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string gzipped(std::string_view text) {
  std::string out(::compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

std::string md5_of(std::string_view text) {
  return checksum_of(ChecksumAlgorithm::md5, as_bytes(text)).hex();
}

// What a stream gave, as text: "key", "key@version", with "!" before where nothing but that is known.
struct Seen {
  std::vector<std::string> entries;
  std::vector<store::Entry> facts;  // texts are gone
  std::vector<std::string> broken;  // what() of each
  std::vector<std::string> broken_keys;
  std::vector<std::string> places;  // behind each page
};

Task<> read_page(EntryStream& stream, Seen& seen, bool& more, OpContext context) {
  const auto page = co_await stream.next(context);
  more = page.has_value();
  if (!more) co_return;
  EXPECT_FALSE(page->entries.empty() && page->broken.empty());
  for (const store::Entry& entry : page->entries) {
    std::string text = entry.facts_known ? "" : "!";
    text += entry.key;
    if (!entry.version.empty()) text += "@" + std::string(entry.version);
    if (entry.kind == store::EntryKind::delete_marker) text += " marker";
    seen.entries.push_back(text);
    seen.facts.push_back(entry);
  }
  for (const store::ListFailure& failure : page->broken) {
    seen.broken.emplace_back(failure.error.what());
    seen.broken_keys.emplace_back(failure.key);
  }
  seen.places.push_back(stream.place().value_or("none"));
}

class ManifestReading : public ::testing::Test {
 protected:
  ManifestReading() { std::filesystem::create_directories(folder_); }
  ~ManifestReading() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, std::string_view text) {
    std::string path = folder_ + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  Seen all_of(EntryStream& stream) {
    Seen seen;
    for (bool more = true; more;)
      world_.run(read_page(stream, seen, more, world_.context()));
    return seen;
  }
  Seen read(const std::string& path, ManifestOptions options = {}) {
    const auto stream = open_manifest({.store = nullptr, .name = path, .bucket = {}}, std::move(options));
    return all_of(*stream);
  }
  Seen read_text(std::string_view text, ManifestOptions options = {}) {
    return read(file("list", text), std::move(options));
  }
  Error refusal(const std::string& path, ManifestOptions options = {}) {
    try {
      read(path, std::move(options));
    } catch (const Error& error) {
      return error;
    }
    return {ErrorClass::internal, "was not refused"};
  }

  ManualRuntime world_;
  const std::string folder_ = ::testing::TempDir() + "haul-manifest-" + make_id(system_env()) + "/";
};

const ManifestOptions kRecord{.broken = BrokenLines::record};

TEST_F(ManifestReading, TakesWhatS3BatchOperationsTakes) {
  EXPECT_THAT(read_text("media-src,images/2024/caf%C3%A9%20one.jpg\n"
                        "media-src,images/2024/b.jpg,3HL4kqtJlcpXroDTDmJ\n",
                        {.bucket = "media-src"})
                  .entries,
              ElementsAre("!images/2024/caf\xc3\xa9 one.jpg", "!images/2024/b.jpg@3HL4kqtJlcpXroDTDmJ"));
}

TEST_F(ManifestReading, TakesANullVersionAsItIs) {
  EXPECT_THAT(read_text("b,k,null\r\nb,l,v1").entries, ElementsAre("!k@null", "!l@v1"));
}

TEST_F(ManifestReading, FailsARowWithoutAVersionInAManifestOfVersions) {
  ManifestOptions options = kRecord;
  options.fields = {"Bucket", "Key", "VersionId"};
  const Seen seen = read_text("b,first,\nb,second,v2\nb,third\n", options);
  EXPECT_THAT(seen.entries, ElementsAre("!second@v2"));
  EXPECT_THAT(seen.broken_keys, ElementsAre("first", "third"));
  EXPECT_THAT(seen.broken, ElementsAre(HasSubstr("list line 1"), HasSubstr("list line 3")));
  EXPECT_THAT(read_text("b,k,v\nb,l,\nb,m\n", kRecord).broken_keys, ElementsAre("l", "m"))
      << "also where the columns are not told";
}

TEST_F(ManifestReading, TakesColumnsByTheirNamesAndPassesOverOthers) {
  const Seen seen =
      read_text("x,v,\"a,b\",17,2024-01-31T23:59:59.000Z,\"0cc1\",b,more,and \"more\n",
                {.fields = {"Ignore", "VersionId", "Key", "Size", "LastModifiedDate", "ETag", "Bucket"},
                 .bucket = "b"});
  EXPECT_THAT(seen.entries, ElementsAre("a,b@v"));
  EXPECT_EQ(seen.facts[0].size, 17u);
  EXPECT_EQ(seen.facts[0].modified, *parse_iso8601("2024-01-31T23:59:59Z"));
}

TEST_F(ManifestReading, KnowsOfMoreThanThreeColumnsTheKeyAlone) {
  EXPECT_THAT(read_text("\"b\",\"k\",\"12\",\"2024-01-31T23:59:59Z\"\n").entries, ElementsAre("!k"));
}

TEST_F(ManifestReading, RefusesFieldsWithoutAKey) {
  EXPECT_THROW(open_manifest({}, {.fields = {"Bucket", "VersionId"}}), Error);
  EXPECT_THROW(open_manifest({}, {.fields = {"Key", "key"}}), Error);
}

TEST_F(ManifestReading, RecordsEachBrokenLineWithItsNumberAndGoesOn) {
  ManifestOptions options = kRecord;
  options.bucket = "b";
  options.prefix = "p/";
  const Seen seen =
      read_text("b,p/1\n\nonly-one\nb,%zz\nother,p/2\nb,q/3\nb,\"p/4\nb,\"p/5\"x\nb,\n" +
                    std::string("b,p/\0\n", 6) + "b,p/6\n" + std::string(3 << 20, 'x') + "\nb,p/7",
                options);
  EXPECT_THAT(seen.entries, ElementsAre("!p/1", "!p/6", "!p/7"));
  ASSERT_EQ(seen.broken.size(), 9u);
  const std::vector<std::pair<int, std::string>> expected{
      {3, "second column"}, {4, "url-encoded"}, {5, "bucket other"}, {6, "not below p/"}, {7, "quote"},
      {8, "quote"},         {9, "empty key"},   {10, "NUL"},         {12, "longer"}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_THAT(seen.broken[i], HasSubstr("list line " + std::to_string(expected[i].first)));
    EXPECT_THAT(seen.broken[i], HasSubstr(expected[i].second));
  }
  EXPECT_EQ(seen.broken_keys[0], "only-one");
  EXPECT_EQ(seen.broken_keys[3], "q/3");
}

TEST_F(ManifestReading, StopsAtABrokenLineUnlessTheyAreRecorded) {
  const Error error = refusal(file("list", "b,k\nb,%\n"));
  EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
  EXPECT_THAT(error.subject(), HasSubstr("list line 2"));
}

TEST_F(ManifestReading, ReadsJsonLines) {
  const Seen seen = read_text(
      R"({"bucket":"b","key":"a \u00e4","size":3,"modified":"2024-01-31T23:59:59Z","etag":"\"e\"","version":"v"})"
      "\n{\"key\":\"k\",\"version\":\"null\"}\n{\"key\":\"\"}\n{\"name\":1}\n{\"key\":\"k\",\"bucket\":1}\n{"
      "\n{\"key\":\"k\",\"size\":-1}\n",
      kRecord);
  EXPECT_THAT(seen.entries, ElementsAre("a \xc3\xa4@v", "!k@null"));
  EXPECT_EQ(seen.facts[0].size, 3u);
  EXPECT_EQ(seen.broken.size(), 5u);
}

TEST_F(ManifestReading, ReadsAPlainListOfKeysByteForByte) {
  EXPECT_THAT(read_text("a,b\n c \r\n%41\n", {.format = ManifestFormat::keys, .base = "p/"}).entries,
              ElementsAre("!p/a,b", "!p/ c ", "!p/%41"));
}

TEST_F(ManifestReading, ReadsWhatDataSyncReads) {
  const Seen seen = read_text(
      "\xef\xbb\xbf"
      "dir/plain%20.txt\r\"comma, \"\"quote\"\"\nand line\",v1\r\nlast,v2\nx,y,z",
      {.format = ManifestFormat::datasync, .base = "p/", .broken = BrokenLines::record});
  EXPECT_THAT(seen.entries,
              ElementsAre("!p/dir/plain%20.txt", "!p/comma, \"quote\"\nand line@v1", "!p/last@v2"));
  EXPECT_THAT(seen.broken, ElementsAre(HasSubstr("list line 5")));
}

TEST_F(ManifestReading, UnpacksGzipInSeveralMembers) {
  EXPECT_THAT(read_text(gzipped("b,one\nb,t") + gzipped("wo\n")).entries, ElementsAre("!one", "!two"));
}

TEST_F(ManifestReading, NoticesWhatIsCutOffOrDamaged) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += "b,key-" + std::to_string(i * 7919) + "\n";
  const std::string whole = gzipped(text);
  EXPECT_EQ(refusal(file("cut", whole.substr(0, whole.size() / 2))).error_class(), ErrorClass::data_loss);
  EXPECT_EQ(refusal(file("cut", whole.substr(0, whole.size() - 4))).error_class(), ErrorClass::data_loss);
  EXPECT_EQ(refusal(file("garbage", whole + "behind")).error_class(), ErrorClass::data_loss);
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1;  // of the check sum
  EXPECT_EQ(refusal(file("damaged", damaged)).error_class(), ErrorClass::data_loss);
}

TEST_F(ManifestReading, NamesAFileThatIsNotThere) {
  const Error error = refusal(folder_ + "nowhere");
  EXPECT_EQ(error.error_class(), ErrorClass::not_found);
  EXPECT_THAT(error.subject(), HasSubstr("nowhere"));
}

TEST_F(ManifestReading, GivesNothingOfAnEmptyOne) {
  EXPECT_THAT(read_text("").entries, IsEmpty());
  EXPECT_THAT(read_text("\n\r\n").entries, IsEmpty());
}

// Reads with a new stream behind each page of another: all entries come once.
void expect_to_go_on_anywhere(ManualRuntime& world, const ManifestPlace& place,
                              const ManifestOptions& options, std::size_t pages_at_least) {
  const auto read_on = [&](std::string_view from) {
    const auto stream = open_manifest(place, options);
    stream->go_on_at(from);
    Seen seen;
    for (bool more = true; more;)
      world.run(read_page(*stream, seen, more, world.context()));
    return seen;
  };
  const Seen whole = read_on("");
  ASSERT_GE(whole.places.size(), pages_at_least);
  for (std::size_t i = 0; i < whole.places.size(); ++i) {
    SCOPED_TRACE(whole.places[i]);
    const auto stream = open_manifest(place, options);
    Seen first;
    bool more = true;
    for (std::size_t page = 0; page <= i; ++page)
      world.run(read_page(*stream, first, more, world.context()));
    const Seen rest = read_on(*stream->place());
    first.entries.insert(first.entries.end(), rest.entries.begin(), rest.entries.end());
    first.broken.insert(first.broken.end(), rest.broken.begin(), rest.broken.end());
    EXPECT_TRUE(first.entries == whole.entries) << first.entries.size() << " and " << whole.entries.size();
    EXPECT_EQ(first.broken, whole.broken);
  }
}

std::string many_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += i % 1700 == 1600 ? "broken\n" : "b,key-" + std::to_string(i) + ",v" + std::to_string(i) + "\n";
  return text;
}

TEST_F(ManifestReading, GoesOnFromThePlaceBehindAnyPage) {
  const std::string text = many_lines(9500);
  for (const std::string& name : {file("plain", text), file("packed", gzipped(text))})
    expect_to_go_on_anywhere(world_, {.store = nullptr, .name = name, .bucket = {}}, kRecord, 10);
}

TEST_F(ManifestReading, GoesOnInAnObjectWithoutReadingItFromItsStart) {
  const auto store = std::make_shared<memory::MemoryStore>();
  store->put("list.csv", many_lines(9500));
  expect_to_go_on_anywhere(world_, {.store = store, .name = "list.csv", .bucket = {}}, kRecord, 10);
}

TEST_F(ManifestReading, RefusesToGoOnInAManifestThatWasChanged) {
  const std::string path = file("list", many_lines(3000));
  const auto stream = open_manifest({.store = nullptr, .name = path, .bucket = {}}, kRecord);
  Seen seen;
  bool more = true;
  world_.run(read_page(*stream, seen, more, world_.context()));
  const std::string place = *stream->place();
  EXPECT_EQ(place.find('\n'), std::string::npos);
  file("list", many_lines(3001));
  stream->go_on_at(place);
  EXPECT_THROW(all_of(*stream), Error);
  EXPECT_EQ(stream->place(), place) << "what was given is still known";
  EXPECT_THROW(stream->go_on_at("nonsense"), Error);
}

class InventoryReading : public ManifestReading {
 protected:
  static constexpr std::string_view kColumns =
      "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, StorageClass";

  static std::string row(std::string_view key, std::string_view version, bool latest, bool marker,
                         std::string_view storage_class = "STANDARD") {
    const std::string facts =
        marker ? R"("","2024-03-01T12:00:00.000Z","","")"
               : R"("11","2024-03-01T12:00:00.000Z","0cc175b9c0f1b6a831c399e269772661",")" +
                     std::string(storage_class) + "\"";
    return "\"media-src\",\"" + std::string(key) + "\",\"" + std::string(version) + "\",\"" +
           (latest ? "true" : "false") + "\",\"" + (marker ? "true" : "false") + "\"," + facts + "\n";
  }
  const std::vector<std::string> parts_{
      row("images/caf%C3%A9+one.jpg", "v1", true, false) +
          row("images/old.jpg", "v2", true, false, "GLACIER") + row("images/old.jpg", "v1", false, false),
      row("gone.jpg", "v9", true, true) + row("gone.jpg", "v8", false, false) +
          row("last.jpg", "null", true, false)};

  // manifest.json as S3 writes it; the files as they are given.
  static std::string manifest(const std::vector<std::string>& files, std::string_view columns = kColumns,
                              std::string_view format = "CSV") {
    std::string text =
        "{\n  \"sourceBucket\" : \"media-src\",\n  \"destinationBucket\" : \"arn:aws:s3:::reports\",\n"
        "  \"version\" : \"2016-11-30\",\n  \"creationTimestamp\" : \"1709294400000\",\n  \"fileFormat\" : "
        "\"";
    text +=
        std::string(format) + "\",\n  \"fileSchema\" : \"" + std::string(columns) + "\",\n  \"files\" : [ ";
    for (std::size_t i = 0; i < files.size(); ++i)
      text += std::string(i == 0 ? "" : ", ") + "{\n    \"key\" : \"inv/media-src/all/data/" +
              std::to_string(i) + ".csv.gz\",\n    \"size\" : " + std::to_string(files[i].size()) +
              ",\n    \"MD5checksum\" : \"" + md5_of(files[i]) + "\"\n  }";
    return text + " ]\n}\n";
  }
  std::vector<std::string> packed() const { return {gzipped(parts_[0]), gzipped(parts_[1])}; }

  const std::shared_ptr<memory::MemoryStore> store_ = std::make_shared<memory::MemoryStore>();
  static constexpr const char* kName = "inv/media-src/all/2024-03-01T01-00Z/manifest.json";
  void put_inventory() {
    const auto files = packed();
    for (std::size_t i = 0; i < files.size(); ++i)
      store_->put("inv/media-src/all/data/" + std::to_string(i) + ".csv.gz", files[i]);
    store_->put(kName, manifest(files));
    store_->put("inv/media-src/all/2024-03-01T01-00Z/manifest.checksum", md5_of(manifest(files)) + "\n");
  }
  Seen read_stored(ManifestOptions options = {}) {
    const auto stream = open_manifest({.store = store_, .name = kName, .bucket = {}}, std::move(options));
    return all_of(*stream);
  }
};

TEST_F(InventoryReading, GivesTheLatestObjectsWithAllThatIsKnown) {
  put_inventory();
  const Seen seen = read_stored({.bucket = "media-src"});
  EXPECT_THAT(seen.entries, ElementsAre("images/caf\xc3\xa9 one.jpg", "images/old.jpg", "last.jpg"));
  EXPECT_EQ(seen.facts[0].size, 11u);
  EXPECT_EQ(seen.facts[0].modified, *parse_iso8601("2024-03-01T12:00:00Z"));
}

TEST_F(InventoryReading, GivesEveryVersionIfWanted) {
  put_inventory();
  EXPECT_THAT(read_stored({.all_versions = true}).entries,
              ElementsAre("images/caf\xc3\xa9 one.jpg@v1", "images/old.jpg@v2", "images/old.jpg@v1",
                          "!gone.jpg@v9 marker", "gone.jpg@v8", "last.jpg@null"));
}

TEST_F(InventoryReading, GoesOnInAnyOfItsFiles) {
  std::vector<std::string> files(3);
  for (int i = 0; i < 7000; ++i)
    files[static_cast<std::size_t>(i / 2500)] += row("key-" + std::to_string(i), "v", i % 3 != 0, false);
  for (std::size_t i = 0; i < files.size(); ++i) {
    files[i] = gzipped(files[i]);
    store_->put("inv/media-src/all/data/" + std::to_string(i) + ".csv.gz", files[i]);
  }
  store_->put(kName, manifest(files));
  expect_to_go_on_anywhere(world_, {.store = store_, .name = kName, .bucket = {}}, kRecord, 5);
}

TEST_F(InventoryReading, FindsItsFilesBesideALocalManifest) {
  const auto files = packed();
  const std::string path = file("2024/manifest.json", manifest(files));
  for (const std::string directory : {"2024/", "2024/data/", "data/", "2024/inv/media-src/all/data/"}) {
    for (std::size_t i = 0; i < files.size(); ++i)
      file(directory + std::to_string(i) + ".csv.gz", files[i]);
    EXPECT_EQ(read(path).entries.size(), 3u) << directory;
    for (std::size_t i = 0; i < files.size(); ++i)
      std::filesystem::remove(folder_ + directory + std::to_string(i) + ".csv.gz");
  }
  EXPECT_EQ(refusal(path).error_class(), ErrorClass::not_found);
}

TEST_F(InventoryReading, FindsItsFilesInTheBucketThatItNames) {
  put_inventory();
  const std::string path = file("manifest.json", manifest(packed()));
  std::string asked;
  const auto stream = open_manifest({.store = nullptr,
                                     .name = path,
                                     .bucket =
                                         [&](const std::string& bucket) {
                                           asked = bucket;
                                           return store_;
                                         }},
                                    {});
  EXPECT_EQ(all_of(*stream).entries.size(), 3u);
  EXPECT_EQ(asked, "reports");
}

TEST_F(InventoryReading, RefusesFilesThatDoNotAgreeWithTheirChecksum) {
  put_inventory();
  store_->put("inv/media-src/all/data/1.csv.gz", gzipped(parts_[0]));
  try {
    read_stored();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
    EXPECT_THAT(error.subject(), HasSubstr("data/1.csv.gz"));
  }
}

TEST_F(InventoryReading, RefusesAManifestThatDoesNotAgreeWithItsChecksum) {
  put_inventory();
  store_->put("inv/media-src/all/2024-03-01T01-00Z/manifest.checksum", md5_of("another"));
  EXPECT_THROW(read_stored(), Error);
}

TEST_F(InventoryReading, SaysWhatToDoAboutOtherFormats) {
  for (const std::string format : {"ORC", "Parquet"}) {
    const Error error = refusal(file("manifest.json", manifest({}, kColumns, format)));
    EXPECT_EQ(error.error_class(), ErrorClass::unsupported);
    EXPECT_THAT(error.message(), HasSubstr(format));
    EXPECT_THAT(error.hint(), HasSubstr("CSV"));
  }
}

TEST_F(InventoryReading, RefusesAnInventoryOfAnotherBucket) {
  const Error error = refusal(file("manifest.json", manifest({})), {.bucket = "mine"});
  EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
  EXPECT_THAT(error.message(), HasSubstr("media-src"));
}

TEST_F(InventoryReading, RecordsItsBrokenRowsWithFileAndLine) {
  put_inventory();
  const std::string odd = gzipped(parts_[0] + "\"media-src\",\"%4\"\n\"media-src\"\n");
  store_->put("inv/media-src/all/data/0.csv.gz", odd);
  store_->put(kName, manifest({odd, gzipped(parts_[1])}));
  store_->put("inv/media-src/all/2024-03-01T01-00Z/manifest.checksum", "");
  const Seen seen = read_stored(kRecord);
  EXPECT_EQ(seen.entries.size(), 3u);
  EXPECT_THAT(seen.broken, ElementsAre(HasSubstr("0.csv.gz line 4"), HasSubstr("0.csv.gz line 5")));
}

}  // namespace
}  // namespace haul::listing

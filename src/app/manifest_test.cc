#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "app/manifest_writer.h"
#include "base/error.h"
#include "listing/manifest_line.h"

namespace haul::app {
namespace {

std::string written(ManifestKind kind, bool compressed, std::string_view key) {
  ManifestWriter writer(kind, compressed, "bucket");
  store::Entry entry;
  entry.key = key;
  entry.size = 5;
  writer.add(entry);
  writer.finish();
  return writer.bytes();
}

TEST(Manifest, CarriesAnyKeyThroughBothForms) {
  for (const std::string key : {"plain", "a b+c%2F,\"d\"", "new\nline", "\xc3\xa4/\xf0\x9f\x98\x80"})
    for (const ManifestKind kind : {ManifestKind::csv, ManifestKind::json}) {
      std::string line = written(kind, false, key);
      ASSERT_EQ(line.back(), '\n');
      line.pop_back();
      EXPECT_EQ(line.find('\n'), std::string::npos);
      listing::ManifestLineReader reader;
      listing::ManifestLine read;
      TextArena text;
      EXPECT_FALSE(kind == ManifestKind::csv ? reader.csv(line, text, read) : reader.json(line, text, read));
      EXPECT_EQ(read.bucket, "bucket");
      EXPECT_EQ(read.entry.key, key);
    }
}

TEST(Manifest, IsGzipIfAsked) {
  const std::string bytes = written(ManifestKind::csv, true, "k");
  std::string text(1000, '\0');
  z_stream stream{};
  ASSERT_EQ(::inflateInit2(&stream, 15 + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(::inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_TRUE(text.starts_with("\"bucket\",\"k\",\"5\""));
  ::inflateEnd(&stream);
}

TEST(Manifest, IsKnownByItsName) {
  EXPECT_EQ(manifest_kind_of("a.csv.gz"), ManifestKind::csv);
  EXPECT_EQ(manifest_kind_of("a.jsonl.gz"), ManifestKind::json);
  EXPECT_EQ(manifest_kind_of("a"), ManifestKind::csv);
}

}  // namespace
}  // namespace haul::app

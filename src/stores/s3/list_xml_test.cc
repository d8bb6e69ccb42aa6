#include "stores/s3/list_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "base/time_format.h"

namespace haul::s3 {
namespace {

using store::EntryKind;
using store::ListPage;
using ::testing::ElementsAre;

ListPage page_of(std::string document) {
  ListPage page;
  page.buffer = std::move(document);
  parse_list_page(page);
  return page;
}

std::string contents(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2024-02-29T01:02:03.456Z</LastModified>"
         "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>12</Size>"
         "<StorageClass>STANDARD</StorageClass></Contents>";
}

std::string listing(const std::string& inner, const std::string& truncated = "false") {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
         "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix></Prefix>"
         "<KeyCount>1</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType><IsTruncated>" +
         truncated + "</IsTruncated>" + inner + "</ListBucketResult>";
}

TEST(ListXml, AnEntryHasWhatTheServerSaid) {
  const ListPage page = page_of(listing(contents("a%2Fb")));
  ASSERT_EQ(page.entries.size(), 1U);
  const auto& entry = page.entries[0];
  EXPECT_EQ(entry.key, "a/b");
  EXPECT_EQ(entry.size, 12U);
  EXPECT_EQ(entry.modified, *parse_iso8601("2024-02-29T01:02:03.456Z"));
  EXPECT_EQ(entry.changed, entry.modified);
  EXPECT_EQ(entry.etag, "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(entry.storage_class, "");
  EXPECT_EQ(entry.kind, EntryKind::object);
}

TEST(ListXml, KeysAreDecodedAsForms) {
  const ListPage page = page_of(listing(contents("a+b%2Bc%01%0A%26amp;%C3%A9&amp;") + contents("plain")));
  EXPECT_EQ(page.entries[0].key, "a b+c\x01\n&amp;\xc3\xa9&");
  EXPECT_EQ(page.entries[1].key, "plain");
}

TEST(ListXml, KeysStayAsTheyAreWhereTheServerDoesNotEncode) {
  const ListPage page = page_of("<ListBucketResult>" + contents("a+b%2B&#10;c") +
                                "<IsTruncated>false</IsTruncated></ListBucketResult>");
  EXPECT_EQ(page.entries[0].key, "a+b%2B\nc");
}

TEST(ListXml, TheOrderOfElementsDoesNotMatter) {
  const ListPage page = page_of(
      "<ListBucketResult><Contents><Size>1</Size><Owner><ID>x</ID></Owner><ETag>\"e\"</ETag><Unknown a='1'/>"
      "<Key>a%20b</Key></Contents><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>"
      "</ListBucketResult>");
  EXPECT_EQ(page.entries[0].key, "a b");
  EXPECT_EQ(page.entries[0].etag, "e");
}

TEST(ListXml, TheTailLeadsToTheNextPage) {
  ListPage page;
  page.buffer = listing("<NextContinuationToken>1+2%2F=</NextContinuationToken>", "true");
  const ListTail tail = parse_list_page(page);
  EXPECT_TRUE(tail.truncated);
  EXPECT_EQ(tail.token, "1+2%2F=");
}

TEST(ListXml, CommonPrefixesAreDecoded) {
  const ListPage page =
      page_of(listing("<CommonPrefixes><Prefix>a%2F</Prefix></CommonPrefixes>"
                      "<CommonPrefixes><Prefix>b+c%2F</Prefix></CommonPrefixes>"));
  EXPECT_THAT(page.common_prefixes, ElementsAre("a/", "b c/"));
}

TEST(ListXml, VersionsAndDeleteMarkersKeepTheirOrder) {
  ListPage page;
  page.buffer =
      "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k%2B</NextKeyMarker>"
      "<NextVersionIdMarker>v1</NextVersionIdMarker><EncodingType>url</EncodingType>"
      "<DeleteMarker><Key>k</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
      "<Version><Key>k</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest><Size>3</Size>"
      "<StorageClass>GLACIER</StorageClass></Version></ListVersionsResult>";
  const ListTail tail = parse_list_page(page);
  EXPECT_EQ(tail.key_marker, "k+");
  EXPECT_EQ(tail.version_marker, "v1");
  ASSERT_EQ(page.entries.size(), 2U);
  EXPECT_EQ(page.entries[0].kind, EntryKind::delete_marker);
  EXPECT_TRUE(page.entries[0].latest);
  EXPECT_EQ(page.entries[1].version, "v2");
  EXPECT_EQ(page.entries[1].storage_class, "GLACIER");
  EXPECT_FALSE(page.entries[1].latest);
}

TEST(ListXml, EveryCutIsAnError) {
  const std::string whole = listing(contents("a") + contents("b"));
  ASSERT_EQ(page_of(whole).entries.size(), 2U);
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_THROW(page_of(whole.substr(0, size)), Error);
}

TEST(ListXml, WhatIsNoListingIsAnError) {
  for (const char* document :
       {"<Error><Code>SlowDown</Code></Error>", "<html><body>proxy</body></html>",
        "<ListBucketResult></ListBucketResult>",  // not said whether it goes on
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Size>1</Size></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key></Contents></"
        "ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>-1</Size></Contents>"
        "</ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>18446744073709551616</"
        "Size>"
        "</Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><EncodingType>url</EncodingType><Contents><Key>k%2"
        "</Key><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</"
        "Size><LastModified>soon"
        "</LastModified></Contents></ListBucketResult>"})
    EXPECT_THROW(page_of(document), Error) << document;
}

TEST(ListXml, TimesInOtherFormsAreRead) {
  const ListPage page = page_of(
      "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>k</Key><Size>1</Size>"
      "<LastModified>2024-02-29T01:02:03+01:00</LastModified></Contents></ListBucketResult>");
  EXPECT_EQ(page.entries[0].modified, *parse_iso8601("2024-02-29T00:02:03Z"));
}

TEST(ListXml, AThousandKeysOfAThousandBytesFit) {
  std::string inner;
  for (int i = 0; i < 1000; ++i)
    inner += contents(std::to_string(1000 + i) + std::string(1020, 'x'));
  const ListPage page = page_of(listing(inner));
  ASSERT_EQ(page.entries.size(), 1000U);
  EXPECT_EQ(page.entries[999].key.size(), 1024U);
  EXPECT_GE(page.memory(), page.buffer.size());
}

}  // namespace
}  // namespace haul::s3

#include "stores/s3/wire.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "stores/s3/xml_reader.h"

namespace haul::s3 {
namespace {

std::string path_of(std::string_view key) {
  std::string out = "/";
  append_key_path(out, key);
  return out;
}

TEST(S3Wire, KeysAreEncodedOnceAndNotNormalised) {
  EXPECT_EQ(path_of("a b+c&d=e"), "/a%20b%2Bc%26d%3De");
  EXPECT_EQ(path_of("100%2F"), "/100%252F");
  EXPECT_EQ(path_of("/lead//double/./../end/"), "//lead//double/./../end/");
  EXPECT_EQ(path_of("\x01\n\x7f\\\"<>`"), "/%01%0A%7F%5C%22%3C%3E%60");
  EXPECT_EQ(path_of("\xc3\xa9\xf0\x9f\x98\x80"), "/%C3%A9%F0%9F%98%80");
  EXPECT_EQ(path_of("~-._AZaz09"), "/~-._AZaz09");
  EXPECT_EQ(path_of("?#[]@!$'()*,;:"), "/%3F%23%5B%5D%40%21%24%27%28%29%2A%2C%3B%3A");
}

TEST(S3Wire, QueriesAreSortedByNameThenValue) {
  Query query;
  query.add("prefix", "a/b").add("list-type", "2").add("delimiter", "/").add("uploads").add("prefix", "a");
  EXPECT_EQ(query.text(), "delimiter=%2F&list-type=2&prefix=a&prefix=a%2Fb&uploads=");
}

TEST(S3Wire, ANameThatBeginsAnotherComesFirst) {
  Query query;
  query.add("part-number-marker", "1").add("part", "z").add("partNumber", "3");
  EXPECT_EQ(query.text(), "part=z&part-number-marker=1&partNumber=3");
}

TEST(S3Wire, QueryValuesAreEncoded) {
  Query query;
  query.add("start-after", "a b+%\n&=\xc3\xa9");
  EXPECT_EQ(query.text(), "start-after=a%20b%2B%25%0A%26%3D%C3%A9");
}

TEST(S3Wire, HeadersAreSortedAndFound) {
  HeaderList headers;
  headers.add("x-amz-meta-b", "2");
  headers.add_kept("content-type", std::string("text/plain"));
  headers.add("range", "bytes=0-1");
  headers.add_if("empty", "");
  std::string lines;
  headers.append_lines(lines);
  EXPECT_EQ(lines, "content-type: text/plain\r\nrange: bytes=0-1\r\nx-amz-meta-b: 2\r\n");
  EXPECT_EQ(headers.find("range"), "bytes=0-1");
  EXPECT_EQ(headers.find("rang"), "");
}

TEST(S3Wire, NothingSmugglesAHeaderIn) {
  HeaderList headers;
  EXPECT_THROW(headers.add("x-amz-meta-a", "1\r\nx-amz-acl: public-read"), Error);
  EXPECT_THROW(headers.add("x-amz-meta-a", "1\n2"), Error);
  EXPECT_THROW(headers.add("x-amz-meta-a", std::string_view("1\0", 2)), Error);
  EXPECT_THROW(headers.add("x-amz-meta-a: b", "1"), Error);
  EXPECT_THROW(headers.add("x-amz-meta-a\r\n", "1"), Error);
  EXPECT_THROW(headers.add("", "1"), Error);
  EXPECT_TRUE(headers.all().empty());
}

TEST(S3Wire, XmlTextComesBackAsItWent) {
  const std::string text = "a&b<c>\"d'\r\n\t\xc3\xa9]]>";
  std::string document = "<R><K>";
  append_xml_text(document, text);
  document += "</K></R>";
  XmlReader xml(document);
  xml.root();
  xml.child();
  EXPECT_EQ(xml.text(), text);
}

TEST(S3Wire, WhatXmlCannotCarryIsKnown) {
  EXPECT_TRUE(xml_can_carry("plain \t\r\n \x7f \xf0\x9f\x98\x80"));
  EXPECT_FALSE(xml_can_carry("\x01"));
  EXPECT_FALSE(xml_can_carry("\x1f"));
  EXPECT_FALSE(xml_can_carry("\xff"));
  EXPECT_FALSE(xml_can_carry("\xef\xbf\xbe"));
}

}  // namespace
}  // namespace haul::s3

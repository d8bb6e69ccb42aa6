#include "base/json_scanner.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_text.h"

namespace haul {
namespace {

std::string string_of(std::string_view json) {
  JsonScanner scanner(json);
  std::string out;
  scanner.string(out);
  scanner.end();
  return out;
}

std::string refusal_of(std::string_view json) {
  try {
    JsonScanner scanner(json);
    scanner.skip();
    scanner.end();
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
    return error.message();
  }
  return "";
}

TEST(JsonScanner, GivesMembersWithTheirValues) {
  JsonScanner scanner(R"( {"a" : 12, "b":[true,false] ,"c":{"x":null},"d":"t","e":-1.5e1} )");
  std::string seen;
  scanner.object([&](std::string_view name) {
    seen += name;
    if (name == "a") EXPECT_EQ(scanner.unsigned_number(), 12U);
    if (name == "b") scanner.array([&] { seen += scanner.boolean() ? "T" : "F"; });
    if (name == "c") EXPECT_EQ(scanner.raw(), R"({"x":null})");
    if (name == "d") scanner.skip();
    if (name == "e") EXPECT_DOUBLE_EQ(scanner.number(), -15);
  });
  scanner.end();
  EXPECT_EQ(seen, "abTFcde");
}

TEST(JsonScanner, DecodesEveryEscape) {
  EXPECT_EQ(string_of(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00")"),
            "\"\\/\b\f\n\r\tA\xc3\xa9\xf0\x9f\x98\x80");
}

TEST(JsonScanner, ReadsBackWhatAppendJsonBytesWrites) {
  for (const std::string& bytes : {std::string("plain"), std::string("\xff\xfe"), std::string("nul\0", 4),
                                   std::string("\xe2\x82\xac \" \\ \n"), std::string()}) {
    std::string json, read;
    append_json_bytes(json, bytes);
    JsonScanner scanner(json);
    scanner.bytes(read);
    scanner.end();
    EXPECT_EQ(read, bytes);
  }
}

TEST(JsonScanner, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":1,}",
                           "nul",
                           "tru",
                           "01",
                           "-",
                           "1.",
                           "1e",
                           "\"a",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"a\nb\"",
                           "\"\xff\"",
                           "[1] 2",
                           "'a'",
                           "[1 2]",
                           "{1:2}"})
    EXPECT_NE(refusal_of(text), "") << text;
}

TEST(JsonScanner, NamesTheColumn) {
  EXPECT_EQ(refusal_of(R"({"a":1 "b":2})"), "',' is missing at column 8");
}

TEST(JsonScanner, RefusesJsonThatIsNestedWithoutEnd) {
  EXPECT_EQ(refusal_of(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_NE(refusal_of(std::string(100'000, '[')), "");
}

TEST(JsonScanner, RefusesNumbersThatAreNoCounts) {
  for (const char* text : {"-1", "1.0", "1e2", "18446744073709551616", "\"1\""})
    EXPECT_THROW(JsonScanner(text).unsigned_number(), Error) << text;
  EXPECT_EQ(JsonScanner("18446744073709551615").unsigned_number(), UINT64_MAX);
  EXPECT_THROW(JsonScanner("1e999").number(), Error);
}

}  // namespace
}  // namespace haul

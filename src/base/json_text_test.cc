#include "base/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace haul {
namespace {

std::string text(std::string_view value) {
  std::string out;
  append_json(out, value);
  return out;
}

std::string bytes(std::string_view value) {
  std::string out;
  append_json_bytes(out, value);
  return out;
}

TEST(JsonText, LeavesPlainTextAsItIs) {
  EXPECT_EQ(text("image/1 (2).jpg"), "\"image/1 (2).jpg\"");
  EXPECT_EQ(text(""), "\"\"");
}

TEST(JsonText, EscapesQuotesBackslashesAndControls) {
  EXPECT_EQ(text("a\"b\\c\n\t\r\x01\x7f"), "\"a\\\"b\\\\c\\n\\t\\r\\u0001\\u007f\"");
}

TEST(JsonText, KeepsUnicodeAndReplacesStrayBytes) {
  EXPECT_EQ(text("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(text("a\xff z"), "\"a\xef\xbf\xbd z\"");
}

TEST(JsonText, CarriesStrayBytesAsHexWhereNothingMayBeLost) {
  EXPECT_EQ(bytes("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(bytes("a\xff"), "{\"hex\":\"61ff\"}");
}

TEST(JsonText, IsReadBackByAnotherParserForEveryByteAtEveryPlace) {
  for (int c = 0; c < 0x80; ++c) {
    for (std::size_t at = 0; at < 17; ++at) {
      std::string one(17, 'x');
      one[at] = static_cast<char>(c);
      EXPECT_EQ(nlohmann::json::parse(text(one)).get<std::string>(), one) << c;
      EXPECT_EQ(text(one), bytes(one));
    }
  }
}

}  // namespace
}  // namespace haul

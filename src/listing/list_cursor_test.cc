#include "listing/list_cursor.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace haul::listing {
namespace {

TEST(ListCursor, ComesBackFromJsonAsItWas) {
  ListCursor cursor;
  cursor.remaining = {
      {"", "a\"\n\x01"}, {"b", "資料/\U0010FFFF"}, {std::string("\xff\x00\xfe", 3), std::nullopt}};
  cursor.facts.listed = UINT64_MAX;
  cursor.facts.skipped = {1, 2, 3};
  cursor.facts.failures = 4;
  const ListCursor back = ListCursor::parse(cursor.to_json());
  EXPECT_EQ(back.remaining, cursor.remaining);
  EXPECT_EQ(back.facts.listed, UINT64_MAX);
  EXPECT_EQ(back.facts.skipped, cursor.facts.skipped);
  EXPECT_EQ(back.facts.failures, 4u);
  EXPECT_EQ(back.to_json(), cursor.to_json());
  EXPECT_EQ(cursor.to_json().find('\n'), std::string::npos);
}

TEST(ListCursor, RefusesWhatIsNoCursor) {
  const std::string rest = R"(,"listed":0,"skipped":[0,0,0],"failures":0})";
  EXPECT_NO_THROW(ListCursor::parse(R"({"format":1,"ranges":[])" + rest));
  for (const std::string& bad : {
           std::string(""),
           std::string("[]"),
           std::string("{"),
           std::string("{}"),
           R"({"format":2,"ranges":[])" + rest,
           R"({"format":1,"ranges":[{"after":"b","until":"a"}])" + rest,
           R"({"format":1,"ranges":[{"after":"a"},{"after":"b"}])" + rest,
           R"({"format":1,"ranges":[{"after":"a","until":"c"},{"after":"b"}])" + rest,
           R"({"format":1,"ranges":[{"after":7}])" + rest,
           R"({"format":1,"ranges":[{"after":{"hex":"zz"}}])" + rest,
           R"({"format":1,"ranges":[{}])" + rest,
           std::string(R"({"format":1,"ranges":[],"listed":-1,"skipped":[0,0,0],"failures":0})"),
           std::string(R"({"format":1,"ranges":[],"listed":0,"skipped":[0,0],"failures":0})"),
       })
    EXPECT_THROW(ListCursor::parse(bad), Error) << bad;
}

}  // namespace
}  // namespace haul::listing

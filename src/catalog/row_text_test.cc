#include <gtest/gtest.h>

#include <cmath>

#include "catalog/catalog.h"

namespace haul::catalog {
namespace {

TEST(RowTextTest, every_kind_of_value_comes_back_as_it_was) {
  const Row row = {std::monostate{},
                   std::int64_t{INT64_MIN},
                   std::int64_t{INT64_MAX},
                   1.0,
                   -0.1,
                   1e300,
                   HUGE_VAL,
                   -HUGE_VAL,
                   std::string(),
                   std::string("it's \"quoted\" \\ \n\x01\x7f"),
                   std::string("nul\0inside", 10),
                   std::string("\xF0\x9F\x90\x98 elephant"),
                   std::string("\xff\xfe\x00raw", 6)};
  EXPECT_EQ(decode_row(encode_row(row)), row);
  EXPECT_TRUE(std::isnan(std::get<double>(decode_row(encode_row({std::nan("")})).at(0))));
  EXPECT_EQ(decode_row(encode_row({})), Row{});
}

TEST(RowTextTest, a_row_is_one_line_of_valid_json) {
  EXPECT_EQ(encode_row({std::int64_t{7}, 2.0, std::string("a\nb"), std::string("\xff"), std::monostate{}}),
            R"([7,2.0,"a\u000ab",{"hex":"ff"},null])");
}

TEST(RowTextTest, what_is_no_row_is_refused) {
  for (const char* text : {"", "{}", "[1", "[[1]]", "[true]", R"([{"hex":"f"}])", R"([{"hex":"00","x":1}])",
                           "[18446744073709551615]", "7", R"([{"real":"big"}])"})
    EXPECT_THROW(decode_row(text), Error) << text;
}

}  // namespace
}  // namespace haul::catalog

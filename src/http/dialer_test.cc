#include "http/dialer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::http {
namespace {

using boost::asio::ip::address;

std::vector<std::string> ordered(const std::vector<std::string>& names, std::size_t turn) {
  std::vector<address> addresses;
  for (const std::string& name : names)
    addresses.push_back(boost::asio::ip::make_address(name));
  std::vector<std::string> result;
  for (const address& one : order_addresses(addresses, turn))
    result.push_back(one.to_string());
  return result;
}

TEST(OrderAddressesTest, TakesTurnsBetweenTheFamiliesBeginningWithTheFirst) {
  EXPECT_THAT(ordered({"::1", "::2", "::3", "1.1.1.1", "2.2.2.2"}, 0),
              testing::ElementsAre("::1", "1.1.1.1", "::2", "2.2.2.2", "::3"));
  EXPECT_THAT(ordered({"1.1.1.1", "::1"}, 0), testing::ElementsAre("1.1.1.1", "::1"));
}

TEST(OrderAddressesTest, SpreadsConnectionsOverTheAddressesOfTheFirstFamily) {
  const std::vector<std::string> names{"1.1.1.1", "2.2.2.2", "3.3.3.3", "::1"};
  EXPECT_THAT(ordered(names, 1), testing::ElementsAre("2.2.2.2", "::1", "3.3.3.3", "1.1.1.1"));
  EXPECT_THAT(ordered(names, 2), testing::ElementsAre("3.3.3.3", "::1", "1.1.1.1", "2.2.2.2"));
  EXPECT_EQ(ordered(names, 3), ordered(names, 0));
}

}  // namespace
}  // namespace haul::http

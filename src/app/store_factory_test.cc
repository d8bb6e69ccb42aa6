#include "app/store_factory.h"

#include <gtest/gtest.h>

#include "app/command_line.h"

namespace haul::app {
namespace {

// "in/*" or "in": what a command reaches through one of its locations.
std::string reach(const std::vector<std::string>& arguments, std::size_t which, Side side) {
  const ManualEnv env;
  const Settings settings = parse_command_line(arguments, env);
  std::string text;
  for (const auth::PolicyScope& scope :
       scopes_needed(settings, parse_place(settings.locations.at(which)), side))
    text += (text.empty() ? "" : " ") + scope.prefix + (scope.single ? "" : "*");
  return text;
}

auth::Access access(const std::vector<std::string>& arguments, Side side) {
  const ManualEnv env;
  return access_needed(parse_command_line(arguments, env), side);
}

TEST(SessionScope, OfATreeEndsAtTheSlash) {
  EXPECT_EQ(reach({"sync", "x", "s3://bkt/in"}, 1, Side::destination), "in/*");
  EXPECT_EQ(reach({"sync", "s3://bkt/in", "x"}, 0, Side::source), "in/*");
  EXPECT_EQ(reach({"cp", "x", "y", "s3://bkt/in"}, 2, Side::destination), "in/*");
  EXPECT_EQ(reach({"cp", "-r", "x", "s3://bkt/in"}, 1, Side::destination), "in in/*");
  EXPECT_EQ(reach({"rm", "-r", "s3://bkt/in"}, 0, Side::source), "in in/*");
  EXPECT_EQ(reach({"rm", "s3://bkt/in/*.gz"}, 0, Side::source), "in/*");
  EXPECT_EQ(reach({"sync", "x", "s3://bkt"}, 1, Side::destination), "*");
}

TEST(SessionScope, OfAnObjectIsThatObject) {
  EXPECT_EQ(reach({"cp", "x", "s3://bkt/in"}, 1, Side::destination), "in");
  EXPECT_EQ(reach({"cat", "s3://bkt/in"}, 0, Side::source), "in");
  EXPECT_EQ(reach({"doctor", "s3://bkt/in"}, 0, Side::source), "in*");
}

TEST(SessionScope, IsWideEnoughForTheCommand) {
  using auth::Access;
  EXPECT_TRUE(includes(access({"mb", "s3://bkt"}, Side::source), Access::bucket));
  EXPECT_TRUE(includes(access({"rb", "s3://bkt"}, Side::source), Access::bucket));
  EXPECT_TRUE(includes(access({"presign", "s3://bkt/k", "--method", "PUT"}, Side::source), Access::write));
  EXPECT_TRUE(
      includes(access({"presign", "s3://bkt/k", "--method", "DELETE"}, Side::source), Access::remove));
  EXPECT_TRUE(includes(access({"plan", "a", "s3://bkt"}, Side::destination), Access::read));
  EXPECT_TRUE(includes(access({"sync", "-n", "a", "s3://bkt"}, Side::destination), Access::read));
  EXPECT_FALSE(includes(access({"sync", "-n", "a", "s3://bkt"}, Side::destination), Access::write));
}

}  // namespace
}  // namespace haul::app

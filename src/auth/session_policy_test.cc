#include "auth/session_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace haul::auth {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

std::string policy_of(PolicyScope scope, KmsUse kms = KmsUse::none) {
  return scope_down_policy({&scope, 1}, "aws", kms);
}

TEST(SessionPolicy, AllowsTheActionsBelowThePrefixAlone) {
  EXPECT_EQ(
      policy_of({"dest", "in/", Access::read | Access::list}),
      R"({"Version":"2012-10-17","Statement":[)"
      R"({"Effect":"Allow","Action":["s3:GetObject","s3:GetObjectVersion","s3:GetObjectTagging",)"
      R"("s3:GetObjectVersionTagging"],"Resource":"arn:aws:s3:::dest/in/*"},)"
      R"({"Effect":"Allow","Action":["s3:ListBucket","s3:ListBucketVersions"],"Resource":"arn:aws:s3:::dest",)"
      R"("Condition":{"StringLikeIfExists":{"s3:prefix":"in/*"}}}]})");
}

TEST(SessionPolicy, GivesEachActionOnlyWhenAsked) {
  const std::string write = policy_of({"b", "p/", Access::write});
  EXPECT_THAT(write, HasSubstr("s3:PutObject"));
  EXPECT_THAT(write, HasSubstr(R"("Action":"s3:ListBucketMultipartUploads","Resource":"arn:aws:s3:::b")"));
  EXPECT_THAT(write, Not(HasSubstr("s3:Delete")));
  EXPECT_THAT(write, Not(HasSubstr("s3:GetObject")));
  EXPECT_THAT(write, Not(HasSubstr("s3:PutObjectAcl")));
  EXPECT_THAT(policy_of({"b", "p/", Access::remove}), HasSubstr("s3:DeleteObjectVersion"));
  EXPECT_THAT(policy_of({"b", "p/", Access::acl}), HasSubstr("s3:PutObjectAcl"));
  EXPECT_THAT(policy_of({"b", "p/", Access::read | Access::tag}), HasSubstr("s3:DeleteObjectTagging"));
}

TEST(SessionPolicy, OfOneObjectReachesNoOtherThatBeginsLikeIt) {
  const json policy = json::parse(
      policy_of({.bucket = "b", .prefix = "in", .access = Access::read | Access::list, .single = true}));
  EXPECT_EQ(policy["Statement"][0]["Resource"], "arn:aws:s3:::b/in");
  EXPECT_EQ(policy["Statement"][1]["Condition"]["StringLikeIfExists"]["s3:prefix"],
            (json::array({"in", "in/*"})));
}

TEST(SessionPolicy, LetsBucketsBeMadeAndRemoved) {
  const std::string policy = policy_of({"b", "", Access::bucket | Access::list});
  for (const char* action : {"s3:CreateBucket", "s3:DeleteBucket", "s3:GetBucketVersioning"})
    EXPECT_THAT(policy, HasSubstr(action));
  EXPECT_THAT(policy, Not(HasSubstr("s3:PutObject")));
}

TEST(SessionPolicy, AWholeBucketHasNoCondition) {
  const std::string policy = policy_of({"b", "", Access::read | Access::list});
  EXPECT_THAT(policy, HasSubstr("arn:aws:s3:::b/*"));
  EXPECT_THAT(policy, Not(HasSubstr("Condition")));
}

TEST(SessionPolicy, TakesWildcardsOfKeysLiterally) {
  EXPECT_EQ(json::parse(policy_of({"b", "a*b?c${d}$e\"\\", Access::read}))["Statement"][0]["Resource"],
            "arn:aws:s3:::b/a${*}b${?}c${$}{d}$e\"\\*");
}

TEST(SessionPolicy, IsAsciiWithAnyKey) {
  const std::string policy = policy_of({"b", "ü/日本/🙂/", Access::read});
  for (const char c : policy)
    EXPECT_TRUE(c >= 0x20 && c < 0x7f);
  EXPECT_EQ(json::parse(policy)["Statement"][0]["Resource"], "arn:aws:s3:::b/ü/日本/🙂/*");
}

TEST(SessionPolicy, LongPrefixesAreWidenedUntilTheyFit) {
  std::string prefix;
  while (prefix.size() < 1000)
    prefix += "ü";
  const std::array scopes{PolicyScope{"source", prefix, Access::read | Access::list},
                          PolicyScope{"dest", "p/", Access::write | Access::list}};
  const std::string policy = scope_down_policy(scopes, "aws-cn", KmsUse::through_s3);
  EXPECT_LE(policy.size(), 2048U);
  const std::string resource = json::parse(policy)["Statement"][0]["Resource"];
  EXPECT_THAT(resource, testing::StartsWith("arn:aws-cn:s3:::source/üü"));
  EXPECT_THAT(policy, HasSubstr("arn:aws-cn:s3:::dest/p/*"));
  EXPECT_THAT(policy, HasSubstr("kms:ViaService"));
  const std::vector<PolicyScope> many(20, scopes[1]);
  EXPECT_THROW(scope_down_policy(many, "aws", KmsUse::none), Error);
}

TEST(SessionPolicy, APrefixThatIsNotUtf8IsCutBeforeTheFirstStrayByte) {
  EXPECT_EQ(json::parse(policy_of({"b", "ab\xff/c", Access::read}))["Statement"][0]["Resource"],
            "arn:aws:s3:::b/ab*");
}

}  // namespace
}  // namespace haul::auth

#include "auth/sts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/scripted_world_for_tests.h"
#include "base/time_format.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kPost = "POST https://sts.eu-west-2.amazonaws.com";

// Gives another set after each refusal.
class RenewableProvider final : public CredentialsProvider {
 public:
  Task<Snapshot> get(OpContext&) override {
    Credentials credentials;
    credentials.access_key = "AKIA" + std::to_string(refusals);
    credentials.secret_key = Secret("callerSECRET");
    credentials.session_token = Secret("callerTOKEN");
    co_return std::make_shared<const Credentials>(std::move(credentials));
  }
  bool is_current(const Credentials&, Time) const noexcept override { return false; }
  Snapshot current(Time) const noexcept override { return nullptr; }
  bool rejected(const Credentials&) override { return ++refusals < 3; }
  int refusals = 0;
};

struct StsCalls : testing::Test, ScriptedWorld {
  Credentials assume() { return runtime.run_for(sts.assume_role(role, caller, context)); }
  Error assume_failure() {
    try {
      assume();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorClass::internal, "nothing failed");
  }

  Sts sts{network, "https://sts.eu-west-2.amazonaws.com", "eu-west-2"};
  RenewableProvider caller;
  RoleRequest role{.role_arn = "arn:aws:iam::222222222222:role/archive-writer", .session_name = "job 7"};
};

TEST_F(StsCalls, AssumesARole) {
  role.external_id = "partner-7+x";
  role.session_policy = R"({"a":"b *"})";
  role.duration = 1800s;
  network.on(kPost, 200, role_answer("ASIAROLE"));
  const Credentials credentials = assume();
  EXPECT_EQ(credentials.access_key, "ASIAROLE");
  EXPECT_EQ(credentials.session_token.reveal(), "role/TOKEN+=");
  EXPECT_EQ(*credentials.expiry, env.wall_now() + 1h);
  EXPECT_EQ(credentials.account_id, "222222222222");
  ASSERT_EQ(network.requests.size(), 1U);
  EXPECT_EQ(
      network.requests[0].body,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A222222222222%3Arole%2Farchive-writer"
      "&RoleSessionName=job%207&DurationSeconds=1800&Policy=%7B%22a%22%3A%22b%20%2A%22%7D&ExternalId=partner-"
      "7%2Bx");
  EXPECT_THAT(network.requests[0].headers,
              HasSubstr("/eu-west-2/sts/aws4_request, SignedHeaders=content-type;host;"
                        "x-amz-date;x-amz-security-token, Signature="));
}

TEST_F(StsCalls, WebIdentityIsNotSigned) {
  network.on(kPost, 200, role_answer("ASIAWEB", "AssumeRoleWithWebIdentity"));
  const Secret token("eyJ.token");
  EXPECT_EQ(runtime.run_for(sts.assume_role_with_web_identity(role, token, context)).access_key, "ASIAWEB");
  EXPECT_THAT(network.requests[0].body, HasSubstr("&WebIdentityToken=eyJ.token"));
  EXPECT_THAT(network.requests[0].headers, Not(HasSubstr("Authorization")));
}

TEST_F(StsCalls, TellsWhoTheCallerIs) {
  network.on(
      kPost, 200,
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn>"
      "<UserId>AIDA</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  const CallerIdentity identity = runtime.run_for(sts.caller_identity(caller, context));
  EXPECT_EQ(identity.arn, "arn:aws:iam::1:user/u");
  EXPECT_EQ(identity.account, "1");
  EXPECT_EQ(identity.user_id, "AIDA");
}

TEST_F(StsCalls, RefusalsSayWhatToDo) {
  struct {
    int status;
    std::string code;
    ErrorClass expected;
    std::string hint;
  } cases[] = {
      {403, "AccessDenied", ErrorClass::permission_denied, "trust policy"},
      {400, "MalformedPolicyDocument", ErrorClass::invalid_argument, "--no-scope-down"},
      {400, "PackedPolicyTooLarge", ErrorClass::invalid_argument, "--no-scope-down"},
      {403, "RegionDisabledException", ErrorClass::permission_denied, "another region"},
      {405, "MethodNotAllowed", ErrorClass::unsupported, "does not offer"},
      {400, "ValidationError", ErrorClass::invalid_argument, "duration_seconds"},
      {400, "SomethingNew", ErrorClass::invalid_argument, ""},
  };
  for (const auto& c : cases) {
    network = {};
    network.on(kPost, c.status, refusal_answer(c.code, "the reason"));
    const Error error = assume_failure();
    EXPECT_EQ(error.error_class(), c.expected) << c.code;
    EXPECT_EQ(error.code(), c.code);
    EXPECT_EQ(error.message(), "the reason");
    EXPECT_EQ(error.request_id(), "r-2");
    EXPECT_EQ(error.subject(), role.role_arn);
    EXPECT_THAT(error.hint(), HasSubstr(c.hint));
    EXPECT_EQ(network.requests.size(), 1U) << c.code << " must not be repeated";
  }
}

TEST_F(StsCalls, WhatPassesIsRepeated) {
  network.on(kPost, 500, "<html>")
      .on(kPost, 400, refusal_answer("Throttling", "slow"))
      .on(kPost, 200, role_answer("K"));
  EXPECT_EQ(assume().access_key, "K");
  network = {};
  network.on(kPost, 400, refusal_answer("IDPCommunicationError", "")).on(kPost, 200, role_answer("K"));
  EXPECT_EQ(assume().access_key, "K");
  network = {};
  network.on(kPost, 503, "");
  const Error error = assume_failure();
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error.attempts(), 4);
}

TEST_F(StsCalls, ExpiredCredentialsOfTheCallerAreRenewed) {
  network.on(kPost, 403, refusal_answer("ExpiredToken", "expired")).on(kPost, 200, role_answer("K"));
  EXPECT_EQ(assume().access_key, "K");
  EXPECT_EQ(caller.refusals, 1);
  EXPECT_THAT(network.requests[1].headers, HasSubstr("Credential=AKIA1/"));
}

TEST_F(StsCalls, LearnsTheServersClock) {
  // The server is two hours ahead, and so are the ends of its sessions.
  const Time server = env.wall_now() + 2h;
  network.on(kPost, 403, refusal_answer("SignatureDoesNotMatch", "Signature expired"),
             format_http_date(server));
  network.on(kPost, 200, role_answer("K"));
  const Credentials credentials = assume();
  EXPECT_THAT(network.requests[1].headers,
              HasSubstr("x-amz-date: " + format_basic_time(server).substr(0, 13)));
  EXPECT_LT(*credentials.expiry, env.wall_now());
}

TEST_F(StsCalls, NoSecretIsEverInAnError) {
  const Secret token("webTOKEN");
  for (const std::string code : {"SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "Strange"}) {
    network = {};
    network.on(kPost, 403, refusal_answer(code, "x callerSECRET callerTOKEN webTOKEN"));
    EXPECT_THAT(assume_failure().what(), Not(HasSubstr("callerSECRET"))) << code;
    EXPECT_THAT(assume_failure().what(), Not(HasSubstr("callerTOKEN"))) << code;
    try {
      runtime.run_for(sts.assume_role_with_web_identity(role, token, context));
      ADD_FAILURE() << code;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("webTOKEN"))) << code;
    }
  }
}

TEST_F(StsCalls, ATokenThatTheServerRepeatsAsItsErrorCodeIsNotInTheError) {
  network.on(kPost, 400, refusal_answer("no such token: webTOKEN", "x"));
  const Secret token("webTOKEN");
  try {
    runtime.run_for(sts.assume_role_with_web_identity(role, token, context));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("webTOKEN")));
  }
}

TEST_F(StsCalls, AnAnswerWithoutCredentialsIsAFailure) {
  for (const std::string body :
       {"", "<a/>",
        "<AssumeRoleResponse><AssumeRoleResult><Credentials/></AssumeRoleResult></AssumeRoleResponse>"}) {
    network = {};
    network.on(kPost, 200, body);
    EXPECT_EQ(assume_failure().error_class(), ErrorClass::unavailable) << body;
  }
}

}  // namespace
}  // namespace haul::auth

#include "auth/metadata_sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/scripted_world_for_tests.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kToken = "PUT http://169.254.169.254/latest/api/token";
const std::string kRoles = "GET http://169.254.169.254/latest/meta-data/iam/security-credentials/";
const std::string kJson(kJsonCredentials);

struct Instance : testing::Test, ScriptedWorld {
  Snapshot fetch() {
    return get(make_refreshing_provider(make_instance_source(instance_options(env).value(), network)));
  }
  Error fetch_failure() {
    try {
      fetch();
    } catch (const Error& error) {
      return error;
    }
    return Error(ErrorClass::internal, "nothing failed");
  }
};

TEST_F(Instance, GivesTheCredentialsOfItsRole) {
  network.on(kToken, 200, "tok").on(kRoles, 200, "media-role\n").on(kRoles + "media-role", 200, kJson);
  const Snapshot set = fetch();
  EXPECT_EQ(set->access_key, "ASIAJSON");
  EXPECT_EQ(set->secret_key.reveal(), "jsonSECRET");
  EXPECT_EQ(set->session_token.reveal(), "jsonTOKEN");
  EXPECT_EQ(set->account_id, "111122223333");
  EXPECT_EQ(*set->expiry, env.wall_now() + 6h);
  ASSERT_EQ(network.requests.size(), 3U);
  EXPECT_EQ(network.requests[0].headers, "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n");
  EXPECT_EQ(network.requests[2].headers, "x-aws-ec2-metadata-token: tok\r\n");
  for (const FetchRequest& request : network.requests) {
    EXPECT_EQ(request.route, FetchRequest::Route::direct);
    EXPECT_EQ(request.timeout, 1s);
  }
}

TEST_F(Instance, FallsBackToVersionOneWhereTokensAreUnknown) {
  for (const int status : {404, 405, 0}) {
    network = {};
    status != 0 ? network.on(kToken, status) : network.silent(kToken);
    network.on(kRoles, 200, "r").on(kRoles + "r", 200, kJson);
    EXPECT_EQ(fetch()->access_key, "ASIAJSON") << status;
    EXPECT_EQ(network.requests.back().headers, "");
  }
  env.set_variable("AWS_EC2_METADATA_V1_DISABLED", "true");
  EXPECT_EQ(fetch_failure().error_class(), ErrorClass::unauthenticated);
}

TEST_F(Instance, AsksForANewTokenWhenTheOldOneIsRefused) {
  network.on(kToken, 200, "old").on(kToken, 200, "new");
  network.on(kRoles, 401).on(kRoles, 200, "r").on(kRoles + "r", 200, kJson);
  EXPECT_EQ(fetch()->access_key, "ASIAJSON");
  EXPECT_EQ(network.requests.back().headers, "x-aws-ec2-metadata-token: new\r\n");
}

TEST_F(Instance, AbsenceHasARemedy) {
  EXPECT_THAT(fetch_failure().hint(), HasSubstr("--no-sign-request"));
  network.on(kToken, 403);
  EXPECT_THAT(fetch_failure().hint(), HasSubstr("hop limit"));
  network = {};
  network.on(kToken, 200, "t").on(kRoles, 404);
  EXPECT_EQ(fetch_failure().error_class(), ErrorClass::unauthenticated);
}

TEST_F(Instance, AFailureIsNotAbsence) {
  network.on(kToken, 400);
  EXPECT_EQ(fetch_failure().http_status(), 400);
  network = {};
  network.on(kToken, 200, "t")
      .on(kRoles, 200, "r")
      .on(kRoles + "r", 200, R"({"Code":"AssumeRoleUnauthorizedAccess"})");
  EXPECT_THAT(fetch_failure().what(), HasSubstr("AssumeRoleUnauthorizedAccess"));
  network = {};
  network.on(kToken, 200, "t").on(kRoles, 500);
  EXPECT_EQ(fetch_failure().error_class(), ErrorClass::unavailable);
}

TEST_F(Instance, TriesAsOftenAsTold) {
  env.set_variable("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "3");
  env.set_variable("AWS_METADATA_SERVICE_TIMEOUT", "5");
  network.on(kToken, 500)
      .on(kToken, 500)
      .on(kToken, 200, "t")
      .on(kRoles, 200, "r")
      .on(kRoles + "r", 200, kJson);
  EXPECT_EQ(fetch()->access_key, "ASIAJSON");
  EXPECT_EQ(network.requests[0].timeout, 5s);
}

TEST_F(Instance, TakesItsAddressFromTheEnvironment) {
  env.set_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6");
  EXPECT_EQ(instance_options(env)->base_url, "http://[fd00:ec2::254]");
  env.set_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1338/");
  network.on("PUT http://127.0.0.1:1338/latest/api/token", 200, "t");
  fetch_failure();
  EXPECT_EQ(network.requests[1].url, "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/");
  env.set_variable("AWS_METADATA_SERVICE_TIMEOUT", "soon");
  EXPECT_THROW(instance_options(env), Error);
  env.set_variable("AWS_EC2_METADATA_DISABLED", "TRUE");
  EXPECT_FALSE(instance_options(env).has_value());
}

struct Container : testing::Test, ScriptedWorld {
  Snapshot fetch() {
    return get(make_refreshing_provider(
        make_container_source(container_options(env).value(), network, world.read_file)));
  }
};

TEST_F(Container, TheRelativeAddressWins) {
  env.set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/x");
  env.set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
  network.on("GET http://169.254.170.2/v2/credentials/1", 200, kJson);
  EXPECT_EQ(fetch()->access_key, "ASIAJSON");
  EXPECT_EQ(network.requests[0].headers, "Accept: application/json\r\n");
}

TEST_F(Container, SendsItsTokenOnlyToTrustedPlaces) {
  const auto accepted = [&](const char* url) {
    env.set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    try {
      return container_options(env).has_value();
    } catch (const Error& error) {
      EXPECT_THAT(error.hint(), HasSubstr("https"));
      return false;
    }
  };
  for (const char* url :
       {"https://anywhere.example/x", "http://localhost/x", "http://127.0.0.2:80/x", "http://[::1]/x",
        "http://169.254.170.2/x", "http://169.254.170.23/x", "http://[fd00:ec2::23]/x"})
    EXPECT_TRUE(accepted(url)) << url;
  for (const char* url : {"http://anywhere.example/x", "http://169.254.170.24/x", "http://10.0.0.1/x"})
    EXPECT_FALSE(accepted(url)) << url;
}

TEST_F(Container, ReadsTheTokenFileBeforeEachRequest) {
  env.set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/c");
  env.set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from-variable");
  env.set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token");
  network.on("GET http://127.0.0.1/c", 200, kJson);
  const auto provider = make_refreshing_provider(
      make_container_source(container_options(env).value(), network, world.read_file));
  EXPECT_THROW(get(provider), Error) << "no such file";
  files["/token"] = "one\n";
  get(provider);
  files["/token"] = "two";
  env.advance(5h + 50min);
  get(provider);
  EXPECT_THAT(network.requests[0].headers, HasSubstr("Authorization: one\r\n"));
  EXPECT_THAT(network.requests[1].headers, HasSubstr("Authorization: two\r\n"));
}

TEST_F(Container, ATokenWithALineBreakIsRefusedAndNotShown) {
  env.set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/c");
  env.set_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/token");
  files["/token"] = "tokenSECRET\r\nX-Evil: 1";
  try {
    fetch();
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("tokenSECRET")));
  }
  EXPECT_TRUE(network.requests.empty());
}

TEST_F(Container, TriesThreeTimesASecondApart) {
  env.set_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/c");
  network.on("GET http://127.0.0.1/c", 500)
      .on("GET http://127.0.0.1/c", 429)
      .on("GET http://127.0.0.1/c", 200, kJson);
  EXPECT_EQ(fetch()->access_key, "ASIAJSON");
  EXPECT_GE(env.slept(), 1s);
  EXPECT_LE(env.slept(), 2s);
}

TEST(JsonCredentials, AreRefusedWithoutBeingShown) {
  for (const std::string text :
       {"", "[]", "{", R"({"AccessKeyId":"A","Note":"xSECRETx"})", R"({"SecretAccessKey":"xSECRETx"})",
        R"({"AccessKeyId":1,"SecretAccessKey":"xSECRETx"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"xSECRETx","Expiration":"soon"})",
        R"({"AccessKeyId":"A","SecretAccessKey":"xSECRETx)"}) {
    try {
      parse_json_credentials(text, "test");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), Not(HasSubstr("xSECRETx")));
    }
  }
}

}  // namespace
}  // namespace haul::auth

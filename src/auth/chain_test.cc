#include "auth/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/scripted_world_for_tests.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const std::string kSts = "POST https://sts.eu-west-2.amazonaws.com";
const std::string kContainerUrl = "GET http://169.254.170.2/c";

struct Chain : testing::Test, ScriptedWorld {
  Chain() {
    env.set_variable("AWS_REGION", "eu-west-2");
    network.on(kContainerUrl, 200, std::string(kJsonCredentials));
  }
  void environment_keys() {
    env.set_variable("AWS_ACCESS_KEY_ID", "AKIAENV");
    env.set_variable("AWS_SECRET_ACCESS_KEY", "envSECRET");
  }
  void config(std::string text) { files["/home/u/.aws/config"] = std::move(text); }
  void credentials(std::string text) { files["/home/u/.aws/credentials"] = std::move(text); }
};

TEST_F(Chain, EachPlaceIsLookedAtInBotocoresOrder) {
  // From the last to the first: each new one takes the place of those before.
  env.set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
  EXPECT_EQ(get()->access_key, "ASIAJSON");

  config("[default]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = s\n");
  EXPECT_EQ(get()->access_key, "AKIACONFIG");

  config(
      "[default]\naws_access_key_id = AKIACONFIG\naws_secret_access_key = s\ncredential_process = helper 'a "
      "b'\n");
  programs["helper|a b"] = {0, R"({"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s"})"};
  EXPECT_EQ(get()->access_key, "AKIAPROCESS");

  credentials("[default]\naws_access_key_id = AKIAFILE\naws_secret_access_key = s\n");
  EXPECT_EQ(get()->access_key, "AKIAFILE");

  env.set_variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
  env.set_variable("AWS_ROLE_ARN", "arn:aws:iam::1:role/web");
  files["/token"] = "eyJ\n";
  network.on(kSts, 200, role_answer("ASIAWEB", "AssumeRoleWithWebIdentity"));
  EXPECT_EQ(get()->access_key, "ASIAWEB");

  config(
      "[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n"
      "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n");
  network.requests.clear();
  get();
  EXPECT_THAT(network.requests.back().body, HasSubstr("Action=AssumeRole&"));

  environment_keys();
  EXPECT_EQ(get()->access_key, "AKIAENV");
  EXPECT_TRUE(get({.sign_requests = false})->anonymous());
}

TEST_F(Chain, AProfileNamedByOptionGoesBeforeTheEnvironment) {
  environment_keys();
  credentials("[media]\naws_access_key_id = AKIAMEDIA\naws_secret_access_key = s\n");
  env.set_variable("AWS_PROFILE", "media");
  EXPECT_EQ(get()->access_key, "AKIAENV");
  EXPECT_EQ(get({.profile = "media"})->access_key, "AKIAMEDIA");
}

TEST_F(Chain, HalfAPairOfKeysIsAnError) {
  env.set_variable("AWS_ACCESS_KEY_ID", "AKIAENV");
  EXPECT_THAT(failure()->what(), HasSubstr("AWS_SECRET_ACCESS_KEY is not"));
  credentials("[x]\naws_secret_access_key = fileSECRET\n");
  const Error error = *failure({.profile = "x"});
  EXPECT_THAT(error.what(), HasSubstr("/home/u/.aws/credentials:2:1"));
  EXPECT_THAT(error.what(), Not(HasSubstr("fileSECRET")));
}

TEST_F(Chain, AMissingProfileIsNamedWithThoseThatExist) {
  config("[default]\n[profile media]\n");
  EXPECT_THAT(failure({.profile = "medai"})->what(), HasSubstr("default, media"));
}

TEST_F(Chain, RolesMayStandOnRoles) {
  config(
      "[profile top]\nrole_arn = arn:aws:iam::3:role/top\nsource_profile = middle\nexternal_id = e-1\n"
      "role_session_name = named\nduration_seconds = 1800\n"
      "[profile middle]\nrole_arn = arn:aws:iam::2:role/middle\nsource_profile = middle-keys\n"
      "[profile middle-keys]\naws_access_key_id = AKIABASE\naws_secret_access_key = s\n"
      // Its own keys go before its role when it is a source.
      "role_arn = arn:aws:iam::1:role/unused\nsource_profile = top\n");
  network.on(kSts, 200, role_answer("ASIAMIDDLE")).on(kSts, 200, role_answer("ASIATOP"));
  const Identity identity =
      resolve_identity({.profile = "top", .scope_down = {{"dest", "in/", Access::read}}}, world);
  EXPECT_TRUE(identity.assumed_role);
  EXPECT_EQ(get(identity.credentials)->access_key, "ASIATOP");
  ASSERT_EQ(network.requests.size(), 2U);
  EXPECT_THAT(network.requests[0].headers, HasSubstr("Credential=AKIABASE/"));
  EXPECT_THAT(network.requests[0].body, HasSubstr("role%2Fmiddle&RoleSessionName=haul-"));
  EXPECT_THAT(network.requests[0].body, Not(HasSubstr("Policy=")));
  EXPECT_THAT(network.requests[1].headers, HasSubstr("Credential=ASIAMIDDLE/"));
  EXPECT_THAT(network.requests[1].body,
              HasSubstr("role%2Ftop&RoleSessionName=named&DurationSeconds=1800&Policy=%7B%22Version%22"));
}

TEST_F(Chain, ARoleIsLimitedToWhatIsNeeded) {
  config(
      "[default]\nrole_arn = arn:aws-cn:iam::1:role/r\ncredential_source = Environment\n[profile keys]\n"
      "aws_access_key_id = AKIA\naws_secret_access_key = s\n"
      "[profile r]\nrole_arn = arn:aws-cn:iam::1:role/r\nsource_profile = keys\n");
  network.on(kSts, 200, role_answer("ASIA"));
  IdentityOptions options{.profile = "r", .scope_down = {{"dest", "in/", Access::write}}};
  get(options);
  EXPECT_THAT(network.requests[0].body, HasSubstr("arn%3Aaws-cn%3As3%3A%3A%3Adest%2Fin%2F%2A"));
  EXPECT_THAT(network.requests[0].body, HasSubstr("kms%3ADecrypt"));
  options.endpoint_url = "https://bucket.vpce-1.s3.eu-west-2.vpce.amazonaws.com";
  get(options);
  EXPECT_THAT(network.requests[1].body, HasSubstr("kms%3ADecrypt"));
  options.endpoint_url = "http://127.0.0.1:7480";
  get(options);
  EXPECT_THAT(network.requests[2].body, Not(HasSubstr("kms")));
  options.scope_down.clear();
  get(options);
  EXPECT_THAT(network.requests[3].body, Not(HasSubstr("Policy")));
}

TEST_F(Chain, ACircleOfRolesIsFound) {
  config("[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n");
  EXPECT_THAT(failure({.profile = "a"})->what(), HasSubstr("its own source"));
  config("[profile a]\nrole_arn = r\nsource_profile = a\n");
  EXPECT_THAT(failure({.profile = "a"})->what(), HasSubstr("/home/u/.aws/config:2:1"));
  config(
      "[profile a]\nrole_arn = r\nsource_profile = a\naws_access_key_id = AKIAOWN\naws_secret_access_key = "
      "s\n");
  network.on(kSts, 200, role_answer("ASIAOWN"));
  EXPECT_EQ(get({.profile = "a"})->access_key, "ASIAOWN") << "its own keys may be its source";
}

TEST_F(Chain, RolesTakeTheirSourceFromTheMachine) {
  network.on(kSts, 200, role_answer("ASIAROLE"));
  const auto with_source = [&](std::string source) {
    config("[default]\nrole_arn = arn:aws:iam::1:role/r\ncredential_source = " + source + "\n");
    network.requests.clear();
  };
  with_source("Environment");
  EXPECT_THAT(failure()->what(), HasSubstr("no keys in it"));
  with_source("EcsContainer");
  EXPECT_THAT(failure()->what(), HasSubstr("no such container"));
  env.set_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/c");
  EXPECT_EQ(get()->access_key, "ASIAROLE");
  EXPECT_THAT(network.requests[1].headers, HasSubstr("Credential=ASIAJSON/"));
  with_source("Ec2InstanceMetadata");
  EXPECT_THAT(failure()->what(), HasSubstr("no credentials were found"));
  with_source("Elsewhere");
  EXPECT_THAT(failure()->what(), HasSubstr("/home/u/.aws/config:3:1"));
}

TEST_F(Chain, ConfigurationErrorsHavePlaceAndRemedy) {
  struct {
    std::string text, place, message, hint;
  } cases[] = {
      {"role_arn = r\n", ":2:1", "neither source_profile nor", "exactly one"},
      {"role_arn = r\nsource_profile = x\ncredential_source = Environment\n", ":2:1",
       "both source_profile and", "exactly one"},
      {"role_arn = r\nsource_profile = x\n", ":3:1", "no profile 'x'", "source_profile"},
      {"role_arn = r\ncredential_source = Environment\nduration_seconds = long\n", ":4:1", "duration_seconds",
       "900 to 43200"},
      {"role_arn = r\ncredential_source = Environment\nmfa_serial = m\n", ":4:1", "code of a device",
       "credential_process"},
      {"sso_session = s\n", ":2:1", "by a browser", "aws configure export-credentials"},
      {"sso_start_url = s\n", ":2:1", "by a browser", "export-credentials --profile 'default'"},
      {"credential_process = \n", ":2:1", "names no program", "command"},
      {"credential_process = 'x\n", ":2:1", "not closed", "close it"},
      {"s3 =\n  addressing_style = bath\n", ":3:3", "addressing_style", "one of them"},
      {"use_fips_endpoint = maybe\n", ":2:1", "neither true nor false", "true or false"},
      {"services = gone\n", ":2:1", "[services gone]", "add it"},
      {"sts_regional_endpoints = x\n", ":2:1", "neither regional nor legacy", "regional"},
      {"region = a\n  b = c\n", ":2:1", "several lines", "indentation"},
  };
  env = ManualEnv();
  env.set_variable("HOME", "/home/u");
  for (const auto& c : cases) {
    config("[default]\n" + c.text);
    const std::optional<Error> error = failure();
    ASSERT_TRUE(error.has_value()) << c.text;
    EXPECT_THAT(error->what(), HasSubstr("/home/u/.aws/config" + c.place)) << c.text;
    EXPECT_THAT(error->what(), HasSubstr(c.message)) << c.text;
    EXPECT_THAT(error->hint(), HasSubstr(c.hint)) << c.text;
  }
}

TEST_F(Chain, WhatAProgramWritesIsNotShown) {
  config("[default]\ncredential_process = helper\n");
  for (const ProgramResult& result :
       {ProgramResult{1, "xSECRETx"}, ProgramResult{0, "xSECRETx"}, ProgramResult{0, R"({"x":"xSECRETx"})"},
        ProgramResult{0, R"({"Version":2,"SecretAccessKey":"xSECRETx"})"},
        ProgramResult{0, R"({"Version":1,"SecretAccessKey":"xSECRETx"})"}}) {
    programs["helper"] = result;
    EXPECT_THAT(failure()->what(), Not(HasSubstr("xSECRETx")));
  }
}

TEST_F(Chain, AProgramsCredentialsAreRenewedWhenTheyEnd) {
  config("[default]\ncredential_process = helper\n");
  programs["helper"] = {
      0, R"({"Version":1,"AccessKeyId":"ONE","SecretAccessKey":"s","Expiration":"2023-11-14T23:13:20Z"})"};
  const Identity identity = resolve_identity({}, world);
  EXPECT_EQ(get(identity.credentials)->access_key, "ONE");
  programs["helper"] = {0, R"({"Version":1,"AccessKeyId":"TWO","SecretAccessKey":"s"})"};
  EXPECT_EQ(get(identity.credentials)->access_key, "ONE");
  env.advance(50min);
  EXPECT_EQ(get(identity.credentials)->access_key, "TWO");
  env.advance(1000h);
  EXPECT_EQ(get(identity.credentials)->access_key, "TWO");
}

TEST_F(Chain, NothingAnywhereSaysWhereItLooked) {
  const Error error = *failure();
  EXPECT_EQ(error.error_class(), ErrorClass::unauthenticated);
  EXPECT_THAT(error.what(), HasSubstr("the environment, profile 'default'"));
  EXPECT_THAT(error.hint(), HasSubstr("--no-sign-request"));
  env.set_variable("AWS_EC2_METADATA_DISABLED", "true");
  network.requests.clear();
  EXPECT_THAT(failure()->what(), HasSubstr("AWS_EC2_METADATA_DISABLED"));
  EXPECT_TRUE(network.requests.empty());
}

struct Settings : testing::Test, ScriptedWorld {
  AwsSettings settings(const IdentityOptions& options = {}) {
    return resolve_settings(options, env, load_config(env, world.read_file));
  }
};

TEST_F(Settings, EndpointsAreLookedUpFromTheLastToTheFirst) {
  EXPECT_EQ(settings().s3_endpoint_url, "");
  files["/c"] = "[default]\nregion = cn-north-1\nendpoint_url = http://profile:1\n";
  env.set_variable("AWS_CONFIG_FILE", "/c");
  EXPECT_EQ(settings().s3_endpoint_url, "http://profile:1");
  EXPECT_EQ(settings().sts_endpoint_url, "http://profile:1");
  files["/c"] += "services = here\n[services here]\ns3 =\n  endpoint_url = http://services:2\n";
  EXPECT_EQ(settings().s3_endpoint_url, "http://services:2");
  EXPECT_EQ(settings().sts_endpoint_url, "http://profile:1");
  env.set_variable("AWS_ENDPOINT_URL", "http://all:3");
  EXPECT_EQ(settings().s3_endpoint_url, "http://all:3");
  EXPECT_EQ(settings().sts_endpoint_url, "http://all:3");
  env.set_variable("AWS_ENDPOINT_URL_S3", "http://s3:4");
  EXPECT_EQ(settings().s3_endpoint_url, "http://s3:4");
  EXPECT_EQ(settings().sts_endpoint_url, "http://all:3");
  env.set_variable("AWS_ENDPOINT_URL_STS", "http://sts:5");
  EXPECT_EQ(settings().sts_endpoint_url, "http://sts:5");
  env.set_variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
  EXPECT_EQ(settings().s3_endpoint_url, "");
  EXPECT_EQ(settings().sts_endpoint_url, "https://sts.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(settings({.endpoint_url = "http://option:6"}).s3_endpoint_url, "http://option:6");
}

TEST_F(Settings, StsIsAskedInTheRegion) {
  EXPECT_EQ(settings().sts_endpoint_url, "https://sts.amazonaws.com");
  EXPECT_EQ(settings().sts_region, "us-east-1");
  env.set_variable("AWS_DEFAULT_REGION", "eu-west-1");
  EXPECT_EQ(settings().sts_endpoint_url, "https://sts.eu-west-1.amazonaws.com");
  env.set_variable("AWS_REGION", "eu-west-2");
  EXPECT_EQ(settings().region, "eu-west-2");
  EXPECT_EQ(settings({.region = "us-gov-west-1"}).sts_region, "us-gov-west-1");
  env.set_variable("AWS_USE_FIPS_ENDPOINT", "true");
  EXPECT_EQ(settings().sts_endpoint_url, "https://sts-fips.eu-west-2.amazonaws.com");
}

TEST_F(Settings, ReadsTheProfile) {
  files["/home/u/.aws/config"] =
      "[profile m]\nregion = eu-central-1\nca_bundle = ~/ca.pem\nrequest_checksum_calculation = "
      "WHEN_REQUIRED\n"
      "use_dualstack_endpoint = true\ns3 =\n  addressing_style = path\n";
  env.set_variable("AWS_DEFAULT_PROFILE", "m");
  env.set_variable("AWS_PROFILE", "other");
  const AwsSettings found = settings();
  EXPECT_EQ(found.profile, "m");
  EXPECT_FALSE(found.profile_named);
  EXPECT_EQ(found.region, "eu-central-1");
  EXPECT_EQ(found.ca_bundle, "/home/u/ca.pem");
  EXPECT_EQ(found.request_checksums, ChecksumUse::when_required);
  EXPECT_TRUE(found.use_dualstack);
  EXPECT_EQ(found.addressing_style, AddressingStyle::path);
  EXPECT_EQ(settings({.ca_file = "/other.pem"}).ca_bundle, "/other.pem");
}

TEST_F(Settings, AMalformedEndpointIsRefused) {
  EXPECT_THROW(settings({.endpoint_url = "127.0.0.1:9000"}), Error);
  EXPECT_THROW(settings({.endpoint_url = "http://h/?x=y"}), Error);
}

}  // namespace
}  // namespace haul::auth

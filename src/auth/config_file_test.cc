#include "auth/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haul::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AwsConfig config_of(std::string_view text) {
  return parse_config(text, ConfigFileKind::config, "config");
}
AwsConfig credentials_of(std::string_view text) {
  return parse_config(text, ConfigFileKind::credentials, "credentials");
}

std::string text_of(const AwsConfig& config, std::string_view profile, std::string_view name) {
  const ConfigSection* section = config.profile(profile);
  if (section == nullptr) return "(no profile)";
  const ConfigSetting* setting = section->find(name);
  return setting == nullptr ? "(no setting)" : setting->text;
}

std::string failure_of(std::string_view text, ConfigFileKind kind = ConfigFileKind::config) {
  try {
    parse_config(text, kind, "the-file");
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(ConfigFile, ReadsProfilesAndBlocks) {
  const AwsConfig config = config_of(
      "# people's settings\r\n"
      "[default]\r\n"
      "region = eu-west-1\r\n"
      "\r\n"
      "[profile ingest]\n"
      "Role_ARN=arn:aws:iam::222222222222:role/archive-writer\n"
      "; a comment\n"
      "credential_source : Ec2InstanceMetadata\n"
      "s3 =\n"
      "  # inside\n"
      "  addressing_style = virtual\n"
      "  max_concurrent_requests=20\n"
      "output = json\n"
      "[profile \"two words\"]\n"
      "region = us-east-2\n"
      "[services local]\n"
      "s3 =\n"
      "  endpoint_url = http://127.0.0.1:9000\n"
      "[sso-session corp]\n"
      "sso_region = us-east-1\n"
      "[plugins]\n"
      "x = y");
  EXPECT_EQ(config.profiles.size(), 3U);
  EXPECT_EQ(text_of(config, "default", "region"), "eu-west-1");
  EXPECT_EQ(text_of(config, "ingest", "role_arn"), "arn:aws:iam::222222222222:role/archive-writer");
  EXPECT_EQ(text_of(config, "ingest", "credential_source"), "Ec2InstanceMetadata");
  EXPECT_EQ(text_of(config, "ingest", "output"), "json");
  EXPECT_EQ(text_of(config, "two words", "region"), "us-east-2");
  const ConfigSetting* s3 = config.profile("ingest")->find("s3");
  ASSERT_NE(s3, nullptr);
  EXPECT_EQ(s3->find("addressing_style")->text, "virtual");
  EXPECT_EQ(s3->find("addressing_style")->place.text(), "config:11:3");
  EXPECT_EQ(s3->find("max_concurrent_requests")->text, "20");
  EXPECT_EQ(config.services.at("local").find("s3")->find("endpoint_url")->text, "http://127.0.0.1:9000");
}

TEST(ConfigFile, SettingsMayBeIndentedAsAWhole) {
  const AwsConfig config =
      config_of("[default]\n  region = a\n  output = b\n  s3 =\n    addressing_style = path\n");
  EXPECT_EQ(text_of(config, "default", "region"), "a");
  EXPECT_EQ(text_of(config, "default", "output"), "b");
  EXPECT_EQ(config.profile("default")->find("s3")->find("addressing_style")->text, "path");
}

TEST(ConfigFile, DeeperLinesContinueAValue) {
  EXPECT_EQ(text_of(config_of("[default]\nscopes = a\n   b\nregion = r"), "default", "scopes"), "a\nb");
}

TEST(ConfigFile, ValuesKeepWhatLooksLikeAComment) {
  const AwsConfig credentials =
      credentials_of("[x]\naws_secret_access_key = ab#c;d=e:f\naws_session_token=\n");
  EXPECT_EQ(text_of(credentials, "x", "aws_secret_access_key"), "ab#c;d=e:f");
  EXPECT_EQ(text_of(credentials, "x", "aws_session_token"), "");
}

TEST(ConfigFile, NamesOfTheCredentialsFileHaveNoPrefix) {
  const AwsConfig credentials = credentials_of("[profile x]\na = 1\n[y]\na = 2\n");
  EXPECT_EQ(text_of(credentials, "profile x", "a"), "1");
  EXPECT_EQ(text_of(credentials, "y", "a"), "2");
  EXPECT_EQ(text_of(config_of("[y]\na = 2\n"), "y", "a"), "(no profile)");
}

TEST(ConfigFile, TheCredentialsFileWins) {
  const AwsConfig merged = merge(config_of("[profile x]\nregion = r\naws_access_key_id = config\n"),
                                 credentials_of("[x]\naws_access_key_id = credentials\n[z]\na = 1\n"));
  EXPECT_EQ(text_of(merged, "x", "region"), "r");
  EXPECT_EQ(text_of(merged, "x", "aws_access_key_id"), "credentials");
  EXPECT_EQ(merged.profile("x")->find("aws_access_key_id")->origin, ConfigFileKind::credentials);
  EXPECT_EQ(text_of(merged, "z", "a"), "1");
}

TEST(ConfigFile, SaysWhereAndWhatToDo) {
  struct {
    std::string_view text, place, message, hint;
  } cases[] = {
      {"[default]\n[profile x\n", "the-file:2:1", "not closed", "]"},
      {"region = x\n", "the-file:1:1", "before the first section", "[profile NAME]"},
      {"[default]\nregion\n", "the-file:2:1", "neither a section nor a setting", "NAME = VALUE"},
      {"[default]\n  = x\n", "the-file:2:3", "has no name", "NAME = VALUE"},
      {"[]\n", "the-file:1:1", "no name", "[default]"},
      {"[default] x\n", "the-file:1:10", "behind a section's name", "line of its own"},
      {"[default]\na=1\n\nA=2\n", "the-file:4:1", "'a' is there twice, first in line 2", "remove one"},
      {"[default]\n[default]\n", "the-file:2:1", "twice, first in line 1", "into one"},
      {"[profile \"x]\n", "the-file:1:1", "quotation is not closed", "close it"},
      {"[default]\ns3 =\n  x\n", "the-file:3:3", "neither a section nor a setting", "NAME = VALUE"},
      {std::string_view("[default]\na = \0b\n", 17), "the-file:2:5", "control character", "plain text"},
  };
  for (const auto& c : cases) {
    const std::string what = failure_of(c.text);
    EXPECT_THAT(what, HasSubstr(c.place)) << c.text;
    EXPECT_THAT(what, HasSubstr(c.message)) << c.text;
    EXPECT_THAT(what, HasSubstr(c.hint)) << c.text;
  }
}

TEST(ConfigFile, NeverQuotesALineThatMayHoldASecret) {
  for (const std::string_view text : {"[x]\naws_secret_access_key wJalrSECRET\n", "wJalrSECRET\n",
                                      "[x]\nwJalrSECRET\n", "[x] wJalrSECRET\n", "[x]\n= wJalrSECRET\n"}) {
    const std::string what = failure_of(text, ConfigFileKind::credentials);
    EXPECT_NE(what, "");
    EXPECT_THAT(what, testing::Not(HasSubstr("wJalrSECRET")));
  }
}

TEST(ConfigFile, SplitsWordsAsAShellDoes) {
  const auto words = [](std::string_view text) { return split_words(text, {"f", 1, 1}); };
  EXPECT_THAT(words(""), ElementsAre());
  EXPECT_THAT(words("  a  b\tc "), ElementsAre("a", "b", "c"));
  EXPECT_THAT(words(R"("/opt/My Tools/x" --a='b c' d\ e)"), ElementsAre("/opt/My Tools/x", "--a=b c", "d e"));
  EXPECT_THAT(words(R"("a\"b\\c\d" 'e\f' "")"), ElementsAre("a\"b\\c\\d", "e\\f", ""));
  EXPECT_THAT(words("a;b $(c) | d # e"), ElementsAre("a;b", "$(c)", "|", "d", "#", "e"));
  EXPECT_THROW(words("a 'b"), Error);
  EXPECT_THROW(words("a\\"), Error);
}

}  // namespace
}  // namespace haul::auth

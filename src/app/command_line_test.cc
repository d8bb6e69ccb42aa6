#include "app/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/usage_error.h"
#include "base/nearest_word.h"

namespace haul::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Settings parse(std::vector<std::string> arguments) {
  const ManualEnv env;
  return parse_command_line(arguments, env);
}

std::string refusal(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CommandLine, TakesOptionsAndLocationsInAnyOrder) {
  const Settings settings = parse({"cp", "a", "-r", "s3://b/x/", "--verify", "all", "--bandwidth=10MB/s"});
  EXPECT_EQ(settings.command, Command::cp);
  EXPECT_THAT(settings.locations, ElementsAre("a", "s3://b/x/"));
  EXPECT_TRUE(settings.recursive);
  EXPECT_EQ(settings.verify, transfer::Verify::all);
  EXPECT_EQ(settings.bandwidth, 10U << 20);
}

TEST(CommandLine, TakesOptionsBeforeTheCommand) {
  const Settings settings = parse({"--profile", "ingest", "-v", "ls", "s3://b"});
  EXPECT_EQ(settings.command, Command::ls);
  EXPECT_EQ(settings.both.profile, "ingest");
  EXPECT_TRUE(settings.verbose);
  EXPECT_THAT(settings.locations, ElementsAre("s3://b"));
}

TEST(CommandLine, KeepsFiltersInTheOrderGiven) {
  const Settings settings =
      parse({"sync", "a", "b", "--include", "x/**", "--exclude=*.tmp", "--include", "y"});
  std::string order;
  for (const auto& rule : settings.filters.patterns)
    order += (rule.include ? "+" : "-") + rule.glob + " ";
  EXPECT_EQ(order, "+x/** -*.tmp +y ");
}

TEST(CommandLine, LeavesBracketsAndDashesInLocationsAlone) {
  EXPECT_THAT(parse({"cat", "[a,b]", "-"}).locations, ElementsAre("[a,b]", "-"));
  EXPECT_THAT(parse({"cat", "--", "--weird", "-x"}).locations, ElementsAre("--weird", "-x"));
  const Settings settings = parse({"sync", "a", "b", "--exclude", "[ab]"});
  ASSERT_EQ(settings.filters.patterns.size(), 1U);
  EXPECT_EQ(settings.filters.patterns[0].glob, "[ab]");
}

TEST(CommandLine, ReadsBundledShortOptions) {
  const Settings settings = parse({"cp", "-rnv", "a", "b"});
  EXPECT_TRUE(settings.recursive && settings.dry_run && settings.verbose);
  EXPECT_EQ(parse({"du", "-d2", "x"}).depth, 2U);
}

TEST(CommandLine, GivesEachSideItsOwnIdentity) {
  const Settings settings = parse(
      {"sync", "s3://aaa", "s3://bbb", "--profile", "p", "--dst-profile", "q", "--src-region", "eu-west-1"});
  EXPECT_EQ(settings.source_side().profile, "p");
  EXPECT_EQ(settings.source_side().region, "eu-west-1");
  EXPECT_EQ(settings.destination_side().profile, "q");
  EXPECT_EQ(settings.destination_side().region, "");
}

TEST(CommandLine, AsksForHelpWhereverItStands) {
  EXPECT_EQ(parse({"sync", "--help"}).help_topic, "sync");
  EXPECT_EQ(parse({"-h"}).command, Command::help);
  EXPECT_EQ(parse({"help", "cp"}).help_topic, "cp");
  EXPECT_EQ(parse({"cp", "a", "-h"}).help_topic, "cp");
}

TEST(CommandLine, DecidesOverwritingByTheCommand) {
  EXPECT_EQ(parse({"cp", "a", "b"}).overwrite, Overwrite::always);
  EXPECT_EQ(parse({"sync", "a", "b"}).overwrite, Overwrite::if_different);
  EXPECT_EQ(parse({"cp", "a", "b", "--overwrite", "never"}).overwrite, Overwrite::never);
}

struct Refused {
  std::vector<std::string> arguments;
  std::string says;
};

class RefusedCommandLine : public ::testing::TestWithParam<Refused> {};

TEST_P(RefusedCommandLine, SaysWhatIsWrongAndWhatToDo) {
  EXPECT_THAT(refusal(GetParam().arguments), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, RefusedCommandLine,
    ::testing::Values(Refused{{}, "'haul help' lists the commands"},
                      Refused{{"snyc", "a", "b"}, "did you mean sync?"},
                      Refused{{"copy", "a", "b"}, "did you mean cp?"},
                      Refused{{"sync", "a", "b", "--deleet"}, "unknown option --deleet (argument 4)"},
                      Refused{{"sync", "a", "b", "--deleet"}, "did you mean --delete?"},
                      Refused{{"sync", "a", "b", "--dryrun"}, "it is called --dry-run here"},
                      Refused{{"ls", "--delete"}, "'haul ls' does not have this option"},
                      Refused{{"sync", "a", "b", "--zzzzzzzz"}, "see 'haul help sync'"},
                      Refused{{"sync", "a"}, "the destination is missing"},
                      Refused{{"sync", "a", "b", "c"}, "'c' is one argument too many"},
                      Refused{{"cp", "a", "b", "--bandwidth", "fast"}, "--bandwidth: 'fast'"},
                      Refused{{"cp", "a", "b", "--bandwidth"}, "option --bandwidth needs a value"},
                      Refused{{"cp", "a", "b", "--bandwidth="}, "empty value"},
                      Refused{{"cp", "a", "b", "-r=1"}, "unknown option -="},
                      Refused{{"cp", "a", "b", "--recursive=yes"}, "takes no value"},
                      Refused{{"cp", "a", "b", "--verify", "maybe"}, "is none of copied|all|none"},
                      Refused{{"sync", "a", "b", "--max-delete", "250%"}, "more than everything"},
                      Refused{{"sync", "a", "b", "--exclude", "{a"}, "--exclude"},
                      Refused{{"cp", "a", "b", "--preserve", "mtime,smell"}, "'smell' cannot be preserved"},
                      Refused{{"cp", "a", "b", "--flatten", "--template", "{name}"}, "exclude each other"},
                      Refused{{"sync", "a", "b", "--flatten"}, "use cp -r"},
                      Refused{{"cp", "a", "b", "--min-size", "2G", "--max-size", "1G"},
                              "--min-size is larger"},
                      Refused{{"cp", "a", "b", "--memory", "1MB"}, "32MiB is the least"},
                      Refused{{"sync", "a", "b", "--delete", "--from-file", "x"}, "leave --delete out"},
                      Refused{{"sync", "a", "b", "--delete", "--manifest", "x"}, "leave --delete out"},
                      Refused{{"cat", "a", "--json"}, "standard output carries the data"},
                      Refused{{"cp", "a", "-", "--json"}, "standard output carries the data"},
                      Refused{{"manifest", "a", "--json"}, "standard output carries the data"},
                      Refused{{"ls", "a", "--from-file", "x"}, "'haul ls' does not have this option"},
                      Refused{{"du", "a", "--manifest", "x"}, "'haul du' does not have this option"},
                      Refused{{"manifest", "a", "--from-file", "x"}, "does not have this option"},
                      Refused{{"presign", "s3://b/k", "--expires", "8d"}, "not between 1s and 7d"},
                      Refused{{"completion", "tcsh"}, "no completion for 'tcsh'"}));

TEST(NearestWord, ForgivesASlipButDoesNotGuess) {
  const std::vector<std::string> known{"--include", "--exclude", "--delete"};
  EXPECT_EQ(nearest_word("--includ", known), "--include");
  EXPECT_EQ(nearest_word("--excldue", known), "--exclude");
  EXPECT_EQ(nearest_word("--frobnicate", known), "");
}

}  // namespace
}  // namespace haul::app

#include "job/run_status.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

namespace haul::job {
namespace {

using Ways = std::set<std::pair<std::string, std::string>>;

// The rows of the table `| from | to |` of the guide.
Ways ways_in_the_guide() {
  std::ifstream guide(std::filesystem::path(__FILE__).parent_path() / "../../docs/guide.md");
  Ways ways;
  bool in_table = false;
  for (std::string line; std::getline(guide, line);) {
    if (line == "| from | to |") in_table = true;
    if (line.empty()) in_table = false;
    const std::size_t bar = line.find(" | ");
    if (!in_table || bar == std::string::npos || !line.starts_with("| ")) continue;
    const std::string from = line.substr(2, bar - 2);
    std::istringstream rest(line.substr(bar + 3));
    for (std::string to; rest >> to && to != "|";) {
      if (to.ends_with(',')) to.pop_back();
      if (from != "from") ways.emplace(from, to);
    }
  }
  return ways;
}

TEST(RunStatus, TheGuideShowsEveryTransitionAndNoOther) {
  Ways ways;
  for (const RunTransition& each : run_transitions())
    ways.emplace(to_string(each.from), to_string(each.to));
  EXPECT_EQ(ways_in_the_guide(), ways);
}

TEST(RunStatus, NothingFollowsAFinalStatus) {
  for (const RunTransition& each : run_transitions())
    EXPECT_FALSE(is_final(each.from)) << to_string(each.from);
}

TEST(RunStatus, EveryStatusHasANameThatIsReadBack) {
  for (int i = 0; i <= static_cast<int>(RunStatus::cancelled); ++i)
    EXPECT_EQ(parse_run_status(to_string(static_cast<RunStatus>(i))), static_cast<RunStatus>(i));
  EXPECT_FALSE(parse_run_status("RUNNING"));
}

}  // namespace
}  // namespace haul::job

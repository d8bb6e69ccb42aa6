#include "app/run_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "app/remedy.h"
#include "app/run_json.h"

namespace haul::app {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr Time kNow{seconds(1'800'000'000)};

engine::RunInfo run_at_work() {
  engine::RunInfo run;
  run.id = "0001JD4ABCDEF0123456789ABC";
  run.job = "legacy-images";
  run.operation = "move";
  run.status = job::RunStatus::processing;
  run.created = kNow - seconds(600);
  run.started = kNow - seconds(599);
  run.alive = true;
  run.pid = 4242;
  run.host = "mover";
  run.heartbeat_age = seconds(1);
  run.accounts.listed = 1000;
  run.accounts.moved = 300;
  run.accounts.skipped = 20;
  run.accounts.failed = 2;
  run.accounts.copied_bytes = 300 << 10;
  run.discovery_ended = true;
  run.objects_queued = 678;
  run.bytes_queued = 678 << 10;
  run.chunks_done = 3;
  run.chunks_leased = 2;
  run.chunks_queued = 5;
  run.report = "/state/runs/1/report";
  return run;
}

engine::RunInfo run_that_ended() {
  engine::RunInfo run = run_at_work();
  run.status = job::RunStatus::completed_with_failures;
  run.accounts.moved = 978;
  run.alive = false;
  run.ended = kNow - seconds(10);
  return run;
}

RunPicture picture_of(engine::RunInfo run) {
  RunPicture picture;
  picture.info = std::move(run);
  FailureKind& kind = picture.failures.emplace_back(ErrorClass::permission_denied, "AccessDenied", 2);
  kind.example.sequence = 1;
  kind.example.key = "image/1.jpg";
  kind.example.error_class = ErrorClass::permission_denied;
  kind.example.code = "AccessDenied";
  kind.example.message = "CopyObject on s3://b/image/1.jpg: Access Denied";
  return picture;
}

Estimate estimate_of(const engine::RunInfo& run) {
  Figures before = figures_of(run), now = before;
  before.done_objects -= 100;
  before.done_bytes -= 50 << 10;
  Estimate estimate;
  estimate.add(before, SteadyTime{});
  estimate.add(now, SteadyTime{} + seconds(10));
  return estimate;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  return lines;
}

std::size_t columns_of(const std::string& line) {
  return static_cast<std::size_t>(std::ranges::count_if(line, [](char c) { return (c & 0xc0) != 0x80; }));
}

TEST(RunsTable, FitsEightyColumnsWhateverTheNamesAre) {
  std::vector<engine::RunInfo> runs{run_at_work(), run_that_ended()};
  runs[0].job = std::string(300, 'x');
  runs[1].job =
      "\x1b[31mred "
      "\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4\u00e4"
      "\u00e4";
  runs[1].accounts.listed = 12'345'678'901;
  const std::string table = runs_table(runs, kNow, 80);
  EXPECT_EQ(lines_of(table).size(), 3U);
  for (const std::string& line : lines_of(table))
    EXPECT_LE(columns_of(line), 80U) << line;
  EXPECT_THAT(table, Not(HasSubstr("\x1b")));
  EXPECT_THAT(table, HasSubstr("12.3G"));
  EXPECT_THAT(table, HasSubstr("COMPLETED_WITH_FAILURES"));
  EXPECT_THAT(table, HasSubstr("10m ago"));
}

TEST(RunsTable, SaysWhereNobodyIsAtWorkThatShouldBe) {
  engine::RunInfo run = run_at_work();
  run.alive = false;
  EXPECT_THAT(runs_table({&run, 1}, kNow, 80), HasSubstr("PROCESSING (no process)"));
  run.status = job::RunStatus::paused;
  EXPECT_THAT(runs_table({&run, 1}, kNow, 80), Not(HasSubstr("no process")));
}

TEST(ShortCount, KeepsThreeFigures) {
  EXPECT_EQ(short_count(0), "0");
  EXPECT_EQ(short_count(99'999), "99,999");
  EXPECT_EQ(short_count(123'456), "123K");
  EXPECT_EQ(short_count(999'600), "1.00M");
  EXPECT_EQ(short_count(12'345'678), "12.3M");
  EXPECT_EQ(short_count(UINT64_MAX), "18446744T");
}

TEST(RunText, ShowsTheEquationWithWhatIsLeft) {
  const RunPicture picture = picture_of(run_at_work());
  const std::string text = run_text(picture, estimate_of(picture.info), kNow);
  EXPECT_THAT(text, HasSubstr("1,000 listed = 300 moved + 20 skipped + 2 failed + 678 to do"));
  EXPECT_THAT(text, HasSubstr("302 of 980 objects, 300 KiB of 978 KiB"));
  EXPECT_THAT(text, HasSubstr("10/s, 5.00 KiB/s"));
  EXPECT_THAT(text, HasSubstr("68s to 2m left"));
  EXPECT_THAT(text, HasSubstr("3 done, 2 in work, 5 waiting"));
  EXPECT_THAT(text, HasSubstr("4242 on mover, last heard of 1.0 s ago"));
  EXPECT_THAT(text, HasSubstr("2  permission_denied AccessDenied"));
  EXPECT_THAT(text, HasSubstr("haul retry 0001JD4ABCDEF --class permission_denied"));
  EXPECT_THAT(text, HasSubstr("/state/runs/1/report"));
}

TEST(RunText, SaysPlainlyThatAProcessHasDiedOrIsStuckAndWhatToDo) {
  engine::RunInfo run = run_at_work();
  run.alive = false;
  EXPECT_THAT(run_text({.info = run}, {}, kNow), HasSubstr("has gone: haul resume 0001JD4ABCDEF"));
  run.alive = run.stuck = true;
  run.progress_age = seconds(700);
  const std::string text = run_text({.info = run}, {}, kNow);
  EXPECT_THAT(text, HasSubstr("STUCK: no progress for 11m40s"));
  EXPECT_THAT(text, HasSubstr("end process 4242 on mover, then haul resume 0001JD4ABCDEF"));
}

TEST(RunText, ShowsWhatARunThatWaitsForApprovalWouldDo) {
  engine::RunInfo run = run_at_work();
  run.status = job::RunStatus::awaiting_approval;
  run.accounts = {};
  run.accounts.listed = 700;
  run.accounts.skipped = 22;
  run.accounts.extra = 5;
  const std::string text = run_text({.info = run}, {}, kNow);
  EXPECT_THAT(text, HasSubstr("move 678 objects, 678 KiB; remove 678 at the source; remove 5 objects at the "
                              "destination"));
  EXPECT_THAT(text, HasSubstr("haul approve 0001JD4ABCDEF"));
}

TEST(WatchText, TakesNoMoreLinesThanThereAre) {
  RunPicture picture = picture_of(run_at_work());
  picture.in_work.resize(30);
  const std::string text = watch_text(picture, {}, kNow, 9);
  EXPECT_EQ(std::ranges::count(text, '\n'), 8);
  EXPECT_THAT(text, HasSubstr("PROCESSING"));
}

TEST(Figures, TakeTheProcesssOwnWordWhereItIsAheadOfTheChunks) {
  engine::RunInfo run = run_at_work();
  run.figures =
      R"({"done_objects":350,"done_bytes":1,"moved_bytes":400000,"found_objects":990,"failed_objects":9,)"
      R"("arrived_objects":120,"arrived_bytes":700})";
  const Figures figures = figures_of(run);
  EXPECT_EQ(figures.done_objects, 350U);
  EXPECT_EQ(figures.found_objects, 990U);
  EXPECT_EQ(figures.done_bytes, 400'000U);
  EXPECT_EQ(figures.failed_objects, 9U);
  EXPECT_EQ(figures.arrived_objects, 120U);
  run.figures = "[no JSON of ours";
  EXPECT_EQ(figures_of(run).done_objects, 302U);
}

TEST(RunJson, HasTheFieldsThatAreDocumented) {
  const RunPicture picture = picture_of(run_at_work());
  const json document = json::parse(run_json(picture, estimate_of(picture.info)));
  EXPECT_EQ(document["run"], picture.info.id);
  EXPECT_EQ(document["status"], "PROCESSING");
  EXPECT_EQ(document["accounts"]["moved"], 300);
  EXPECT_EQ(document["to_do"], 678);
  EXPECT_EQ(document["process"]["pid"], 4242);
  EXPECT_EQ(document["progress"]["found_objects"], 980);
  EXPECT_EQ(document["rate"]["objects_per_second"], 10.0);
  EXPECT_LT(document["rate"]["remaining_seconds"]["least"], document["rate"]["remaining_seconds"]["most"]);
  EXPECT_EQ(document["chunks"]["leased"], 2);
  EXPECT_EQ(document["failures"][0]["count"], 2);
  EXPECT_EQ(document["failures"][0]["example"]["key"], "image/1.jpg");
  EXPECT_FALSE(document.contains("exit_code"));
  const json ended = json::parse(run_json(run_that_ended()));
  EXPECT_EQ(ended["exit_code"], 1);
  EXPECT_EQ(ended["closed"], true);
  EXPECT_TRUE(ended.contains("ended"));
}

TEST(RunJson, SurvivesKeysThatAreNoText) {
  engine::ErrorRecord record;
  record.key = "\xff\"\n";
  record.message = "\x1b";
  std::string out;
  append_error_record_json(out, record, "R");
  EXPECT_EQ(json::parse(out)["key"], "\xef\xbf\xbd\"\n");
}

TEST(ErrorLine, NamesTheKeyOnceAndKeepsControlsOffTheTerminal) {
  engine::ErrorRecord record;
  record.key = "a\x1b[31m";
  record.message = "Access Denied";
  EXPECT_EQ(error_line(record), "a\\x1b[31m: Access Denied");
  record.key = "k";
  record.message = "GetObject on s3://b/k: gone";
  EXPECT_EQ(error_line(record), "GetObject on s3://b/k: gone");
}

TEST(Remedies, ExistForEveryClass) {
  for (auto each = ErrorClass::not_found; each <= ErrorClass::internal;
       each = static_cast<ErrorClass>(static_cast<int>(each) + 1))
    EXPECT_THAT(remedy_for(each, "0001JD4ABCDEF0123456789ABC"),
                HasSubstr("haul retry 0001JD4ABCDEF --class"));
}

TEST(Refusal, SaysTheStatusAndWhatCanBeDone) {
  try {
    refuse_ended(run_that_ended());
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("it is COMPLETED_WITH_FAILURES: it has ended"));
    EXPECT_THAT(error.what(), HasSubstr("haul retry"));
  }
  EXPECT_NO_THROW(refuse_ended(run_at_work()));
}

TEST(ExitCode, OfARunIsThatOfItsProcess) {
  engine::RunInfo run = run_that_ended();
  EXPECT_EQ(exit_code_of(run), 1);
  run.status = job::RunStatus::cancelled;
  EXPECT_EQ(exit_code_of(run), 130);
  run.status = job::RunStatus::completed;
  EXPECT_EQ(exit_code_of(run), 0);
  run.operation = "verify";
  run.accounts.missing = 1;
  EXPECT_EQ(exit_code_of(run), 1);
  run.status = job::RunStatus::failed;
  run.accounts = {};
  EXPECT_EQ(exit_code_of(run), 3);
}

}  // namespace
}  // namespace haul::app

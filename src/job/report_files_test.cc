#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/time_format.h"
#include "job/ledger_reader.h"
#include "job/report.h"
#include "job/report_manifest.h"
#include "job/report_test.h"

namespace haul::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReportFilesTest : public ReportTest {
 protected:
  ReportOptions small_segments() const { return {.segment_bytes = 400}; }

  static Ledger ledger(int number) {
    Ledger ledger;
    ledger.lines = R"({"outcome":"copied","key":"k)" + std::to_string(number) + R"("})" + "\n";
    ledger.succeeded = "b,k" + std::to_string(number) + ",,succeeded,,200,\"copied\"\n";
    if (number % 5 == 0) ledger.failed = "b,f" + std::to_string(number) + ",,failed,x,,\"failed\"\n";
    ledger.outcomes = 1;
    return ledger;
  }
  // Appends ledgers from..to and gives the position behind them.
  std::string append(int from, int to, std::string position = {}) {
    ReportFiles files(directory(), small_segments(), position);
    for (int i = from; i < to; ++i)
      position = files.append(ledger(i));
    return position;
  }
  std::string finish(const std::string& position) {
    ReportFiles files(directory(), small_segments(), position);
    return files.finish("{}\n", Time{});
  }
  std::vector<std::string> keys(std::string_view position = {}) {
    LedgerReader reader(directory(), position);
    std::vector<std::string> keys;
    while (const auto line = reader.next())
      keys.push_back(line->outcome.key);
    return keys;
  }
};

TEST_F(ReportFilesTest, KeepsWhatWasAppended) {
  const std::string position = append(0, 3);
  EXPECT_EQ(position.find('\n'), std::string::npos);
  EXPECT_EQ(read("ledger-00001.jsonl"), ledger(0).lines + ledger(1).lines + ledger(2).lines);
  EXPECT_EQ(read("failed-00001.csv"), ledger(0).failed);
  EXPECT_THAT(keys(position), ElementsAre("k0", "k1", "k2"));
}

TEST_F(ReportFilesTest, ClosesSegmentsThatAreFullAndChainsThem) {
  const std::string last = finish(append(0, 40));
  const ReportManifest manifest = parse_manifest(read("manifest.json"));
  EXPECT_GT(manifest.segments.size(), 6U);
  EXPECT_EQ(manifest.segments.back().name, "summary.json");
  std::string chain(kChainBegin);
  for (const Segment& segment : manifest.segments) {
    const std::string content = read(segment.name);
    EXPECT_EQ(segment.bytes, content.size());
    EXPECT_EQ(segment.lines, static_cast<std::uint64_t>(std::ranges::count(content, '\n')));
    EXPECT_EQ(segment.sha256, to_hex(sha256(content)));
    chain = to_hex(sha256(chain + segment.sha256));
    EXPECT_EQ(segment.chain, chain);
  }
  EXPECT_EQ(last, chain);
  EXPECT_EQ(keys().size(), 40U);
}

TEST_F(ReportFilesTest, GivesConsumersOfCompletionReportsTheirManifest) {
  finish(append(0, 2));
  const auto manifest = nlohmann::json::parse(read("manifest.json"));
  EXPECT_EQ(manifest["Format"], "Report_CSV_20180820");
  EXPECT_EQ(manifest["ReportCreationDate"], "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(manifest["ReportSchema"],
            "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage");
  ASSERT_EQ(manifest["Results"].size(), 2U);
  EXPECT_EQ(manifest["Results"][0]["TaskExecutionStatus"], "succeeded");
  EXPECT_EQ(manifest["Results"][0]["Key"], "succeeded-00001.csv");
  const auto md5 = checksum_of(ChecksumAlgorithm::md5, as_bytes(read("succeeded-00001.csv"))).hex();
  EXPECT_EQ(manifest["Results"][0]["MD5Checksum"], md5);
  EXPECT_EQ(manifest["Results"][1]["TaskExecutionStatus"], "failed");
}

TEST_F(ReportFilesTest, EndsAlikeHoweverOftenItIsContinued) {
  finish(append(0, 40));
  const auto undisturbed = contents();
  clear();
  std::string position;
  for (int i = 0; i < 40; ++i)
    position = append(i, i + 1, position);
  finish(position);
  EXPECT_EQ(contents(), undisturbed);
}

TEST_F(ReportFilesTest, CutsOffWhatWasNeverAcknowledgedAtWhateverByteItBroke) {
  const std::string position = append(0, 6);
  const auto acknowledged = contents();
  append(6, 20, position);  // its position is lost: so it never was
  const auto torn = contents();
  const std::string whole = torn.at("ledger-00001.jsonl");
  for (std::size_t size = acknowledged.at("ledger-00001.jsonl").size(); size <= whole.size(); ++size) {
    for (const auto& [name, content] : torn)
      write(name, content);
    write("ledger-00001.jsonl", whole.substr(0, size));
    {
      const ReportFiles files(directory(), small_segments(), position);
    }
    ASSERT_EQ(contents(), acknowledged) << size;
  }
  EXPECT_THAT(keys(append(6, 7, position)), ElementsAre("k0", "k1", "k2", "k3", "k4", "k5", "k6"));
}

TEST_F(ReportFilesTest, RefusesToContinueWhereRecordedBytesAreNotThere) {
  const std::string position = append(0, 30);
  const auto whole = contents();
  for (const auto& [name, content] : whole) {
    if (content.empty()) continue;
    write(name, content.substr(0, content.size() - 1));
    EXPECT_EQ(class_of_continuing(position), ErrorClass::data_loss) << name;
    remove(name);
    EXPECT_EQ(class_of_continuing(position), ErrorClass::data_loss) << name;
    write(name, content);
  }
  EXPECT_EQ(class_of_continuing(position), std::nullopt);
}

TEST_F(ReportFilesTest, RefusesToContinueAnOpenSegmentThatWasChanged) {
  const std::string position = append(0, 3);
  std::string content = read("ledger-00001.jsonl");
  content[20] ^= 1;
  write("ledger-00001.jsonl", content);
  EXPECT_EQ(class_of_continuing(position), ErrorClass::data_loss);
}

TEST_F(ReportFilesTest, RefusesAPositionThatIsNone) {
  const std::string position = append(0, 3);
  for (const std::string& broken : {position + " 1", position.substr(0, position.size() - 1),
                                    std::string("report-1"), "x" + position, std::string("nonsense")})
    EXPECT_EQ(class_of_continuing(broken), ErrorClass::data_loss) << broken;
}

TEST_F(ReportFilesTest, MayBeFinishedTwice) {
  const std::string position = append(0, 40);
  const std::string chain = finish(position);
  const auto first = contents();
  EXPECT_EQ(finish(position), chain);  // as after a crash before the state knew
  EXPECT_EQ(contents(), first);
}

TEST_F(ReportFilesTest, MayBeFinishedWithoutAnyOutcome) {
  finish("");
  finish("");
  EXPECT_EQ(parse_manifest(read("manifest.json")).segments.size(), 1U);
}

TEST_F(ReportFilesTest, IsNotWrittenOverTheReportOfAnotherRun) {
  finish(append(0, 3));
  EXPECT_EQ(class_of_continuing(""), ErrorClass::already_exists);
}

TEST_F(ReportFilesTest, LeavesCsvOutThatNobodyAskedFor) {
  ReportFiles files(directory(), {.csv = false}, "");
  files.append(ledger(5));
  files.finish("{}\n", Time{});
  EXPECT_THAT(read("succeeded-00001.csv") + read("failed-00001.csv"), testing::IsEmpty());
  EXPECT_EQ(parse_manifest(read("manifest.json")).segments.size(), 2U);
}

TEST_F(ReportFilesTest, StaysAsItWasWhenTheDiskIsFull) {
  ReportFiles files(directory(), {}, "");
  const std::string position = files.append(ledger(1));
  // What cannot be opened stands for what cannot be written.
  std::filesystem::create_directory(path("failed-00001.csv"));
  EXPECT_THROW(files.append(ledger(5)), Error);
  EXPECT_EQ(read("ledger-00001.jsonl"), ledger(1).lines);
  std::filesystem::remove(path("failed-00001.csv"));
  files.append(ledger(5));
  EXPECT_EQ(read("ledger-00001.jsonl"), ledger(1).lines + ledger(5).lines);
}

TEST_F(ReportFilesTest, ReadsOnlyWhatWasAcknowledgedOfARunThatGoesOn) {
  const std::string position = append(0, 12);
  append(12, 30, position);
  EXPECT_EQ(keys(position).size(), 12U);
  EXPECT_EQ(keys().size(), 30U);
}

TEST_F(ReportFilesTest, NamesFileAndLineOfALineThatIsBroken) {
  write("ledger-00001.jsonl", ledger(1).lines + "{\"outcome\":\n" + ledger(2).lines);
  LedgerReader reader(directory());
  EXPECT_EQ(reader.next()->outcome.key, "k1");
  try {
    reader.next();
    FAIL() << "the broken line was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::data_loss);
    EXPECT_THAT(error.subject(), HasSubstr("ledger-00001.jsonl line 2"));
  }
  EXPECT_EQ(reader.next()->outcome.key, "k2");
  EXPECT_EQ(reader.next(), std::nullopt);
}

TEST_F(ReportFilesTest, SaysOnceThatALedgerIsCutOff) {
  write("ledger-00001.jsonl", ledger(1).lines + "{\"outcome\":");
  LedgerReader reader(directory());
  EXPECT_TRUE(reader.next().has_value());
  EXPECT_THROW(reader.next(), Error);
  EXPECT_FALSE(reader.next().has_value());
}

}  // namespace
}  // namespace haul::job

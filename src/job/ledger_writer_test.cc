#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/time_format.h"
#include "job/report.h"
#include "stores/memory/memory_store.h"

namespace haul::job {
namespace {

using testing::HasSubstr;

class LedgerWriterTest : public testing::Test {
 protected:
  LedgerWriterTest() {
    job_.operation = Operation::move;
    job_.sources.push_back(
        {.store = std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "old"})});
    job_.destination =
        Destination{.store = std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "new"})};
  }

  Ledger written(const Outcome& outcome, ReportOptions options = {}) {
    LedgerWriter writer(job_, options);
    writer.add(outcome);
    return writer.take();
  }

  Job job_;
};

TEST_F(LedgerWriterTest, WritesEverythingThatIsKnownOfAMovedObject) {
  const Outcome outcome{.kind = OutcomeKind::moved,
                        .key = "image/1.jpg",
                        .destination_key = "avatar/1.jpg",
                        .size = 1234,
                        .losses = {"owner", "mode"},
                        .version = "v1",
                        .etag = "9e107d9d372bb6826bd81d3542a419d6",
                        .modified = *parse_iso8601("2024-01-31T12:34:56.5Z"),
                        .written_version = "v2",
                        .written_etag = "e4d909c290d0fb1ca068ffaddf22cbd0",
                        .checksum = "crc64nvme:AAAAAAAAAAA=",
                        .how = "streamed",
                        .proof = "checksum",
                        .row = R"([7,"image/1.jpg"])",
                        .catalogue = CatalogueState::updated,
                        .source_kept = true,
                        .attempts = 2,
                        .took = std::chrono::microseconds(1'001'500),
                        .finished = *parse_iso8601("2026-11-20T15:00:00.25Z")};
  const Ledger ledger = written(outcome);
  EXPECT_EQ(
      ledger.lines,
      R"({"outcome":"moved","action":"move","place":"old:","key":"image/1.jpg","destination_place":"new:",)"
      R"("destination_key":"avatar/1.jpg","size":1234,"version":"v1","etag":"9e107d9d372bb6826bd81d3542a419d6",)"
      R"("modified":"2024-01-31T12:34:56.500000000Z","written_version":"v2",)"
      R"("written_etag":"e4d909c290d0fb1ca068ffaddf22cbd0","checksum":"crc64nvme:AAAAAAAAAAA=",)"
      R"("how":"streamed","proof":"checksum","losses":["owner","mode"],"row":[7,"image/1.jpg"],)"
      R"("catalogue":"updated","source_kept":true,"attempts":2,"seconds":1.001500,)"
      R"("time":"2026-11-20T15:00:00.250Z"})"
      "\n");
  EXPECT_EQ(ledger.succeeded, "old:,image/1.jpg,v1,succeeded,,200,\"moved\"\n");
  EXPECT_EQ(ledger.failed, "");
  EXPECT_EQ(ledger.outcomes, 1U);
  EXPECT_TRUE(ledger.failures.empty());
}

TEST_F(LedgerWriterTest, WritesAnErrorWithItsWholeChain) {
  const Error error = Error(ErrorClass::permission_denied, "said \"no\"")
                          .during("CopyObject")
                          .on("s3://new/a,b")
                          .with_code("AccessDenied", 403)
                          .with_request_id("R1")
                          .with_attempts(3, std::chrono::milliseconds(1500))
                          .with_hint("ask")
                          .caused_by(Error(ErrorClass::unavailable, "gone"));
  const Ledger ledger = written({.kind = OutcomeKind::failed, .key = "a,b c", .error = error});
  EXPECT_EQ(ledger.lines,
            R"({"outcome":"failed","action":"move","place":"old:","key":"a,b c","size":0,"error":{)"
            R"("class":"permission_denied","message":"said \"no\"","operation":"CopyObject",)"
            R"("subject":"s3://new/a,b","code":"AccessDenied","http_status":403,"request_id":"R1",)"
            R"("attempts":3,"seconds":1.500000,"hint":"ask","cause":{"class":"unavailable",)"
            R"("message":"gone"}},"attempts":1})"
            "\n");
  EXPECT_THAT(ledger.failed, testing::StartsWith("old:,a%2Cb%20c,,failed,AccessDenied,403,\""));
  EXPECT_THAT(ledger.failed, HasSubstr("said \"\"no\"\""));
  EXPECT_EQ(ledger.succeeded, "");
  ASSERT_EQ(ledger.failures.size(), 1U);
  EXPECT_EQ(ledger.failures[0].key, "a,b c");
}

TEST_F(LedgerWriterTest, NamesTheErrorsClassWhereNoServerGaveACode) {
  const Ledger ledger = written(
      {.kind = OutcomeKind::failed, .key = "k", .error = Error(ErrorClass::data_loss, "not what was read")});
  EXPECT_THAT(ledger.failed, testing::StartsWith("old:,k,,failed,data_loss,,\"not what was read"));
}

TEST_F(LedgerWriterTest, CountsADifferenceAsAFailedTask) {
  job_.operation = Operation::check;
  const Ledger ledger = written({.kind = OutcomeKind::different, .key = "k", .reason = "sizes differ"});
  EXPECT_EQ(ledger.failed, "old:,k,,failed,different,200,\"different: sizes differ\"\n");
}

TEST_F(LedgerWriterTest, NamesTheDestinationAsThePlaceOfAnExtraObject) {
  job_.operation = Operation::sync;
  const Ledger ledger =
      written({.kind = OutcomeKind::deleted, .key = "k", .destination_key = "k", .extra = true});
  EXPECT_EQ(ledger.lines,
            R"({"outcome":"deleted","action":"delete","place":"new:","key":"k","destination_key":"k",)"
            R"("size":0,"extra":true,"attempts":1})"
            "\n");
  EXPECT_THAT(ledger.succeeded, testing::StartsWith("new:,k,"));
}

TEST_F(LedgerWriterTest, KeepsHostileKeysOnOneLineWithoutLoss) {
  for (const std::string& key :
       {std::string("new\nline"), std::string("quote\",comma"), std::string("stray\xff\xfe"),
        std::string("nul\0x", 5), std::string("\xe2\x80\xa8 \xf0\x9f\x98\x80"), std::string("a\\u0041")}) {
    const Ledger ledger = written({.kind = OutcomeKind::copied, .key = key, .reason = key});
    EXPECT_EQ(std::ranges::count(ledger.lines, '\n'), 1);
    EXPECT_EQ(std::ranges::count(ledger.succeeded, '\n'), 1);
    const auto line = nlohmann::json::parse(ledger.lines);
    const std::string read = line["key"].is_string() ? line["key"].get<std::string>()
                                                     : *decode_hex(line["key"]["hex"].get<std::string>());
    EXPECT_EQ(read, key);
    const std::size_t begin = ledger.succeeded.find(',') + 1;
    EXPECT_EQ(percent_decode(ledger.succeeded.substr(begin, ledger.succeeded.find(',', begin) - begin)), key);
  }
}

TEST_F(LedgerWriterTest, WritesTimesOfEachSecondAlsoBeforeTheEpoch) {
  LedgerWriter writer(job_, {});
  for (const int milliseconds : {-500, -1, 1, 999, 1000, 61'000})
    writer.add(
        {.kind = OutcomeKind::copied, .key = "k", .finished = Time(std::chrono::milliseconds(milliseconds))});
  const std::string lines = writer.take().lines;
  for (const char* time :
       {"1969-12-31T23:59:59.500Z", "1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00.001Z",
        "1970-01-01T00:00:00.999Z", "1970-01-01T00:00:01.000Z", "1970-01-01T00:01:01.000Z"})
    EXPECT_THAT(lines, HasSubstr(time));
}

TEST_F(LedgerWriterTest, KeepsOnlyFailuresIfThatIsTheScope) {
  LedgerWriter writer(job_, {.scope = ReportScope::failed});
  writer.add({.kind = OutcomeKind::copied, .key = "good"});
  writer.add({.kind = OutcomeKind::failed, .key = "bad", .error = Error(ErrorClass::internal, "x")});
  const Ledger ledger = writer.take();
  EXPECT_EQ(ledger.outcomes, 1U);
  EXPECT_EQ(ledger.succeeded, "");
  EXPECT_THAT(ledger.lines, HasSubstr("\"bad\""));
  EXPECT_EQ(writer.take().outcomes, 0U);
}

TEST_F(LedgerWriterTest, WritesNoCsvWhereNoneIsWanted) {
  EXPECT_EQ(written({.kind = OutcomeKind::copied, .key = "k"}, {.csv = false}).succeeded, "");
}

}  // namespace
}  // namespace haul::job

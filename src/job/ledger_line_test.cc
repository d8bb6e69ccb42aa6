#include "job/ledger_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/time_format.h"
#include "job/report.h"
#include "stores/memory/memory_store.h"

namespace haul::job {
namespace {

// The line of an outcome, without its end.
std::string line_of(const Outcome& outcome) {
  Job job;
  job.operation = Operation::sync;
  for (int i = 0; i < 4; ++i)
    job.sources.push_back({.store = std::make_shared<memory::MemoryStore>()});
  job.destination = Destination{.store = std::make_shared<memory::MemoryStore>()};
  LedgerWriter writer(job, {});
  writer.add(outcome);
  std::string line = writer.take().lines;
  line.pop_back();
  return line;
}

TEST(LedgerLine, ComesBackAsItWasWritten) {
  Error error = Error(ErrorClass::throttled, "slow down").during("PutObject").on("s3://b/\xc3\xa9");
  error = error.with_code("SlowDown", 503).with_request_id("R").with_hint("wait");
  error =
      error.with_attempts(5, std::chrono::milliseconds(2500)).caused_by(Error(ErrorClass::timed_out, "late"));
  const Outcome outcome{.kind = OutcomeKind::failed,
                        .key = std::string("k\0\xff\n", 4),
                        .destination_key = "d\"\\",
                        .reason = "why",
                        .size = UINT64_MAX,
                        .source = 3,
                        .objects = 7,
                        .error = error,
                        .losses = {"tags", "a\nb"},
                        .version = "v",
                        .etag = "e",
                        .modified = *parse_iso8601("2024-01-31T12:34:56.123456789Z"),
                        .written_version = "wv",
                        .written_etag = "we",
                        .checksum = "crc32c:AAAAAA==",
                        .how = "parts",
                        .proof = "read_back",
                        .row = R"([1, null,{"hex":"ff"},1e400])",
                        .catalogue = CatalogueState::unmatched,
                        .source_kept = true,
                        .attempts = 4,
                        .took = std::chrono::microseconds(12345678),
                        .finished = *parse_iso8601("2026-11-20T15:00:00.250Z")};
  const std::string line = line_of(outcome);
  const LedgerLine read = parse_ledger_line(line);
  EXPECT_EQ(read.action, "copy");
  EXPECT_EQ(read.place, "memory:");
  EXPECT_EQ(read.destination_place, "memory:");
  EXPECT_EQ(read.outcome.key, outcome.key);
  EXPECT_EQ(read.outcome.row, outcome.row);
  EXPECT_EQ(read.outcome.modified, outcome.modified);
  EXPECT_EQ(read.outcome.finished, outcome.finished);
  EXPECT_EQ(read.outcome.took, outcome.took);
  EXPECT_STREQ(read.outcome.error->what(), error.what());
  EXPECT_EQ(line_of(read.outcome), line);  // and so is all the rest
}

TEST(LedgerLine, PassesOverWhatALaterVersionMayAdd) {
  const LedgerLine read = parse_ledger_line(R"({"new":[{"a":1}],"outcome":"copied","key":"k","size":5})");
  EXPECT_EQ(read.outcome.size, 5U);
}

TEST(LedgerLine, IsRefusedWhereItIsNone) {
  for (const char* line :
       {"", "{}", "[]", R"({"outcome":"copied"})", R"({"key":"k"})", R"({"outcome":"eaten","key":"k"})",
        R"({"outcome":"copied","key":"k","size":-1})", R"({"outcome":"copied","key":"k"} x)",
        R"({"outcome":"copied","key":{"hex":"f"}})", R"({"outcome":"copied","key":"k","modified":"soon"})",
        R"({"outcome":"copied","key":"k","source":65536})", R"({"outcome":"failed","key":"k","error":{}})",
        R"({"outcome":"copied","key":"k","how":"by post"})",
        R"({"outcome":"copied","key":"k","seconds":1e300})"})
    EXPECT_THROW(parse_ledger_line(line), Error) << line;
}

TEST(LedgerLine, IsRefusedWhereCausesHaveNoEnd) {
  std::string line = R"({"outcome":"failed","key":"k","error":)";
  for (int i = 0; i < 1000; ++i)
    line += R"({"class":"internal","cause":)";
  EXPECT_THROW(parse_ledger_line(line), Error);
}

}  // namespace
}  // namespace haul::job

#include "job/report_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "job/report_manifest.h"
#include "job/report_publish.h"
#include "job/report_summary.h"
#include "job/report_test.h"
#include "runtime/manual_runtime.h"
#include "stores/memory/memory_store.h"

namespace haul::job {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

// Free functions, since coroutines capture nothing.
Task<> put_there(std::string directory, store::Store& store, std::string prefix, OpContext context) {
  co_await publish_report(std::move(directory), store, std::move(prefix), context);
}
Task<ReportVerdict> check_there(store::Store& store, std::string prefix, ReportCheckOptions options,
                                OpContext context) {
  co_return co_await check_report(store, std::move(prefix), std::move(options), context);
}

class ReportCheckTest : public ReportTest {
 protected:
  static constexpr int kMoved = 30;

  ReportCheckTest() {
    job_.operation = Operation::move;
    job_.sources.push_back({.store = source_});
    job_.destination = Destination{.store = destination_};
    report_with(kMoved);
  }

  // A report of a move, in a directory and published below "reports/".
  void report_with(int moved) {
    clear();
    Accounts accounts{.listed = static_cast<std::uint64_t>(moved) + 3, .filtered = 2, .failed = 1};
    ReportFiles files(directory(), {.segment_bytes = 800}, "");
    LedgerWriter writer(job_, {});
    for (int i = 0; i < moved; ++i) {
      const std::string key = "new/" + std::to_string(i);
      destination_->put(key, "content");
      const auto written = context_stat(*destination_, key);
      writer.add({.kind = OutcomeKind::moved,
                  .key = "old/" + std::to_string(i),
                  .destination_key = key,
                  .size = 7,
                  .written_etag = written.etag,
                  .how = "streamed",
                  .proof = "checksum"});
      if (i % 5 == 4) files.append(writer.take());
      ++accounts.moved;
      ++accounts.verified;
      accounts.copied_bytes += 7;
    }
    writer.add({.kind = OutcomeKind::failed, .key = "bad", .error = Error(ErrorClass::internal, "no")});
    files.append(writer.take());
    chain_ =
        files.finish(summary_json({.run = "R", .operation = Operation::move, .accounts = accounts}), Time{});
    publish();
  }

  void publish() {
    reports_ = std::make_shared<memory::MemoryStore>();
    world_.run(put_there(directory(), *reports_, "reports/", world_.context()));
  }
  store::Details context_stat(store::Store& store, const std::string& key) {
    return *world_.run_for(stat_of(store, key, world_.context()));
  }
  static Task<std::optional<store::Details>> stat_of(store::Store& store, std::string key,
                                                     OpContext context) {
    co_return co_await store.stat(std::move(key), {}, context);
  }

  ReportVerdict check(ReportCheckOptions options = {}) {
    options.stores = [this](RecordedSide side, const std::string& place) -> std::shared_ptr<store::Store> {
      EXPECT_EQ(place, side == RecordedSide::source ? "old:" : "new:");
      return side == RecordedSide::source ? source_ : destination_;
    };
    return world_.run_for(check_there(*reports_, "reports/", options, world_.context()));
  }
  std::string published(const std::string& name) const { return *reports_->content("reports/" + name); }
  void tamper(const std::string& name, std::string content) {
    reports_->put("reports/" + name, std::move(content));
  }
  void tamper(const std::string& name, std::string_view from, std::string_view to) {
    std::string content = published(name);
    const std::size_t at = content.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    tamper(name, content.replace(at, from.size(), to));
  }
  void take_away(const std::string& name) {
    auto left = std::make_shared<memory::MemoryStore>();
    for (const std::string& key : reports_->keys())
      if (key != "reports/" + name) left->put(key, *reports_->content(key));
    reports_ = left;
  }
  // Puts the hashes of what is there now into the manifest, as somebody would who wants not to be caught.
  std::string forge_manifest() {
    ReportManifest manifest = parse_manifest(published("manifest.json"));
    std::string chain(kChainBegin);
    for (Segment& segment : manifest.segments) {
      const std::string content = published(segment.name);
      segment.bytes = content.size();
      segment.lines = static_cast<std::uint64_t>(std::ranges::count(content, '\n'));
      segment.sha256 = to_hex(sha256(content));
      if (!segment.md5.empty()) segment.md5 = checksum_of(ChecksumAlgorithm::md5, as_bytes(content)).hex();
      segment.chain = chain = chain_after(chain, segment.sha256);
    }
    tamper("manifest.json", manifest_json(manifest, "", "reports/"));
    return chain;
  }
  static auto names(const std::string& place) {
    return Contains(Field(&Discrepancy::place, HasSubstr(place)));
  }
  static auto says(const std::string& message) {
    return Contains(Field(&Discrepancy::message, HasSubstr(message)));
  }

  ManualRuntime world_;
  std::shared_ptr<memory::MemoryStore> source_ =
      std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "old"});
  std::shared_ptr<memory::MemoryStore> destination_ =
      std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "new"});
  std::shared_ptr<memory::MemoryStore> reports_;
  Job job_;
  std::string chain_;
};

TEST_F(ReportCheckTest, ProvesAReportThatIsAsItWasWritten) {
  const ReportVerdict verdict = check({.chain = chain_});
  EXPECT_THAT(verdict.discrepancies, IsEmpty());
  EXPECT_TRUE(verdict.proven());
  EXPECT_TRUE(verdict.closed);
  EXPECT_EQ(verdict.outcomes, kMoved + 1U);
  EXPECT_EQ(verdict.counted.moved, static_cast<std::uint64_t>(kMoved));
  EXPECT_EQ(verdict.chain, chain_);
  EXPECT_GT(verdict.segments, 6U);
}

TEST_F(ReportCheckTest, CatchesAFlippedByteInEachFile) {
  const ReportManifest manifest = parse_manifest(published("manifest.json"));
  for (const Segment& segment : manifest.segments) {
    const std::string content = published(segment.name);
    for (const std::size_t at : {std::size_t{0}, content.size() / 2, content.size() - 1}) {
      std::string flipped = content;
      flipped[at] ^= 1;
      tamper(segment.name, flipped);
      EXPECT_THAT(check().discrepancies, names(segment.name)) << at;
    }
    tamper(segment.name, content);
  }
  EXPECT_TRUE(check().proven());
}

TEST_F(ReportCheckTest, NamesTheLineThatIsNone) {
  tamper("ledger-00001.jsonl", R"("key":"old/1")", R"("key":17)");
  EXPECT_THAT(check().discrepancies, names("ledger-00001.jsonl line 2"));
}

TEST_F(ReportCheckTest, CatchesALineThatWasTakenOutEvenIfAllHashesAreMadeAnew) {
  const std::string content = published("ledger-00002.jsonl");
  tamper("ledger-00002.jsonl", content.substr(content.find('\n') + 1));
  EXPECT_THAT(check().discrepancies, names("ledger-00002.jsonl"));
  forge_manifest();
  EXPECT_THAT(check().discrepancies, says("30 moved by the accounts, 29 by the ledger"));
}

TEST_F(ReportCheckTest, CatchesASegmentThatIsGone) {
  take_away("ledger-00002.jsonl");
  EXPECT_THAT(check().discrepancies, names("ledger-00002.jsonl"));
}

TEST_F(ReportCheckTest, CatchesSegmentsThatAreSwapped) {
  const std::string first = published("ledger-00001.jsonl"), second = published("ledger-00002.jsonl");
  tamper("ledger-00001.jsonl", second);
  tamper("ledger-00002.jsonl", first);
  EXPECT_THAT(check().discrepancies, names("ledger-00001.jsonl"));
}

TEST_F(ReportCheckTest, CatchesASegmentThatNobodyVouchesFor) {
  tamper("ledger-00099.jsonl", published("ledger-00001.jsonl"));
  EXPECT_THAT(check().discrepancies, names("ledger-00099.jsonl"));
}

TEST_F(ReportCheckTest, CatchesAnEditedSummaryEvenIfAllHashesAreMadeAnew) {
  tamper("summary.json", R"("moved": 30)", R"("moved": 31)");
  EXPECT_THAT(check().discrepancies, names("summary.json"));
  forge_manifest();
  EXPECT_THAT(check().discrepancies, says("its terms add up to"));
}

TEST_F(ReportCheckTest, CatchesAReportThatWasMadeUpAnewByTheChainThatWasKept) {
  for (const char* name : {"summary.json"})
    tamper(name, R"("run": "R")", R"("run": "S")");
  forge_manifest();
  EXPECT_TRUE(check().proven());  // nothing in it can tell
  EXPECT_THAT(check({.chain = chain_}).discrepancies, says(chain_ + " was recorded"));
}

TEST_F(ReportCheckTest, CatchesAResultsListThatLeavesAFileOut) {
  tamper("manifest.json", R"("Key": "reports/failed-00001.csv")", R"("Key": "reports/failed-00002.csv")");
  EXPECT_THAT(check().discrepancies, says("Results do not have failed-00001.csv"));
}

TEST_F(ReportCheckTest, CatchesAManifestThatIsNone) {
  tamper("manifest.json", "{}");
  EXPECT_THAT(check().discrepancies, names("manifest.json"));
  take_away("manifest.json");
  EXPECT_THROW(check(), Error);
}

TEST_F(ReportCheckTest, SaysWhichAccountsTheLedgerDoesNotBear) {
  Accounts accounts{.listed = 5, .copied = 5};
  clear();
  ReportFiles files(directory(), {}, "");
  files.finish(summary_json({.accounts = accounts}), Time{});
  publish();
  EXPECT_THAT(check().discrepancies, says("5 copied by the accounts, 0 by the ledger"));
}

TEST_F(ReportCheckTest, SaysThatAnEquationDoesNotClose) {
  clear();
  ReportFiles files(directory(), {}, "");
  files.finish(summary_json({.accounts = {.listed = 5}}), Time{});
  publish();
  const ReportVerdict verdict = check();
  EXPECT_FALSE(verdict.closed);
  EXPECT_THAT(verdict.discrepancies, says("5 listed, and its terms add up to 0"));
}

TEST_F(ReportCheckTest, LooksAllObjectsUpIfAsked) {
  ReportVerdict verdict = check({.objects = UINT64_MAX});
  EXPECT_EQ(verdict.checked, static_cast<std::uint64_t>(kMoved));
  EXPECT_THAT(verdict.discrepancies, IsEmpty());

  source_->put("old/3", "content");       // a source that should be gone
  destination_->put("new/4", "changed");  // of the same size
  destination_->put("new/5", "longer than it was");
  verdict = check({.objects = UINT64_MAX});
  EXPECT_THAT(verdict.discrepancies, says("old:old/3 is there again"));
  EXPECT_THAT(verdict.discrepancies, says("new:new/4 has etag"));
  EXPECT_THAT(verdict.discrepancies, says("new:new/5 has size 18, and 7 was written"));
  EXPECT_EQ(verdict.discrepancy_count, 4U);  // the last by size and etag
}

TEST_F(ReportCheckTest, DrawsTheSameSampleForTheSameSeed) {
  destination_ = std::make_shared<memory::MemoryStore>(memory::MemoryOptions{.name = "new"});  // all is gone
  const auto sample = [this](std::uint64_t seed) {
    std::vector<std::string> places;
    for (const Discrepancy& each : check({.objects = 5, .seed = seed}).discrepancies)
      places.push_back(each.place);
    return places;
  };
  EXPECT_EQ(sample(1).size(), 5U);
  EXPECT_EQ(sample(1), sample(1));
  EXPECT_NE(sample(1), sample(2));
}

TEST_F(ReportCheckTest, SaysWhatCouldNotBeLookedUp) {
  ReportCheckOptions options{.objects = UINT64_MAX};
  options.stores = [](RecordedSide, const std::string&) -> std::shared_ptr<store::Store> {
    throw Error(ErrorClass::invalid_argument, "no such place");
  };
  const ReportVerdict verdict = world_.run_for(check_there(*reports_, "reports/", options, world_.context()));
  EXPECT_EQ(verdict.unchecked_count, static_cast<std::uint64_t>(kMoved));
  EXPECT_FALSE(verdict.proven());
  EXPECT_EQ(verdict.discrepancy_count, 0U);
}

TEST_F(ReportCheckTest, PublishesTheManifestLastAndRepeatably) {
  EXPECT_THAT(reports_->keys(), Contains("reports/manifest.json"));
  EXPECT_THAT(published("manifest.json"), HasSubstr("\"Key\": \"reports/succeeded-00001.csv\""));
  world_.run(put_there(directory(), *reports_, "reports/", world_.context()));
  EXPECT_TRUE(check({.chain = chain_}).proven());
  write("ledger-00001.jsonl", read("ledger-00002.jsonl"));
  reports_ = std::make_shared<memory::MemoryStore>();
  EXPECT_THROW(world_.run(put_there(directory(), *reports_, "reports/", world_.context())), Error);
  EXPECT_FALSE(reports_->content("reports/manifest.json").has_value());
}

TEST_F(ReportCheckTest, AgreesWithAProgramThatIsNotOurs) {
  const auto verdict_of = [this] {
    const auto script = std::filesystem::path(__FILE__).parent_path() / "../../scripts/verify-report.py";
    const std::string command = "python3 '" + script.string() + "' '" + directory() + "' > /dev/null 2>&1";
    return WEXITSTATUS(std::system(command.c_str()));  // NOLINT(cert-env33-c): a test's own path
  };
  EXPECT_EQ(verdict_of(), 0);
  const auto whole = contents();
  for (const auto& [name, content] : whole) {
    if (name == "segments.jsonl") continue;  // of no meaning any more
    std::string flipped = content;
    flipped[content.size() / 2] ^= 1;
    if (name != "manifest.json") {
      write(name, flipped);
      EXPECT_EQ(verdict_of(), 1) << name;
      write(name, content.substr(0, content.size() / 2));
      EXPECT_EQ(verdict_of(), 1) << name;
      remove(name);
      EXPECT_EQ(verdict_of(), 1) << name;
    }
    write(name, content);
  }
  EXPECT_EQ(verdict_of(), 0);
}

}  // namespace
}  // namespace haul::job

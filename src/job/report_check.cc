#include "job/report_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/utf8.h"
#include "job/ledger_recount.h"
#include "job/line_splitter.h"
#include "job/report_manifest.h"
#include "job/report_summary.h"
#include "runtime/task_group.h"

namespace haul::job {
namespace {

constexpr std::size_t kCheckedPiece = 256U << 10;
constexpr std::size_t kToldAtMost = 1000;
constexpr std::size_t kBatch = 1024;  // objects that are looked up together
constexpr std::size_t kLookupsAtOnce = 64;
constexpr std::uint64_t kLargestDocument = 256ULL << 20;  // manifest and summary

// splitmix64: small, and the same on every machine, so that a sample can be drawn again.
class SampleDice {
 public:
  explicit SampleDice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % bound;
  }

 private:
  std::uint64_t state_;
};

class ReportCheck {
 public:
  ReportCheck(store::Store& store, std::string prefix, ReportCheckOptions options, OpContext& context)
      : store_(store), prefix_(std::move(prefix)), options_(std::move(options)), context_(context) {}

  Task<ReportVerdict> run() {
    if (!co_await read_manifest()) co_return std::move(verdict_);
    check_names();
    std::string chain(kChainBegin);
    for (const Segment& segment : manifest_.segments)
      co_await check_segment(segment, chain);
    verdict_.chain = chain;
    if (!options_.chain.empty() && options_.chain != chain)
      wrong("manifest.json", "the chain ends in " + chain + ", and " + options_.chain + " was recorded");
    co_await look_for_strangers();
    compare_counts();
    if (!complete_sample_) co_await recheck_batch();
    co_return std::move(verdict_);
  }

 private:
  void wrong(std::string place, std::string message) {
    ++verdict_.discrepancy_count;
    if (verdict_.discrepancies.size() < kToldAtMost)
      verdict_.discrepancies.push_back({std::move(place), std::move(message)});
  }

  // A small file as a whole. Nothing if it is not there.
  Task<std::optional<std::string>> read_document(std::string name) {
    std::string content;
    std::unique_ptr<store::Reader> reader;
    try {
      reader = co_await store_.read(prefix_ + name, {.properties = false}, context_);
    } catch (const Error& error) {
      if (error.error_class() != ErrorClass::not_found) throw;
    }
    if (!reader) co_return std::nullopt;
    if (reader->size() > kLargestDocument)
      throw Error(ErrorClass::data_loss, "is too large to be part of a report")
          .on(store_.describe(prefix_ + name));
    content.resize(reader->size());
    std::size_t filled = 0;
    while (filled < content.size()) {
      const std::size_t n =
          co_await reader->read_some(std::as_writable_bytes(std::span(content).subspan(filled)), context_);
      if (n == 0) break;
      filled += n;
    }
    content.resize(filled);
    co_return content;
  }

  Task<bool> read_manifest() {
    const std::optional<std::string> text = co_await read_document("manifest.json");
    if (!text)
      throw Error(ErrorClass::not_found, "there is no manifest.json")
          .during("verify report")
          .on(store_.describe(prefix_))
          .with_hint("a report has one once its run has ended");
    try {
      manifest_ = parse_manifest(*text);
    } catch (const Error& error) {
      wrong("manifest.json", error.message());
      co_return false;
    }
    dice_.emplace(verdict_.seed = options_.seed.value_or(seed_of_chain()));
    complete_sample_ = options_.objects == UINT64_MAX;
    co_return true;
  }

  std::uint64_t seed_of_chain() const {
    std::uint64_t seed = 0;
    if (manifest_.segments.empty()) return seed;
    const std::string& chain = manifest_.segments.back().chain;
    std::from_chars(chain.data(), chain.data() + std::min<std::size_t>(chain.size(), 16), seed, 16);
    return seed;
  }

  // Each kind counts from 1 without a gap, and the summary comes last.
  void check_names() {
    std::map<SegmentKind, std::uint64_t> numbers;
    for (const Segment& segment : manifest_.segments) {
      const SegmentKind kind = *segment_kind(segment.name);
      if (kind == SegmentKind::summary) continue;
      if (const std::uint64_t expected = ++numbers[kind]; segment_number(segment.name) != expected)
        wrong("manifest.json", fmt::format("{} stands where number {} should", segment.name, expected));
    }
    const bool summary_is_last = !manifest_.segments.empty() &&
                                 manifest_.segments.back().name == "summary.json" &&
                                 std::ranges::count(manifest_.segments, "summary.json", &Segment::name) == 1;
    if (!summary_is_last) wrong("manifest.json", "the chain does not end with summary.json");
    for (const Segment& segment : manifest_.segments) {
      const SegmentKind kind = *segment_kind(segment.name);
      if (kind != SegmentKind::succeeded && kind != SegmentKind::failed) continue;
      if (std::ranges::find(manifest_.results, std::pair(segment.name, segment.md5)) ==
          manifest_.results.end())
        wrong("manifest.json", "Results do not have " + segment.name + " with its MD5");
    }
  }

  Task<> check_segment(const Segment& segment, std::string& chain) {
    ++verdict_.segments;
    Sha256 sha256;
    Digest md5(DigestAlgorithm::md5);
    std::uint64_t bytes = 0, lines = 0;
    std::unique_ptr<store::Reader> reader;
    try {
      reader = co_await store_.read(prefix_ + segment.name, {.properties = false}, context_);
    } catch (const Error& error) {
      if (error.error_class() != ErrorClass::not_found) throw;
      wrong(segment.name, "is not there");
    }
    if (!reader) {
      chain = segment.chain;  // the others can still be judged
      co_return;
    }
    const SegmentKind kind = *segment_kind(segment.name);
    const bool is_csv = kind == SegmentKind::succeeded || kind == SegmentKind::failed;
    LineSplitter splitter;
    std::string summary;
    std::vector<std::byte> buffer(kCheckedPiece);
    while (const std::size_t n = co_await reader->read_some(buffer, context_)) {
      const std::string_view piece(reinterpret_cast<const char*>(buffer.data()), n);
      sha256.update(piece);
      if (is_csv) md5.update(as_bytes(piece));
      bytes += n;
      if (kind == SegmentKind::summary && summary.size() < kLargestDocument) summary += piece;
      splitter.feed(piece, [&](std::string_view line) {
        ++lines;
        if (kind == SegmentKind::ledger) take_line(line, segment.name, lines);
      });
      while (complete_sample_ && chosen_.size() >= kBatch)
        co_await recheck_batch();
    }
    if (complete_sample_) co_await recheck_batch();
    verdict_.bytes += bytes;
    if (kind != SegmentKind::summary && !splitter.begun().empty())
      wrong(fmt::format("{} line {}", segment.name, lines + 1), "is cut off");
    if (bytes != segment.bytes)
      wrong(segment.name, fmt::format("has {} bytes, and {} were recorded", bytes, segment.bytes));
    if (lines != segment.lines)
      wrong(segment.name, fmt::format("has {} lines, and {} were recorded", lines, segment.lines));
    const std::string digest = to_hex(std::move(sha256).finish());
    if (digest != segment.sha256)
      wrong(segment.name, "has SHA-256 " + digest + ", and " + segment.sha256 + " was recorded");
    if (is_csv) {
      (kind == SegmentKind::succeeded ? succeeded_lines_ : failed_lines_) += lines;
      std::array<std::byte, 16> md5_bytes;
      md5.finish(md5_bytes);
      if (to_hex(md5_bytes) != segment.md5)
        wrong(segment.name, "has MD5 " + to_hex(md5_bytes) + ", and " + segment.md5 + " was recorded");
    }
    chain = chain_after(chain, digest);
    if (chain != segment.chain)
      wrong(segment.name,
            "the chain comes to " + chain + " behind it, and " + segment.chain + " was recorded");
    chain = segment.chain;
    if (kind == SegmentKind::summary) read_summary(summary);
  }

  void take_line(std::string_view text, const std::string& name, std::uint64_t number) {
    RecordedOutcome recorded;
    try {
      recorded.line = parse_ledger_line(text);
    } catch (const Error& error) {
      wrong(fmt::format("{} line {}", name, number), error.message());
      return;
    }
    recount_.add(recorded.line);
    if (options_.objects == 0 || !can_recheck(recorded.line.outcome)) return;
    recorded.place = fmt::format("{} line {}", name, number);
    ++verdict_.candidates;
    // Every object has the same chance to be among the chosen (Vitter's algorithm R).
    if (complete_sample_ || chosen_.size() < options_.objects) {
      chosen_.push_back(std::move(recorded));
    } else if (const std::uint64_t at = dice_->below(verdict_.candidates); at < chosen_.size()) {
      chosen_[at] = std::move(recorded);
    }
  }

  void read_summary(const std::string& text) {
    try {
      const auto summary = nlohmann::json::parse(text);
      Accounts::each(verdict_.stated, [&](const char* name, std::uint64_t& value) {
        value = summary.at("accounts").at(name).get<std::uint64_t>();
      });
      has_accounts_ = true;
      check_equations(summary);
    } catch (const nlohmann::json::exception& error) {
      wrong("summary.json", std::string("is no summary of a run: ") + error.what());
    }
  }

  void check_equations(const nlohmann::json& summary) {
    verdict_.closed = verdict_.stated.closed();
    if (summary.at("closed").get<bool>() != verdict_.closed)
      wrong("summary.json", "says otherwise than its accounts whether they add up");
    const auto& stated = summary.at("equations");
    std::size_t at = 0;
    for (const Equation& equation : equations_of(verdict_.stated)) {
      if (!equation.closed())
        wrong("summary.json", fmt::format("{} {}, and its terms add up to {}", equation.whole.count,
                                          equation.whole.name, equation.sum()));
      const auto& theirs = stated.at(at++);
      bool same = theirs.at(std::string(equation.whole.name)) == equation.whole.count &&
                  theirs.at("sum") == equation.sum() && theirs.at("closed") == equation.closed();
      for (const EquationTerm& term : equation.terms)
        same = same && theirs.at("terms").at(std::string(term.name)) == term.count;
      if (!same)
        wrong("summary.json",
              fmt::format("the equation of {} is not that of the accounts", equation.whole.name));
    }
  }

  // Files of a report that nothing vouches for.
  Task<> look_for_strangers() {
    std::set<std::string, std::less<>> known;
    for (const Segment& segment : manifest_.segments)
      known.insert(segment.name);
    const auto lister = store_.list({.prefix = prefix_, .one_level = true});
    while (true) {
      const store::ListPage page = co_await lister->next(context_);
      for (const store::Entry& entry : page.entries) {
        const std::string_view name = entry.key.substr(prefix_.size());
        if (segment_kind(name) && !known.contains(name)) wrong(std::string(name), "is not in the manifest");
      }
      if (page.last) break;
    }
  }

  void compare_counts() {
    verdict_.outcomes = recount_.lines();
    verdict_.counted = recount_.accounts();
    if (manifest_.csv) {
      if (failed_lines_ != recount_.bad_lines())
        wrong("failed-*.csv",
              fmt::format("have {} lines, and {} outcomes of the ledger are failed or different",
                          failed_lines_, recount_.bad_lines()));
      if (succeeded_lines_ != recount_.lines() - recount_.bad_lines())
        wrong("succeeded-*.csv", fmt::format("have {} lines, and {} outcomes of the ledger have succeeded",
                                             succeeded_lines_, recount_.lines() - recount_.bad_lines()));
    }
    if (has_accounts_)
      recount_.compare(verdict_.stated, manifest_.scope,
                       [this](std::string message) { wrong("summary.json", std::move(message)); });
  }

  Task<> recheck_batch() {
    std::vector<RecordedOutcome> batch = std::exchange(chosen_, {});
    std::size_t next = 0;
    TaskGroup group(context_.executor());
    for (std::size_t i = 0; i < std::min(kLookupsAtOnce, batch.size()); ++i)
      group.spawn(recheck_lane(batch, next));
    co_await group.join();
  }

  Task<> recheck_lane(const std::vector<RecordedOutcome>& batch, std::size_t& next) {
    while (next < batch.size()) {
      const RecordedOutcome& recorded = batch[next++];
      std::optional<Error> failed;
      try {
        for (std::string& message : co_await recheck_object(recorded, options_.stores, context_))
          wrong(recorded.place, std::move(message));
        ++verdict_.checked;
      } catch (...) {
        failed = current_error();
      }
      if (!failed) continue;
      context_.check();
      if (++verdict_.unchecked_count <= kToldAtMost)
        verdict_.unchecked.push_back({recorded.place, failed->what()});
    }
  }

  store::Store& store_;
  const std::string prefix_;
  const ReportCheckOptions options_;
  OpContext& context_;
  ReportManifest manifest_;
  LedgerRecount recount_;
  std::uint64_t succeeded_lines_ = 0, failed_lines_ = 0;
  bool has_accounts_ = false;
  std::optional<SampleDice> dice_;
  bool complete_sample_ = false;
  std::vector<RecordedOutcome> chosen_;
  ReportVerdict verdict_;
};

}  // namespace

Task<ReportVerdict> check_report(store::Store& store, std::string prefix, ReportCheckOptions options,
                                 OpContext& context) {
  ReportCheck check(store, std::move(prefix), std::move(options), context);
  co_return co_await check.run();
}

}  // namespace haul::job

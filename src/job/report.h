// The report of a run: all outcomes as files, in segments, with a hash chain over them that a second program
// can check (docs/report.md).
//
//   manifest.json              Report_CSV_20180820 manifest of the CSV segments, and ours of all segments
//   summary.json               counters, equation, durations, options
//   ledger-00001.jsonl ...     every outcome with everything that is known
//   segments.jsonl             the segments that were closed while the run went on
//   succeeded-00001.csv ...    Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage
//   failed-00001.csv ...
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "job/job.h"
#include "job/outcome.h"

namespace haul::job {

enum class ReportScope : std::uint8_t { all, failed };

struct ReportOptions {
  ReportScope scope = ReportScope::all;
  bool csv = true;
  std::uint64_t segment_bytes = 64ULL << 20;
};

// Writes outcomes as lines. Not thread-safe; one a chunk. Refers to the job.
class LedgerWriter {
 public:
  LedgerWriter(const Job& job, const ReportOptions& options);

  void add(const Outcome& outcome);
  // Takes away what was written so far.
  Ledger take();
  bool wants_all() const noexcept { return options_.scope == ReportScope::all; }

 private:
  // A place as it stands in lines: everything that is the same for all its objects.
  struct Place {
    std::string json;    // as a JSON string
    std::string bucket;  // as a CSV field
  };
  static Place place_of(const store::Store& store);
  std::string_view action_of(const Outcome& outcome) const noexcept;
  void add_line(const Outcome& outcome, const Place& place);
  void add_csv(const Outcome& outcome, const Place& place);
  void add_time(Time time);

  const Job& job_;
  const ReportOptions options_;
  std::vector<Place> sources_;
  Place destination_;
  Ledger ledger_;
  // The second of the last time that was written, as text: most objects of a chunk end in the same one.
  Time::rep last_second_ = std::numeric_limits<Time::rep>::min();
  std::string last_second_text_;
};

// The files of a report while its run goes on. Not thread-safe; blocks (used on the blocking pool).
//
// Each of the three kinds of files is written in segments. A segment that has reached segment_bytes is closed
// and joins the chain: SHA-256 over the chain's value before, and the segment's own SHA-256, both as text.
// segments.jsonl lists what is closed, so that the position stays short however long the run.
class ReportFiles {
 public:
  // Creates the directory, or continues at `position`: what lies behind it was never acknowledged, and is cut
  // off. Throws data_loss if what lies before it is not there or not what was written (closed segments: by
  // their size; the open ones: byte by byte). An empty position begins anew; throws already_exists if the
  // directory holds a finished report.
  ReportFiles(std::string directory, const ReportOptions& options, std::string_view position);
  ~ReportFiles();
  ReportFiles(const ReportFiles&) = delete;
  ReportFiles& operator=(const ReportFiles&) = delete;

  // Durable when it returns. Gives the position behind it, one line of text, to be kept in the state. If it
  // throws, nothing of it counts, and it may be tried again. CSV that options do not ask for is left out.
  std::string append(const Ledger& ledger);

  // Ends the report: writes summary.json and manifest.json, durably. `summary` is a JSON object as
  // summary_json() makes it (job/report_summary.h); `now` is the report's creation date. Changes nothing that
  // append() or a later continuation needs, so it can be repeated. Gives the last value of the chain, which
  // covers all segments and the summary: kept elsewhere, it tells a report that was made up anew.
  std::string finish(std::string_view summary, Time now);

  const std::string& directory() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace haul::job

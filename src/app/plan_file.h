// A plan: exactly what a job would do, written down to be looked at, approved, and carried out as it stands.
//
// JSON lines. The first is the header, {"haul-plan":1,"created":TIME,"job":{...}}; then one a step,
//   {"do":"copy","key":KEY,"size":N,"modified":TIME,"etag":ETAG,"version":VERSION,"source":0,"row":ROW}
// where "do" is copy, move, delete, tag, or delete-extra for what only the destination has, and KEY is text,
// or
// {"hex":...} for bytes that are no UTF-8; the last is {"steps":N,"bytes":N,"sha256":HEX} of all before it.
#pragma once

#include <cstdint>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "app/run_selection.h"
#include "base/digest.h"
#include "job/job.h"
#include "job/outcome_sink.h"
#include "listing/entry_stream.h"

namespace haul::app {

// Writes what a dry run would do. The file appears under its name once it is complete; it is flushed to disk
// then. Throws what a file system says.
class PlanWriter final : public job::OutcomeSink {
 public:
  PlanWriter(std::string path, std::string_view job, Time created);
  ~PlanWriter() override;  // removes what was not finished
  PlanWriter(const PlanWriter&) = delete;
  PlanWriter& operator=(const PlanWriter&) = delete;

  bool wants_all() const noexcept override { return true; }
  void accept(const job::Outcome& outcome) override;

  // Once the run has ended. Blocks.
  void finish();
  std::uint64_t steps() const noexcept { return steps_; }
  std::uint64_t bytes() const noexcept { return bytes_; }  // of the objects, those that go included
  std::uint64_t failures() const noexcept { return failures_; }

 private:
  void write(std::string_view text);

  const std::string path_, temporary_;
  std::mutex mutex_;  // guards all below
  int file_ = -1;
  std::string buffer_;
  Sha256 digest_;
  std::uint64_t steps_ = 0, bytes_ = 0, failures_ = 0;
};

struct PlanFacts {
  std::string job;  // JobSpec::resolved
  std::string sha256;
  std::uint64_t steps = 0;
  bool deletes_extras = false;
};

// Reads all of it, and checks it. Throws data_loss for a plan that is damaged or cut off, invalid_argument
// for what is no plan. Blocks.
PlanFacts check_plan(const std::string& path);

// The steps of one source, or what is to go from the destination, in the state that was planned. The plan was
// checked before, and lines that make no sense since are data_loss.
class PlanStream final : public listing::EntryStream {
 public:
  // `directories`: keys that end in a slash are directories, and no objects.
  PlanStream(std::string path, PlanPart part, std::uint16_t source, bool directories);

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const listing::ListingFacts& facts() const noexcept override { return facts_; }
  // The offset of the next line.
  std::optional<std::string> place() const override { return std::to_string(offset_); }
  void go_on_at(std::string_view place) override;

 private:
  std::optional<store::ListPage> read_page();
  bool take_line(const std::string& line, store::ListPage& page) const;

  const std::string path_;
  const PlanPart part_;
  const std::uint16_t source_;
  const bool directories_;
  std::ifstream file_;
  std::uint64_t offset_ = 0;
  listing::ListingFacts facts_;
};

}  // namespace haul::app

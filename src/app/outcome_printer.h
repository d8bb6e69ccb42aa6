// Tells of single outcomes while a run goes on: failures always, everything if asked, and counts what a plan
// is about.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "app/output.h"
#include "app/screen.h"
#include "app/settings.h"
#include "job/job.h"
#include "job/outcome_sink.h"

namespace haul::app {

// Requests that the outcomes of a dry run would take, by operation as S3 calls it.
struct PlannedRequests {
  std::uint64_t get = 0, put = 0, copy = 0, create_upload = 0, upload_part = 0, upload_part_copy = 0,
                complete_upload = 0, delete_objects = 0;
};

// One outcome as a line of JSON (docs/json.md), or as a line for people.
void append_outcome_json(std::string& out, const job::Job& job, const job::Outcome& outcome);
std::string outcome_line(const job::Job& job, const job::Outcome& outcome, bool dry_run);
void append_error_json(std::string& out, const Error& error);

class OutcomePrinter final : public job::OutcomeSink {
 public:
  // What it is given outlives it.
  OutcomePrinter(const Settings& settings, const job::Job& job, Screen& screen, Output& output);

  bool wants_all() const noexcept override { return wants_all_; }
  void accept(const job::Outcome& outcome) override;

  // After the run.
  const PlannedRequests& planned() const noexcept { return planned_; }
  const std::vector<std::string>& failures_json() const noexcept { return failures_; }  // the first ones

 private:
  void plan(const job::Outcome& outcome);

  const Settings& settings_;
  const job::Job& job_;
  Screen& screen_;
  Output& output_;
  const bool wants_all_;
  std::mutex mutex_;  // guards all below, and output_
  PlannedRequests planned_;
  std::vector<std::string> failures_;
  std::uint64_t deleted_ = 0;
};

}  // namespace haul::app

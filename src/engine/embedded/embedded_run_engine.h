// The engine of runs that outlive their process: one run of a state, worked on by this process.
//
// What returns is durable, but for leases: a process that dies gives back its leases anyway. Steps that come
// while others are being written are written together.
//
// A full disk, or any other failure to write, is thrown to whoever asked (exhausted for a full disk) and
// leaves state and report as they were before that step: the run can be paused and resumed.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "engine/embedded/state_directory.h"
#include "job/progress.h"
#include "job/report.h"
#include "job/report_summary.h"
#include "job/run_engine.h"

namespace haul::engine {

struct EmbeddedRunOptions {
  job::ReportOptions report;
  std::size_t queue_chunks = 1000;                 // queued chunks that discovery waits behind
  Duration retry_delay = std::chrono::seconds(2);  // before the second attempt; doubles, with jitter
  Duration longest_retry_delay = std::chrono::minutes(1);
  Duration heartbeat = std::chrono::seconds(1);  // zero: only beat() by hand
  std::uint64_t segment_bytes = 64ULL << 20;     // of the manifest
  // Called when the report is finished, with what the engine knows filled in: adds operation, places and the
  // catalogue's effort. On a thread of the blocking pool.
  std::function<void(job::RunSummary&)> complete_summary;
};

class EmbeddedRunEngine final : public job::RunEngine {
 public:
  // Takes the run over: what another process had leased is queued again, what its discovery had not made
  // durable is forgotten, and a status that says that somebody works on it becomes PAUSED. Blocks. The state
  // has to be locked by this process, and both outlive the engine.
  // Throws not_found, precondition_failed for a run that has ended, data_loss if its files are not there.
  EmbeddedRunEngine(StateDirectory& state, std::string run, const EmbeddedRunOptions& options,
                    const job::Progress& progress);
  // No call may be waiting any more.
  ~EmbeddedRunEngine() override;

  const std::string& run() const noexcept;
  // Directory of the report.
  const std::string& report_path() const noexcept;

  job::RunStatus status() const override;
  job::Accounts accounts() const override;
  // With a final status: the report is finished, then what was still queued and the manifest are removed.
  // A run that has ended CANCELLED or FAILED cannot be resumed.
  Task<> set_status(job::RunStatus status, OpContext& context) override;
  // Why the run failed or paused, for RunInfo and the report. At any time: told after a final status, the
  // summary of the report is written anew.
  Task<> set_error(const Error& error, OpContext& context);

  bool durable() const noexcept override { return true; }
  job::DiscoveryState discovery() const override;
  Task<bool> discovered(job::DiscoveryStep step, OpContext& context) override;
  // An attempt that failed is followed by the next after retry_delay * 2^(attempt - 1), longest_retry_delay
  // at the most, with jitter; what a drain has left over (the attempt is not counted up) at once.
  Task<std::optional<job::Chunk>> lease(OpContext& context) override;
  Task<> record_stage(std::uint64_t chunk, job::Stage stage, std::string facts, OpContext& context) override;
  Task<> record(job::ChunkReport report, OpContext& context) override;
  Task<> release_extras(OpContext& context) override;
  Task<> keep_extras(OpContext& context) override;
  void close() override;
  void hold() override;
  void reopen() override;
  Task<> cancel(OpContext& context) override;

  job::Wish wish() const override;
  bool approved() const override;

  // What happens every `heartbeat` by itself: says that this process is there, shows the live figures, hears
  // wishes. Blocks.
  void beat();

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace haul::engine

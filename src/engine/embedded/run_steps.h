// The steps that a run can take, as RunBook writes them down.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/embedded/run_book.h"
#include "job/progress.h"

namespace haul::engine {

class DiscoveredStep final : public Step {
 public:
  DiscoveredStep(job::DiscoveryStep step, Time now)
      : step_(std::move(step)), now_(now), holds_(!step_.place && !step_.last) {}
  void write_files(BookFiles& files, BookPage& page) override;
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;
  bool durable() const override { return !holds_; }
  std::vector<job::Chunk> take_queued() override { return std::move(queued_); }

  // After it was written: whether the run had been cancelled.
  bool refused() const noexcept { return refused_; }

 private:
  job::DiscoveryStep step_;
  const Time now_;
  const bool holds_;  // what the next process would find again is not given out, and need not be durable
  std::vector<ChunkRow> rows_;
  std::vector<job::Chunk> queued_;
  bool refused_ = false;
  bool released_ = false;  // what was held before
};

class LeaseStep final : public Step {
 public:
  // No chunk is put back for longer than `longest`: what seems to be is due, since the clock was set back.
  // Suspects are given out only once discovery is over here: then they are alone indeed.
  LeaseStep(const Env& env, Duration longest, bool suspects)
      : env_(env), longest_(longest), suspects_(suspects) {}
  void write_files(BookFiles&, BookPage&) override {}
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;
  bool durable() const override { return false; }

  std::optional<ChunkRow>& chunk() noexcept { return chunk_; }
  bool changes() const override { return chunk_.has_value(); }
  // Without a chunk: when the next one is due; nothing if none is queued, or only what has to wait for
  // others.
  std::optional<Time> due() const noexcept { return due_; }

 private:
  const Env& env_;
  const Duration longest_;
  const bool suspects_;
  std::optional<ChunkRow> chunk_;
  std::optional<Time> due_;
};

class StageStep final : public Step {
 public:
  StageStep(std::uint64_t chunk, job::Stage stage, std::string facts)
      : chunk_(chunk), stage_(stage), facts_(std::move(facts)) {}
  void write_files(BookFiles&, BookPage&) override {}
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;

 private:
  const std::uint64_t chunk_;
  const job::Stage stage_;
  const std::string facts_;
};

class RecordStep final : public Step {
 public:
  // The rest, if it is another attempt, is put back until `now` + `pause`.
  RecordStep(job::ChunkReport report, Time now, Duration pause)
      : report_(std::move(report)), now_(now), pause_(pause) {}
  void write_files(BookFiles& files, BookPage& page) override;
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;

  std::vector<job::Chunk> take_queued() override { return std::move(queued_); }

  std::uint64_t chunk() const noexcept { return report_.chunk; }

 private:
  job::ChunkReport report_;
  const Time now_;
  const Duration pause_;
  bool counts_ = false;  // false: recorded before
  std::vector<ChunkRow> rest_;
  std::vector<job::Chunk> queued_;
};

// Release or keep extras; or give up everything that nobody has leased.
class GiveUpStep final : public Step {
 public:
  enum class What : std::uint8_t { extras, everything };
  explicit GiveUpStep(What what) : what_(what) {}
  void write_files(BookFiles& files, BookPage& page) override;
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;
  bool alone() const override { return true; }

 private:
  const What what_;
};

class ReleaseExtrasStep final : public Step {
 public:
  void write_files(BookFiles&, BookPage&) override {}
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;
};

// A new status, or a reason for the one there is. Finishes the report when the run has ended.
class StatusStep final : public Step {
 public:
  StatusStep(std::optional<job::RunStatus> status, std::optional<Error> error, Time now, RunOrigin origin,
             const job::Progress& progress, const EmbeddedRunOptions& options)
      : status_(status),
        error_(std::move(error)),
        now_(now),
        origin_(std::move(origin)),
        progress_(progress),
        options_(options) {}
  void write_files(BookFiles& files, BookPage& page) override;
  void write_tables(RunTables& tables, std::int64_t run, BookPage& page) override;
  bool alone() const override { return true; }

 private:
  void follow(BookPage& page) const;
  std::string summary(const BookPage& page) const;

  const std::optional<job::RunStatus> status_;
  const std::optional<Error> error_;
  const Time now_;
  const RunOrigin origin_;
  const job::Progress& progress_;
  const EmbeddedRunOptions& options_;
};

}  // namespace haul::engine

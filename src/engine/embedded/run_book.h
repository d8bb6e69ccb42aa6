// What a process knows of the run that it works on, and how a step of the run is written down.
//
// A step comes in two phases, each in the order of the steps that are written together: files first
// (manifest, report), then tables, in one transaction that also names the new ends of the files. Until that
// is committed nothing of a step counts: what it left in files lies behind an end, and is cut off.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/embedded/embedded_run_engine.h"
#include "engine/embedded/held_ledger.h"
#include "engine/embedded/manifest_segments.h"
#include "engine/embedded/run_tables.h"
#include "engine/embedded/state_writer.h"

namespace haul::engine {

struct Lease {
  std::uint32_t attempt = 1;
  std::uint32_t segment = 0;
  bool alone = false;  // a suspect
};

// A value: a step works on a copy, which takes effect as a whole.
struct BookPage {
  RunRecord record;
  // Chunks that wait to be leased, those to be `returned` included. Suspects are counted apart.
  std::uint64_t queued = 0, suspects = 0;
  std::map<std::uint64_t, Lease> leases;  // a few for each shard
  // Leased chunks whose report could not be written: they are queued again with the next step.
  std::vector<std::uint64_t> returned;
  std::map<std::uint32_t, std::uint64_t> segments;  // chunks in each that are not done
  bool cancelled = false;
  Time status_since{};
  std::optional<Error> error;  // what record.error tells, as long as this process knows it

  bool none_queued() const noexcept { return queued == 0 && suspects == 0; }
  std::uint64_t& count_of(bool suspect) noexcept { return suspect ? suspects : queued; }
  void count_queued(RunTables& tables, std::int64_t run);

  // Of a discovery that is not durable yet.
  bool held = false;
  job::Accounts held_accounts;
  std::uint64_t held_ledger = 0;  // size
};

// The files of a run, as far as steps write to them.
struct BookFiles {
  ManifestSegments manifest;
  HeldLedger held;
  std::string report_path;
  job::ReportOptions report_options;
  std::unique_ptr<job::ReportFiles> open_report{};  // none after a failure, until it is needed again
  job::Ledger ledger{};                             // of the steps that are being written
  std::string encoded{};                            // room for a chunk

  job::ReportFiles& report(const RunRecord& record);
};

class RunBook;

class Step {
 public:
  virtual ~Step() = default;
  virtual void write_files(BookFiles& files, BookPage& page) = 0;
  virtual void write_tables(RunTables& tables, std::int64_t run, BookPage& page) = 0;
  // After it was written, once: the chunks that can be leased now.
  virtual std::vector<job::Chunk> take_queued() { return {}; }
  // False: it would do no harm if a power cut undid it.
  virtual bool durable() const { return true; }
  // After it was written: whether those who wait for something may find it now.
  virtual bool changes() const { return true; }
  // Must not be written together with others.
  virtual bool alone() const { return false; }
};

// Blocks. Not thread-safe, but for what says so.
class RunBook {
 public:
  RunBook(StateDirectory& state, std::string_view run, const EmbeddedRunOptions& options);
  ~RunBook();
  RunBook(const RunBook&) = delete;
  RunBook& operator=(const RunBook&) = delete;

  const RunOrigin& origin() const noexcept { return origin_; }
  const std::string& report_path() const noexcept { return files_->report_path; }
  // As it was found, after taking over.
  const BookPage& first_page() const noexcept { return first_page_; }
  bool approved() const noexcept { return approved_; }

  // Writes the steps; gives the page behind them. Throws with nothing changed.
  BookPage commit(const BookPage& page, std::span<Step* const> steps);

  // Thread safety: any thread.
  std::string read(const ManifestSlice& slice) const { return files_->manifest.read(slice); }
  Request beat(Time now, Time progress, std::string_view figures);

 private:
  void forget_unacknowledged(const BookPage& page);
  void write_ledger(BookPage& page);
  void remove_done_segments(BookPage& page) noexcept;

  StateWriter& writer_;
  RunOrigin origin_;
  BookPage first_page_;
  bool approved_ = false;
  std::unique_ptr<BookFiles> files_;
};

}  // namespace haul::engine

// Runs as they stand in a state, for whoever wants to know or to ask: from any process, beside the one that
// works on them, without the lock.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/embedded/state_directory.h"
#include "job/outcome.h"
#include "job/run_engine.h"
#include "job/run_status.h"

namespace haul::engine {

struct NewRun {
  std::string job;        // its name
  std::string operation;  // as users see it
  std::string spec;       // the job, as text that can be read again
  std::string parent;     // the run that this one retries, undoes or ends; or empty
  std::string report;     // directory of the report; empty: report/ beside the manifest
  std::string arguments;  // whatever else is needed to go on with it; opaque here
};

struct RunInfo {
  std::string id;
  std::string job, operation, spec, parent, report, arguments;
  job::RunStatus status = job::RunStatus::initializing;
  job::Accounts accounts;
  std::string error;  // why it failed, or why something of it was refused; one line
  Time created{};
  std::optional<Time> started, ended;
  bool publishing_failed = false;  // it was tried, and nobody has succeeded since
  std::optional<Time> published;   // when the finished report was copied to where the job wants it
  std::string report_chain;        // last value of the finished report's hash chain
  std::string approved_by;         // empty: not approved
  job::Wish wish = job::Wish::none;

  // Whether a process works on it now. A run that is neither final nor alive can be resumed.
  bool alive = false;
  std::int64_t pid = 0;  // of the process that works, or last worked, on it; 0: none yet
  std::string host;
  std::optional<Duration> heartbeat_age;  // since that process said that it is there
  std::optional<Duration> progress_age;   // since its figures last changed
  std::string figures;  // live figures of that process as JSON (job::Progress); "{}" before the first
  // Alive and at work, and yet nothing has moved for ten minutes.
  bool stuck = false;

  bool discovery_ended = false;
  std::uint64_t chunks_queued = 0;  // those put back for later included
  std::uint64_t chunks_held = 0;    // extras of a sync, and what an unfinished discovery has found
  std::uint64_t chunks_leased = 0;
  std::uint64_t chunks_done = 0;
  std::uint64_t objects_queued = 0;      // in chunks that are queued, held or leased
  std::uint64_t bytes_queued = 0;        // of these objects; not of extras, which only go
  std::optional<Duration> oldest_lease;  // age
};

// Of a run that was to deal with each of its objects, and did.
bool has_done_its_work(job::RunStatus status) noexcept;

// A chunk that somebody works on.
struct ChunkInfo {
  std::uint64_t id = 0;
  std::uint64_t objects = 0, bytes = 0;
  std::uint32_t attempt = 1;
  job::Stage stage = job::Stage::begin;
  std::optional<Duration> leased;  // for how long
};

// An object that failed, as the state remembers it while it keeps the run.
struct ErrorRecord {
  std::uint64_t sequence = 0;  // counts from 1 within a run
  std::uint64_t chunk = 0;     // 0: failed in discovery
  std::string key, destination_key, version, row;
  std::uint16_t source = 0;
  std::uint64_t size = 0;
  bool extra = false;
  std::uint64_t objects = 1;  // that it stands for
  ErrorClass error_class = ErrorClass::internal;
  std::string code;
  int http_status = 0;
  std::string operation;
  std::string message;  // one line with everything that is known
  std::string request_id;
  std::uint32_t attempts = 1;
  Time time{};
};

struct ErrorFilter {
  std::optional<ErrorClass> error_class;
  std::optional<std::string> code;
  std::string key_prefix;
  std::uint64_t after = 0;  // sequence
  std::optional<std::uint64_t> limit;
};

struct ErrorCount {
  ErrorClass error_class = ErrorClass::internal;
  std::string code;
  std::uint64_t count = 0;
};

struct RunFilter {
  std::string job;  // empty: all
  std::vector<job::RunStatus> statuses;
  std::size_t limit = 100;
};

struct Retention {
  Duration age = std::chrono::hours(24 * 90);  // runs that ended before are forgotten
  std::size_t least = 10;                      // but the last so many always stay
};

// The keys of a source's objects that failed in a run, to be asked for one by one. They are kept on disk,
// however many. Not thread-safe; blocks. Refers to the state.
class FailedKeys {
 public:
  FailedKeys(StateDirectory& state, std::string_view run, std::uint16_t source);
  bool contains(std::string_view key);

 private:
  sqlite::Database database_;
  std::optional<sqlite::Statement> lookup_;
};

// Not thread-safe: has a connection of its own. Calls block. Refers to the state.
class Runs {
 public:
  explicit Runs(StateDirectory& state);

  // A run that waits to be taken up by an EmbeddedRunEngine. Gives its id. Forgets old runs on the way if
  // this process holds the lock.
  std::string create(const NewRun& run, const Retention& retention = {});

  // The latest first.
  std::vector<RunInfo> list(const RunFilter& filter = {});
  RunInfo get(const std::string& id);  // throws not_found
  // By full id, by the beginning of one, or by the name of a job, which means its latest run. Throws
  // not_found, or invalid_argument that lists the candidates if several ids begin so.
  RunInfo find(std::string_view text);
  // The latest run of a job that is not final; nothing if there is none.
  std::optional<RunInfo> unfinished(std::string_view job);

  std::vector<ChunkInfo> chunks_in_flight(const std::string& run);
  // Until visit says false, or there are no more. Reads while it goes on.
  void errors(const std::string& run, const ErrorFilter& filter,
              const std::function<bool(const ErrorRecord&)>& visit);
  // The most frequent first.
  std::vector<ErrorCount> error_counts(const std::string& run);

  // Leaves a wish for the process that works on the run, which hears it within a second or two. False if no
  // process works on it: nothing is left then. Throws precondition_failed for a run that has ended.
  bool ask(const std::string& run, job::Wish wish);
  // Heard like a wish; waits for the next process if none works on the run. Throws precondition_failed for a
  // run that has ended.
  void approve(const std::string& run, std::string_view by);

  // Why a run failed, for what the engine itself does not know of: the job could not be resolved.
  void set_error(const std::string& run, std::string_view error);

  // The finished report of a run is now where its job wants it as well, or could not be brought there.
  void set_published(const std::string& run, bool succeeded);

  // Removes a run that is final, with its files. Throws precondition_failed for others, and for one whose
  // kept sources nobody has removed yet.
  void forget(const std::string& run);
  // Forgets old runs; gives their number. Needs the lock.
  std::size_t forget_old(const Retention& retention);

 private:
  RunInfo read(sqlite::Statement& row);
  void count_chunks(std::int64_t number, RunInfo& run);
  bool keeps_sources(const RunInfo& run);
  std::int64_t number_of(const std::string& id);

  StateDirectory& state_;
  sqlite::Database database_;
};

}  // namespace haul::engine

// All SQL by which an engine keeps a run: prepared once, used within a transaction of StateWriter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "engine/embedded/manifest_segments.h"
#include "engine/embedded/state_directory.h"
#include "job/chunk.h"
#include "job/outcome.h"
#include "job/run_engine.h"
#include "sqlite/database.h"

namespace haul::engine {

enum class ChunkState : std::uint8_t {
  queued = 0,
  held = 1,         // until its discovery is durable
  held_extras = 2,  // until extras are released
  leased = 3,
};

// A chunk without its items.
struct ChunkRow {
  std::uint64_t id = 0;
  ChunkState state = ChunkState::queued;
  bool extras = false;
  std::uint32_t attempt = 1;
  std::uint32_t deaths = 0;
  Time not_before{};
  job::Stage stage = job::Stage::begin;
  std::string facts;
  ManifestSlice slice;
  std::uint64_t objects = 0, bytes = 0;
  std::optional<Time> abandoned;  // when a process that is gone had leased it
};

// What changes with every step of a run.
struct RunRecord {
  job::RunStatus status = job::RunStatus::initializing;
  std::string error;
  std::optional<Time> started, ended;
  job::Accounts accounts;
  std::optional<std::string> place;
  bool discovery_ended = false;
  std::string report_position;
  ManifestEnd manifest;
  std::uint64_t next_chunk = 1, next_error = 1, chunks_done = 0;
  std::string report_chain;                            // last value of a finished report
  Duration discovering{}, processing{}, finalizing{};  // spent in these statuses
};

// What is told of a run once, when it was created.
struct RunOrigin {
  std::int64_t number = 0;
  std::string id, job, operation, parent, report;
  Time created{};
};

struct Request {
  job::Wish wish = job::Wish::none;
  bool approved = false;
};

std::string_view to_string(job::Wish wish) noexcept;
job::Wish parse_wish(std::string_view text) noexcept;
// As one line of JSON, by Accounts::each; and back, where counts that are not there are 0.
std::string format_accounts(const job::Accounts& accounts);
job::Accounts parse_accounts(std::string_view text);
std::int64_t nanoseconds(Time time) noexcept;
Time time_of(std::int64_t nanoseconds) noexcept;

// Not thread-safe. Refers to the database. `run` is the number of a run.
class RunTables {
 public:
  explicit RunTables(sqlite::Database& database) : database_(database) {}

  std::optional<RunOrigin> origin(std::string_view id);
  RunRecord record(std::int64_t run);
  void save(std::int64_t run, const RunRecord& record);

  // What another process has left is queued again, or forgotten where it was not durable. If that process did
  // not leave the run by itself, its chunks may be why.
  void take_over(std::int64_t run, const StateOwner& owner, Time now);
  // Nobody works on the run any more.
  void leave(std::int64_t run);
  Request beat(std::int64_t run, Time now, Time progress, std::string_view figures);

  void insert(std::int64_t run, const ChunkRow& chunk);
  // The chunk that is due first, whether or not its time has come; of the suspects, or of the others.
  std::optional<ChunkRow> next_queued(std::int64_t run, bool suspects);
  void set_queued(std::int64_t run, std::uint64_t chunk);
  void set_leased(std::int64_t run, std::uint64_t chunk, Time now);
  void set_stage(std::int64_t run, std::uint64_t chunk, job::Stage stage, std::string_view facts);
  void remove(std::int64_t run, std::uint64_t chunk);
  void remove_all(std::int64_t run);

  // What is held for its discovery: given out, or as if it had never been found.
  void release_held(std::int64_t run);
  void forget_held(std::int64_t run);
  void release_extras(std::int64_t run);
  // Removes what nobody has leased. Gives how many objects that were.
  std::uint64_t remove_unleased(std::int64_t run, bool extras);

  struct Queued {
    std::uint64_t suspects = 0, others = 0;
  };
  Queued queued(std::int64_t run);
  std::map<std::uint32_t, std::uint64_t> chunks_by_segment(std::int64_t run);

  void insert_error(std::int64_t run, std::uint64_t sequence, bool held, std::uint64_t chunk,
                    const job::Outcome& failure);

 private:
  sqlite::Statement& statement(const char* sql);

  sqlite::Database& database_;
  std::map<const char*, sqlite::Statement> statements_;  // by the literal's address
};

}  // namespace haul::engine

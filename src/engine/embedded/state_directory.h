// The directory that outlives processes: what is known of jobs and runs, and the files of each run.
//
//   state.db           SQLite (WAL, synchronous FULL), schema.h
//   lock               held by the one process that works on runs; says which
//   runs/RUN/          manifest-00001.seg ..., report/
//
// Reading, and asking something of a run, needs no lock and goes on beside the process that holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/env.h"
#include "sqlite/database.h"

namespace haul::engine {

// A process that holds, or held, the lock of a state.
struct StateOwner {
  std::string id;  // one for each time that the lock was taken: no process is taken for an earlier one
  std::int64_t pid = 0;
  std::string host;
};

class StateWriter;

// Thread safety: all methods may be called from any thread. Calls block.
class StateDirectory {
 public:
  // $XDG_STATE_HOME/haul, else ~/.local/state/haul. Throws invalid_argument if the environment has neither.
  static std::string default_path(const Env& env);

  // Opens the state, creates it where there is none, and migrates one of an older version. Throws unsupported
  // for a state of a newer version, unavailable for one that must be migrated and is in use, and what a file
  // system says. `env` must outlive this.
  StateDirectory(std::string path, const Env& env);
  ~StateDirectory();
  StateDirectory(const StateDirectory&) = delete;
  StateDirectory& operator=(const StateDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }
  const Env& env() const noexcept { return *env_; }
  // Where the files of a run lie, without a slash at the end.
  std::string run_path(std::string_view run) const;

  // Takes the lock until this is destroyed. Throws unavailable, naming the process, if another one has it.
  // Does nothing when it is held already.
  void lock();
  bool locked() const noexcept;
  // This process as the holder. Throws internal without the lock.
  const StateOwner& self() const;
  // Who holds the lock at this moment, in whatever process; nothing if nobody does.
  std::optional<StateOwner> holder() const;

  // A connection of one's own.
  sqlite::Database connect() const;
  // The connection that all engines of this process share.
  StateWriter& writer();

 private:
  struct Shared;
  std::string path_;
  const Env* env_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace haul::engine

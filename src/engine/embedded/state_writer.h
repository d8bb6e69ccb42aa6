// The one connection by which the engines of a process write, and how durable each of their transactions is.
#pragma once

#include <mutex>

#include "engine/embedded/run_tables.h"
#include "sqlite/database.h"

namespace haul::engine {

enum class Durability : std::uint8_t {
  synced,   // survives a power cut once committed
  ordered,  // survives the process; after a power cut it is there, or neither it nor anything later is
};

class StateWriter {
 public:
  explicit StateWriter(sqlite::Database database) : database_(std::move(database)), tables_(database_) {}

  // Runs change(tables) as one transaction; it is rolled back if that throws. Thread safety: any thread; one
  // after the other.
  template <class Change>
  void write(Durability durability, Change change) {
    const std::lock_guard lock(mutex_);
    use(durability);
    sqlite::Transaction transaction(database_);
    change(tables_);
    transaction.commit();
  }

 private:
  void use(Durability durability) {
    if (durability == durability_) return;
    database_.execute(durability == Durability::synced ? "PRAGMA synchronous = FULL"
                                                       : "PRAGMA synchronous = NORMAL");
    durability_ = durability;
  }

  std::mutex mutex_;  // guards all below
  sqlite::Database database_;
  RunTables tables_;
  Durability durability_ = Durability::synced;
};

}  // namespace haul::engine

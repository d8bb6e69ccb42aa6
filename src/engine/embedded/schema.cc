#include "engine/embedded/schema.h"

#include <fmt/format.h>

#include <array>
#include <string>

#include "base/error.h"

namespace haul::engine {
namespace {

// Times are nanoseconds since 1970. Keys are bytes.
//
// What is written with every chunk (run_states) is apart from what is written once (runs), since SQLite
// writes whole rows. Chunks that are done have no row: their number is never used again.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE schema (version INTEGER NOT NULL);
INSERT INTO schema VALUES (0);

CREATE TABLE runs (
  number    INTEGER PRIMARY KEY AUTOINCREMENT,
  id        TEXT NOT NULL UNIQUE,
  job       TEXT NOT NULL,
  operation TEXT NOT NULL,
  spec      TEXT NOT NULL,
  parent    TEXT NOT NULL,
  report    TEXT NOT NULL,
  arguments TEXT NOT NULL,
  created   INTEGER NOT NULL
);
CREATE INDEX runs_by_job ON runs (job, number);
CREATE INDEX runs_by_parent ON runs (parent) WHERE parent <> '';

CREATE TABLE run_states (
  run             INTEGER PRIMARY KEY,
  status          TEXT NOT NULL,
  error           TEXT NOT NULL DEFAULT '',
  started         INTEGER,
  ended           INTEGER,
  accounts        TEXT NOT NULL DEFAULT '{}',
  place           TEXT,
  discovery_ended INTEGER NOT NULL DEFAULT 0,
  report_position TEXT NOT NULL DEFAULT '',
  segment         INTEGER NOT NULL DEFAULT 1,
  segment_end     INTEGER NOT NULL DEFAULT 0,
  next_chunk      INTEGER NOT NULL DEFAULT 1,
  next_error      INTEGER NOT NULL DEFAULT 1,
  chunks_done     INTEGER NOT NULL DEFAULT 0,
  report_chain    TEXT NOT NULL DEFAULT '',
  discovering     INTEGER NOT NULL DEFAULT 0,
  processing      INTEGER NOT NULL DEFAULT 0,
  finalizing      INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE requests (
  run         INTEGER PRIMARY KEY,
  wish        TEXT NOT NULL DEFAULT 'none',
  approved_by TEXT NOT NULL DEFAULT '',
  approved    INTEGER
);

CREATE TABLE owners (
  run       INTEGER PRIMARY KEY,
  owner     TEXT NOT NULL,
  pid       INTEGER NOT NULL,
  host      TEXT NOT NULL,
  heartbeat INTEGER NOT NULL,
  progress  INTEGER NOT NULL,
  figures   TEXT NOT NULL DEFAULT '{}'
);

-- state: 0 queued, 1 held until its discovery is durable, 2 held extras of a sync, 3 leased
CREATE TABLE chunks (
  run        INTEGER NOT NULL,
  id         INTEGER NOT NULL,
  state      INTEGER NOT NULL,
  extras     INTEGER NOT NULL,
  attempt    INTEGER NOT NULL,
  not_before INTEGER NOT NULL,
  stage      INTEGER NOT NULL,
  facts      BLOB NOT NULL,
  segment    INTEGER NOT NULL,
  offset     INTEGER NOT NULL,
  length     INTEGER NOT NULL,
  crc        INTEGER NOT NULL,
  objects    INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  leased     INTEGER,
  PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE INDEX chunks_by_state ON chunks (run, state, not_before, id);

-- held: of a discovery that is not durable yet
CREATE TABLE errors (
  run         INTEGER NOT NULL,
  sequence    INTEGER NOT NULL,
  held        INTEGER NOT NULL,
  chunk       INTEGER NOT NULL,
  key         BLOB NOT NULL,
  destination BLOB NOT NULL,
  version     TEXT NOT NULL,
  row         BLOB NOT NULL,
  source      INTEGER NOT NULL,
  size        INTEGER NOT NULL,
  extra       INTEGER NOT NULL,
  objects     INTEGER NOT NULL,
  class       TEXT NOT NULL,
  code        TEXT NOT NULL,
  http_status INTEGER NOT NULL,
  operation   TEXT NOT NULL,
  message     TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  attempts    INTEGER NOT NULL,
  time        INTEGER NOT NULL,
  PRIMARY KEY (run, sequence)
) WITHOUT ROWID;
)sql";

// deaths: processes in a row that ended while they had the chunk leased, since its last stage.
// published: when the finished report was copied to where the job wants it; 0: that was tried in vain. What
// had ended before is not asked.
constexpr const char* kVersion2 = R"sql(
ALTER TABLE chunks ADD COLUMN deaths INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_states ADD COLUMN published INTEGER;
UPDATE run_states SET published = ended;
)sql";

constexpr std::array kMigrations{kVersion1, kVersion2};

bool has_table(sqlite::Database& database, std::string_view name) {
  sqlite::Statement statement =
      database.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  return statement.bind(1, name).step();
}

bool is_empty(sqlite::Database& database) {
  return !database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").step();
}

}  // namespace

std::span<const char* const> schema_migrations() noexcept {
  return kMigrations;
}

int read_schema_version(sqlite::Database& database) {
  if (!has_table(database, "schema")) {
    if (is_empty(database)) return 0;
    throw Error(ErrorClass::data_loss, "this database is not a state of haul")
        .during("open state")
        .on(database.path());
  }
  sqlite::Statement statement = database.prepare("SELECT version FROM schema");
  if (!statement.step())
    throw Error(ErrorClass::data_loss, "the state does not say its version")
        .during("open state")
        .on(database.path());
  return static_cast<int>(statement.integer(0));
}

void migrate(sqlite::Database& database, std::span<const char* const> migrations,
             const std::function<void()>& before_migrating) {
  const int newest = static_cast<int>(migrations.size());
  const auto refuse_newer = [&](int version) {
    if (version > newest)
      throw Error(
          ErrorClass::unsupported,
          fmt::format("this state is of version {}, and this haul knows those up to {}", version, newest))
          .during("open state")
          .on(database.path())
          .with_hint("use the haul that wrote it, or a later one, or another --state");
  };
  const int seen = read_schema_version(database);
  refuse_newer(seen);
  if (seen == newest) return;
  if (seen != 0) before_migrating();
  sqlite::Transaction transaction(database);
  // Somebody else may have been faster.
  const int from = read_schema_version(database);
  refuse_newer(from);
  for (int version = from; version < newest; ++version)
    database.execute(migrations[static_cast<std::size_t>(version)]);
  database.execute(fmt::format("UPDATE schema SET version = {}", newest));
  transaction.commit();
}

}  // namespace haul::engine

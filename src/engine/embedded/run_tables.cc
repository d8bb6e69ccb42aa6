#include "engine/embedded/run_tables.h"

#include <array>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::engine {
namespace {

constexpr std::array<std::string_view, 3> kWishes = {"none", "pause", "cancel"};

// A statement while its rows are read. Ends the reading, so that the statement can be used again.
class Rows {
 public:
  explicit Rows(sqlite::Statement& statement) noexcept : statement_(statement) {}
  ~Rows() { statement_.reset(); }
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  bool next() { return statement_.step(); }
  sqlite::Statement* operator->() const noexcept { return &statement_; }

 private:
  sqlite::Statement& statement_;
};

int code(ChunkState state) noexcept {
  return static_cast<int>(state);
}

void bind_time(sqlite::Statement& statement, int index, const std::optional<Time>& time) {
  if (time)
    statement.bind(index, nanoseconds(*time));
  else
    statement.bind_null(index);
}

std::optional<Time> column_time(const sqlite::Statement& statement, int column) {
  if (statement.is_null(column)) return std::nullopt;
  return time_of(statement.integer(column));
}

}  // namespace

std::string_view to_string(job::Wish wish) noexcept {
  return kWishes.at(static_cast<std::size_t>(wish));
}

job::Wish parse_wish(std::string_view text) noexcept {
  if (text == "pause") return job::Wish::pause;
  return text == "cancel" ? job::Wish::cancel : job::Wish::none;
}

std::string format_accounts(const job::Accounts& accounts) {
  std::string out = "{";
  job::Accounts::each(accounts, [&out](std::string_view name, const std::uint64_t& value) {
    if (value == 0) return;
    if (out.size() > 1) out += ',';
    out.append("\"").append(name).append("\":").append(std::to_string(value));
  });
  return out += '}';
}

job::Accounts parse_accounts(std::string_view text) {
  job::Accounts accounts;
  const nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object())
    throw Error(ErrorClass::data_loss, "the accounts of a run cannot be read").during("read state");
  job::Accounts::each(accounts, [&document](std::string_view name, std::uint64_t& value) {
    if (const auto found = document.find(name); found != document.end() && found->is_number_unsigned())
      value = found->get<std::uint64_t>();
  });
  return accounts;
}

std::int64_t nanoseconds(Time time) noexcept {
  return time.time_since_epoch().count();
}

Time time_of(std::int64_t nanoseconds) noexcept {
  return Time(Duration(nanoseconds));
}

sqlite::Statement& RunTables::statement(const char* sql) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  return statements_.emplace(sql, database_.prepare(sql)).first->second;
}

std::optional<RunOrigin> RunTables::origin(std::string_view id) {
  Rows rows(statement("SELECT number, id, job, operation, parent, report, created FROM runs WHERE id = ?"));
  rows->bind(1, id);
  if (!rows.next()) return std::nullopt;
  return RunOrigin{.number = rows->integer(0),
                   .id = std::string(rows->text(1)),
                   .job = std::string(rows->text(2)),
                   .operation = std::string(rows->text(3)),
                   .parent = std::string(rows->text(4)),
                   .report = std::string(rows->text(5)),
                   .created = time_of(rows->integer(6))};
}

RunRecord RunTables::record(std::int64_t run) {
  Rows rows(
      statement("SELECT status, error, started, ended, accounts, place, discovery_ended, "
                "report_position, segment, segment_end, next_chunk, next_error, chunks_done, "
                "report_chain, discovering, processing, finalizing FROM run_states WHERE run = ?"));
  rows->bind(1, run);
  if (!rows.next())
    throw Error(ErrorClass::data_loss, "the state of a run is not there").during("read state");
  RunRecord record;
  const auto status = job::parse_run_status(rows->text(0));
  if (!status) throw Error(ErrorClass::data_loss, "the status of a run is none").during("read state");
  record.status = *status;
  record.error = rows->text(1);
  record.started = column_time(*rows.operator->(), 2);
  record.ended = column_time(*rows.operator->(), 3);
  record.accounts = parse_accounts(rows->text(4));
  if (!rows->is_null(5)) record.place.emplace(rows->text(5));
  record.discovery_ended = rows->integer(6) != 0;
  record.report_position = rows->text(7);
  record.manifest = {static_cast<std::uint32_t>(rows->integer(8)), rows->count(9)};
  record.next_chunk = rows->count(10);
  record.next_error = rows->count(11);
  record.chunks_done = rows->count(12);
  record.report_chain = rows->text(13);
  record.discovering = Duration(rows->integer(14));
  record.processing = Duration(rows->integer(15));
  record.finalizing = Duration(rows->integer(16));
  return record;
}

void RunTables::save(std::int64_t run, const RunRecord& record) {
  sqlite::Statement& update = statement(
      "UPDATE run_states SET status = ?2, error = ?3, started = ?4, ended = ?5, accounts = ?6, "
      "place = ?7, discovery_ended = ?8, report_position = ?9, segment = ?10, segment_end = ?11, "
      "next_chunk = ?12, next_error = ?13, chunks_done = ?14, report_chain = ?15, "
      "discovering = ?16, processing = ?17, finalizing = ?18 WHERE run = ?1");
  update.bind(1, run).bind(2, job::to_string(record.status)).bind(3, record.error);
  bind_time(update, 4, record.started);
  bind_time(update, 5, record.ended);
  update.bind(6, format_accounts(record.accounts));
  if (record.place)
    update.bind(7, *record.place);
  else
    update.bind_null(7);
  update.bind(8, record.discovery_ended ? 1 : 0).bind(9, record.report_position);
  update.bind(10, std::uint64_t{record.manifest.segment}).bind(11, record.manifest.size);
  update.bind(12, record.next_chunk).bind(13, record.next_error).bind(14, record.chunks_done);
  update.bind(15, record.report_chain).bind(16, std::int64_t{record.discovering.count()});
  update.bind(17, std::int64_t{record.processing.count()}).bind(18, std::int64_t{record.finalizing.count()});
  update.run();
}

void RunTables::take_over(std::int64_t run, const StateOwner& owner, Time now) {
  // The time of the lease stays: since then the process that is gone may have left remains.
  statement(
      "UPDATE chunks SET state = ?2, deaths = deaths + "
      "EXISTS (SELECT 1 FROM owners WHERE run = ?1 AND owner <> '') WHERE run = ?1 AND state = ?3")
      .bind(1, run)
      .bind(2, code(ChunkState::queued))
      .bind(3, code(ChunkState::leased))
      .run();
  forget_held(run);
  // A cancellation that the process before did not come to end is still wished.
  statement("UPDATE requests SET wish = 'none' WHERE run = ? AND wish <> 'cancel'").bind(1, run).run();
  statement(
      "INSERT INTO owners (run, owner, pid, host, heartbeat, progress) VALUES (?1, ?2, ?3, ?4, ?5, ?5) "
      "ON CONFLICT (run) DO UPDATE SET owner = ?2, pid = ?3, host = ?4, heartbeat = ?5, progress = ?5, "
      "figures = '{}'")
      .bind(1, run)
      .bind(2, owner.id)
      .bind(3, owner.pid)
      .bind(4, owner.host)
      .bind(5, nanoseconds(now))
      .run();
}

void RunTables::leave(std::int64_t run) {
  statement("UPDATE owners SET owner = '' WHERE run = ?").bind(1, run).run();
}

Request RunTables::beat(std::int64_t run, Time now, Time progress, std::string_view figures) {
  statement("UPDATE owners SET heartbeat = ?2, progress = ?3, figures = ?4 WHERE run = ?1")
      .bind(1, run)
      .bind(2, nanoseconds(now))
      .bind(3, nanoseconds(progress))
      .bind(4, figures)
      .run();
  Rows rows(statement("SELECT wish, approved_by FROM requests WHERE run = ?"));
  rows->bind(1, run);
  if (!rows.next()) return {};
  return {.wish = parse_wish(rows->text(0)), .approved = !rows->text(1).empty()};
}

void RunTables::insert(std::int64_t run, const ChunkRow& chunk) {
  sqlite::Statement& insert = statement(
      "INSERT INTO chunks (run, id, state, extras, attempt, not_before, stage, facts, segment, offset, "
      "length, crc, objects, bytes, deaths, leased) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
  bind_time(insert, 16, chunk.abandoned);
  insert.bind(1, run)
      .bind(2, chunk.id)
      .bind(3, code(chunk.state))
      .bind(4, chunk.extras ? 1 : 0)
      .bind(5, std::uint64_t{chunk.attempt})
      .bind(6, nanoseconds(chunk.not_before))
      .bind(7, static_cast<int>(chunk.stage))
      .bind_bytes(8, chunk.facts)
      .bind(9, std::uint64_t{chunk.slice.segment})
      .bind(10, chunk.slice.offset)
      .bind(11, std::uint64_t{chunk.slice.length})
      .bind(12, std::uint64_t{chunk.slice.crc})
      .bind(13, chunk.objects)
      .bind(14, chunk.bytes)
      .bind(15, std::uint64_t{chunk.deaths})
      .run();
}

std::optional<ChunkRow> RunTables::next_queued(std::int64_t run, bool suspects) {
  Rows rows(
      statement("SELECT id, extras, attempt, not_before, stage, facts, segment, offset, length, crc, "
                "objects, bytes, leased, deaths FROM chunks WHERE run = ?1 AND state = ?2 "
                "AND (deaths >= ?3) = ?4 ORDER BY not_before, id LIMIT 1"));
  rows->bind(1, run).bind(2, code(ChunkState::queued));
  rows->bind(3, std::uint64_t{job::kDeathsOfSuspect}).bind(4, suspects ? 1 : 0);
  if (!rows.next()) return std::nullopt;
  return ChunkRow{.id = rows->count(0),
                  .state = ChunkState::queued,
                  .extras = rows->integer(1) != 0,
                  .attempt = static_cast<std::uint32_t>(rows->integer(2)),
                  .deaths = static_cast<std::uint32_t>(rows->integer(13)),
                  .not_before = time_of(rows->integer(3)),
                  .stage = static_cast<job::Stage>(rows->integer(4)),
                  .facts = std::string(rows->text(5)),
                  .slice = {.segment = static_cast<std::uint32_t>(rows->integer(6)),
                            .length = static_cast<std::uint32_t>(rows->integer(8)),
                            .offset = rows->count(7),
                            .crc = static_cast<std::uint32_t>(rows->integer(9))},
                  .objects = rows->count(10),
                  .bytes = rows->count(11),
                  .abandoned = column_time(*rows.operator->(), 12)};
}

void RunTables::set_queued(std::int64_t run, std::uint64_t chunk) {
  statement("UPDATE chunks SET state = ?3, leased = NULL WHERE run = ?1 AND id = ?2")
      .bind(1, run)
      .bind(2, chunk)
      .bind(3, code(ChunkState::queued))
      .run();
}

void RunTables::set_leased(std::int64_t run, std::uint64_t chunk, Time now) {
  statement("UPDATE chunks SET state = ?3, leased = ?4 WHERE run = ?1 AND id = ?2")
      .bind(1, run)
      .bind(2, chunk)
      .bind(3, code(ChunkState::leased))
      .bind(4, nanoseconds(now))
      .run();
}

void RunTables::set_stage(std::int64_t run, std::uint64_t chunk, job::Stage stage, std::string_view facts) {
  statement(
      "UPDATE chunks SET deaths = deaths * (stage >= ?3), stage = ?3, facts = ?4 WHERE run = ?1 AND id = ?2")
      .bind(1, run)
      .bind(2, chunk)
      .bind(3, static_cast<int>(stage))
      .bind_bytes(4, facts)
      .run();
}

void RunTables::remove(std::int64_t run, std::uint64_t chunk) {
  statement("DELETE FROM chunks WHERE run = ?1 AND id = ?2").bind(1, run).bind(2, chunk).run();
}

void RunTables::remove_all(std::int64_t run) {
  statement("DELETE FROM chunks WHERE run = ?").bind(1, run).run();
}

void RunTables::release_held(std::int64_t run) {
  statement("UPDATE chunks SET state = CASE extras WHEN 1 THEN ?3 ELSE ?4 END WHERE run = ?1 AND state = ?2")
      .bind(1, run)
      .bind(2, code(ChunkState::held))
      .bind(3, code(ChunkState::held_extras))
      .bind(4, code(ChunkState::queued))
      .run();
  statement("UPDATE errors SET held = 0 WHERE run = ? AND held = 1").bind(1, run).run();
}

void RunTables::forget_held(std::int64_t run) {
  statement("DELETE FROM chunks WHERE run = ?1 AND state = ?2")
      .bind(1, run)
      .bind(2, code(ChunkState::held))
      .run();
  statement("DELETE FROM errors WHERE run = ? AND held = 1").bind(1, run).run();
}

void RunTables::release_extras(std::int64_t run) {
  statement("UPDATE chunks SET state = ?2 WHERE run = ?1 AND state = ?3")
      .bind(1, run)
      .bind(2, code(ChunkState::queued))
      .bind(3, code(ChunkState::held_extras))
      .run();
}

std::uint64_t RunTables::remove_unleased(std::int64_t run, bool extras) {
  std::uint64_t removed = 0;
  {
    Rows rows(
        statement("SELECT ifnull(sum(objects), 0) FROM chunks "
                  "WHERE run = ?1 AND extras = ?2 AND state <> ?3"));
    rows->bind(1, run).bind(2, extras ? 1 : 0).bind(3, code(ChunkState::leased));
    rows.next();
    removed = rows->count(0);
  }
  statement("DELETE FROM chunks WHERE run = ?1 AND extras = ?2 AND state <> ?3")
      .bind(1, run)
      .bind(2, extras ? 1 : 0)
      .bind(3, code(ChunkState::leased))
      .run();
  return removed;
}

RunTables::Queued RunTables::queued(std::int64_t run) {
  Rows rows(
      statement("SELECT ifnull(sum(deaths >= ?3), 0), ifnull(sum(deaths < ?3), 0) FROM chunks WHERE run = ?1 "
                "AND state = ?2"));
  rows->bind(1, run).bind(2, code(ChunkState::queued)).bind(3, std::uint64_t{job::kDeathsOfSuspect});
  rows.next();
  return {.suspects = rows->count(0), .others = rows->count(1)};
}

std::map<std::uint32_t, std::uint64_t> RunTables::chunks_by_segment(std::int64_t run) {
  Rows rows(statement("SELECT segment, count(*) FROM chunks WHERE run = ? GROUP BY segment"));
  rows->bind(1, run);
  std::map<std::uint32_t, std::uint64_t> counts;
  while (rows.next())
    counts.emplace(static_cast<std::uint32_t>(rows->integer(0)), rows->count(1));
  return counts;
}

void RunTables::insert_error(std::int64_t run, std::uint64_t sequence, bool held, std::uint64_t chunk,
                             const job::Outcome& failure) {
  const Error& error = *failure.error;
  statement(
      "INSERT INTO errors (run, sequence, held, chunk, key, destination, version, row, source, size, "
      "extra, class, code, http_status, operation, message, request_id, attempts, time, objects) VALUES "
      "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)")
      .bind(1, run)
      .bind(2, sequence)
      .bind(3, held ? 1 : 0)
      .bind(4, chunk)
      .bind_bytes(5, failure.key)
      .bind_bytes(6, failure.destination_key)
      .bind(7, failure.version)
      .bind_bytes(8, failure.row)
      .bind(9, std::uint64_t{failure.source})
      .bind(10, failure.size)
      .bind(11, failure.extra ? 1 : 0)
      .bind(12, to_string(error.error_class()))
      .bind(13, error.code())
      .bind(14, error.http_status())
      .bind(15, error.operation())
      .bind(16, std::string_view(error.what()))
      .bind(17, error.request_id())
      .bind(18, std::uint64_t{failure.attempts})
      .bind(19, nanoseconds(failure.finished))
      .bind(20, failure.objects)
      .run();
}

}  // namespace haul::engine

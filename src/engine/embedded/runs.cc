#include "engine/embedded/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/utf8.h"
#include "engine/embedded/run_tables.h"
#include "job/report_summary.h"

namespace haul::engine {
namespace {

constexpr Duration kStuckAfter = std::chrono::minutes(10);

constexpr std::string_view kSelect =
    "SELECT r.id, r.job, r.operation, r.spec, r.parent, r.report, r.arguments, r.created, "
    "s.status, s.error, s.started, s.ended, s.accounts, s.discovery_ended, s.chunks_done, s.report_chain, "
    "q.wish, q.approved_by, o.owner, o.pid, o.host, o.heartbeat, o.progress, o.figures, r.number, "
    "s.published "
    "FROM runs r JOIN run_states s ON s.run = r.number JOIN requests q ON q.run = r.number "
    "LEFT JOIN owners o ON o.run = r.number ";

// Text that LIKE and GLOB would read otherwise is compared by range.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff)
    prefix.pop_back();
  if (!prefix.empty()) prefix.back() = static_cast<char>(prefix.back() + 1);
  return prefix;
}

std::optional<Time> optional_time(const sqlite::Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return time_of(row.integer(column));
}

Error not_there(std::string_view text) {
  return Error(ErrorClass::not_found, "there is no such run").on(visible(text)).with_hint("see haul runs");
}

Error has_ended(const RunInfo& run) {
  return Error(ErrorClass::precondition_failed,
               fmt::format("the run has ended: it is {}", job::to_string(run.status)))
      .on(run.id);
}

bool working(job::RunStatus status) {
  return status == job::RunStatus::discovering || status == job::RunStatus::processing ||
         status == job::RunStatus::finalizing;
}

ErrorRecord read_error(const sqlite::Statement& row) {
  ErrorRecord record;
  record.sequence = row.count(0);
  record.chunk = row.count(1);
  record.key = row.text(2);
  record.destination_key = row.text(3);
  record.version = row.text(4);
  record.row = row.text(5);
  record.source = static_cast<std::uint16_t>(row.integer(6));
  record.size = row.count(7);
  record.extra = row.integer(8) != 0;
  record.objects = row.count(9);
  record.error_class = parse_error_class(row.text(10)).value_or(ErrorClass::internal);
  record.code = row.text(11);
  record.http_status = static_cast<int>(row.integer(12));
  record.operation = row.text(13);
  record.message = row.text(14);
  record.request_id = row.text(15);
  record.attempts = static_cast<std::uint32_t>(row.integer(16));
  record.time = time_of(row.integer(17));
  return record;
}

}  // namespace

bool has_done_its_work(job::RunStatus status) noexcept {
  return status == job::RunStatus::completed || status == job::RunStatus::completed_with_failures;
}

FailedKeys::FailedKeys(StateDirectory& state, std::string_view run, std::uint16_t source)
    : database_(state.connect()) {
  database_.execute("CREATE TEMP TABLE failed (key BLOB PRIMARY KEY) WITHOUT ROWID");
  database_
      .prepare(
          "INSERT OR IGNORE INTO failed SELECT e.key FROM errors e JOIN runs r ON r.number = e.run "
          "WHERE r.id = ? AND e.held = 0 AND e.source = ?")
      .bind(1, run)
      .bind(2, std::uint64_t{source})
      .run();
  lookup_.emplace(database_.prepare("SELECT 1 FROM failed WHERE key = ?"));
}

bool FailedKeys::contains(std::string_view key) {
  const bool found = lookup_->bind_bytes(1, key).step();
  lookup_->reset();
  return found;
}

Runs::Runs(StateDirectory& state) : state_(state), database_(state.connect()) {}

std::string Runs::create(const NewRun& run, const Retention& retention) {
  if (state_.locked()) forget_old(retention);
  const std::string id = make_id(state_.env());
  sqlite::Transaction transaction(database_);
  database_
      .prepare(
          "INSERT INTO runs (id, job, operation, spec, parent, report, arguments, created) "
          "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .bind(1, id)
      .bind(2, run.job)
      .bind(3, run.operation)
      .bind(4, run.spec)
      .bind(5, run.parent)
      .bind(6, run.report)
      .bind(7, run.arguments)
      .bind(8, nanoseconds(state_.env().wall_now()))
      .run();
  const std::int64_t number = database_.last_row_id();
  database_.prepare("INSERT INTO run_states (run, status) VALUES (?, ?)")
      .bind(1, number)
      .bind(2, job::to_string(job::RunStatus::initializing))
      .run();
  database_.prepare("INSERT INTO requests (run) VALUES (?)").bind(1, number).run();
  transaction.commit();
  return id;
}

RunInfo Runs::read(sqlite::Statement& row) {
  RunInfo run;
  run.id = row.text(0);
  run.job = row.text(1);
  run.operation = row.text(2);
  run.spec = row.text(3);
  run.parent = row.text(4);
  run.report = row.text(5);
  if (run.report.empty()) run.report = state_.run_path(run.id) + "/report";
  run.arguments = row.text(6);
  run.created = time_of(row.integer(7));
  run.status = job::parse_run_status(row.text(8)).value_or(job::RunStatus::failed);
  run.error = row.text(9);
  run.started = optional_time(row, 10);
  run.ended = optional_time(row, 11);
  run.accounts = parse_accounts(row.text(12));
  run.discovery_ended = row.integer(13) != 0;
  run.chunks_done = row.count(14);
  run.report_chain = row.text(15);
  run.published = optional_time(row, 25);
  run.publishing_failed = run.published == Time{};
  if (run.publishing_failed) run.published.reset();
  run.wish = parse_wish(row.text(16));
  run.approved_by = row.text(17);
  run.figures = "{}";
  const Time now = state_.env().wall_now();
  if (!row.is_null(18)) {
    const auto holder = state_.holder();
    run.alive = !job::is_final(run.status) && holder && holder->id == row.text(18);
    run.pid = row.integer(19);
    run.host = row.text(20);
    run.heartbeat_age = now - time_of(row.integer(21));
    run.progress_age = now - time_of(row.integer(22));
    run.figures = row.text(23);
  }
  run.stuck = run.alive && working(run.status) && run.progress_age && *run.progress_age > kStuckAfter;
  count_chunks(row.integer(24), run);
  return run;
}

void Runs::count_chunks(std::int64_t number, RunInfo& run) {
  sqlite::Statement rows = database_.prepare(
      "SELECT state, count(*), sum(objects), min(leased), sum(bytes * (extras = 0)) FROM chunks "
      "WHERE run = ? GROUP BY state");
  rows.bind(1, number);
  while (rows.step()) {
    const std::uint64_t chunks = rows.count(1);
    run.objects_queued += rows.count(2);
    run.bytes_queued += rows.count(4);
    switch (static_cast<ChunkState>(rows.integer(0))) {
      case ChunkState::queued: run.chunks_queued = chunks; break;
      case ChunkState::held:
      case ChunkState::held_extras: run.chunks_held += chunks; break;
      case ChunkState::leased:
        run.chunks_leased = chunks;
        if (!rows.is_null(3)) run.oldest_lease = state_.env().wall_now() - time_of(rows.integer(3));
        break;
    }
  }
}

std::vector<RunInfo> Runs::list(const RunFilter& filter) {
  std::string sql(kSelect);
  sql += "WHERE (?1 = '' OR r.job = ?1)";
  if (!filter.statuses.empty()) {
    sql += " AND s.status IN (";
    for (std::size_t i = 0; i < filter.statuses.size(); ++i)
      sql += fmt::format("{}'{}'", i == 0 ? "" : ", ", job::to_string(filter.statuses[i]));
    sql += ')';
  }
  sql += " ORDER BY r.number DESC LIMIT ?2";
  sqlite::Statement rows = database_.prepare(sql);
  rows.bind(1, filter.job).bind(2, std::uint64_t{filter.limit});
  std::vector<RunInfo> runs;
  while (rows.step())
    runs.push_back(read(rows));
  return runs;
}

RunInfo Runs::get(const std::string& id) {
  sqlite::Statement rows = database_.prepare(std::string(kSelect) + "WHERE r.id = ?");
  if (!rows.bind(1, id).step()) throw not_there(id);
  return read(rows);
}

RunInfo Runs::find(std::string_view text) {
  // Ids are in capitals; who types one need not care.
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(),
                         [](unsigned char c) { return c >= 'a' && c <= 'z' ? c - 32 : c; });
  std::vector<std::string> ids;
  if (!upper.empty()) {
    sqlite::Statement rows =
        database_.prepare("SELECT id FROM runs WHERE id >= ? AND id < ? ORDER BY id LIMIT 6");
    rows.bind(1, upper).bind(2, after_prefix(upper));
    while (rows.step())
      ids.emplace_back(rows.text(0));
  }
  if (ids.size() == 1) return get(ids.front());
  const std::vector<RunInfo> named = list({.job = std::string(text), .statuses = {}, .limit = 1});
  if (!text.empty() && !named.empty()) return named.front();
  if (ids.empty()) throw not_there(text);
  std::string listed;
  for (std::size_t i = 0; i < std::min<std::size_t>(ids.size(), 5); ++i)
    listed += (i == 0 ? "" : ", ") + ids[i];
  throw Error(ErrorClass::invalid_argument,
              fmt::format("several runs begin so: {}{}", listed, ids.size() > 5 ? ", ..." : ""))
      .on(visible(text));
}

std::optional<RunInfo> Runs::unfinished(std::string_view job) {
  sqlite::Statement rows = database_.prepare(
      std::string(kSelect) + "WHERE r.job = ? AND s.ended IS NULL ORDER BY r.number DESC LIMIT 1");
  if (!rows.bind(1, job).step()) return std::nullopt;
  return read(rows);
}

std::int64_t Runs::number_of(const std::string& id) {
  sqlite::Statement rows = database_.prepare("SELECT number FROM runs WHERE id = ?");
  if (!rows.bind(1, id).step()) throw not_there(id);
  return rows.integer(0);
}

std::vector<ChunkInfo> Runs::chunks_in_flight(const std::string& run) {
  sqlite::Statement rows = database_.prepare(
      "SELECT id, objects, bytes, attempt, stage, leased FROM chunks "
      "WHERE run = ? AND state = ? ORDER BY leased, id");
  rows.bind(1, number_of(run)).bind(2, static_cast<int>(ChunkState::leased));
  const Time now = state_.env().wall_now();
  std::vector<ChunkInfo> chunks;
  while (rows.step()) {
    ChunkInfo& chunk = chunks.emplace_back();
    chunk.id = rows.count(0);
    chunk.objects = rows.count(1);
    chunk.bytes = rows.count(2);
    chunk.attempt = static_cast<std::uint32_t>(rows.integer(3));
    chunk.stage = static_cast<job::Stage>(rows.integer(4));
    if (!rows.is_null(5)) chunk.leased = now - time_of(rows.integer(5));
  }
  return chunks;
}

void Runs::errors(const std::string& run, const ErrorFilter& filter,
                  const std::function<bool(const ErrorRecord&)>& visit) {
  sqlite::Statement rows = database_.prepare(
      "SELECT sequence, chunk, key, destination, version, row, source, size, extra, objects, class, code, "
      "http_status, operation, message, request_id, attempts, time FROM errors "
      "WHERE run = ?1 AND sequence > ?2 AND held = 0 AND (?3 IS NULL OR class = ?3) "
      "AND (?4 IS NULL OR code = ?4) AND key >= ?5 AND (length(?6) = 0 OR key < ?6) "
      "ORDER BY sequence LIMIT ?7");
  rows.bind(1, number_of(run)).bind(2, filter.after);
  if (filter.error_class)
    rows.bind(3, to_string(*filter.error_class));
  else
    rows.bind_null(3);
  if (filter.code)
    rows.bind(4, *filter.code);
  else
    rows.bind_null(4);
  rows.bind_bytes(5, filter.key_prefix).bind_bytes(6, after_prefix(filter.key_prefix));
  rows.bind(7, filter.limit ? static_cast<std::int64_t>(*filter.limit) : std::int64_t{-1});
  while (rows.step())
    if (!visit(read_error(rows))) return;
}

std::vector<ErrorCount> Runs::error_counts(const std::string& run) {
  sqlite::Statement rows = database_.prepare(
      "SELECT class, code, sum(objects) FROM errors WHERE run = ? AND held = 0 "
      "GROUP BY class, code ORDER BY 3 DESC, 1, 2");
  rows.bind(1, number_of(run));
  std::vector<ErrorCount> counts;
  while (rows.step())
    counts.push_back({.error_class = parse_error_class(rows.text(0)).value_or(ErrorClass::internal),
                      .code = std::string(rows.text(1)),
                      .count = rows.count(2)});
  return counts;
}

bool Runs::ask(const std::string& run, job::Wish wish) {
  const RunInfo info = get(run);
  if (job::is_final(info.status)) throw has_ended(info);
  if (!info.alive) return false;
  database_.prepare("UPDATE requests SET wish = ? WHERE run = ?")
      .bind(1, to_string(wish))
      .bind(2, number_of(run))
      .run();
  return true;
}

void Runs::approve(const std::string& run, std::string_view by) {
  const RunInfo info = get(run);
  if (job::is_final(info.status)) throw has_ended(info);
  database_.prepare("UPDATE requests SET approved_by = ?, approved = ? WHERE run = ?")
      .bind(1, by.empty() ? "somebody" : by)
      .bind(2, nanoseconds(state_.env().wall_now()))
      .bind(3, number_of(run))
      .run();
}

void Runs::set_error(const std::string& run, std::string_view error) {
  database_.prepare("UPDATE run_states SET error = ? WHERE run = ?")
      .bind(1, error)
      .bind(2, number_of(run))
      .run();
}

void Runs::set_published(const std::string& run, bool succeeded) {
  database_.prepare("UPDATE run_states SET published = ? WHERE run = ?")
      .bind(1, succeeded ? nanoseconds(state_.env().wall_now()) : 0)
      .bind(2, number_of(run))
      .run();
}

// What is settled counts once, however many runs have met it. A removal that has done its work leaves only
// its failures to the next one; one that has not, leaves everything, and an undo too. A source that is
// skipped stays for the row that names it: no removal asks for it again.
bool Runs::keeps_sources(const RunInfo& run) {
  if (run.accounts.sources_kept == 0) return false;
  std::uint64_t deleted = 0, skipped = 0, deleted_by_halves = 0, reverted = 0;
  sqlite::Statement rows = database_.prepare(
      "SELECT s.accounts, r.operation, s.status FROM runs r JOIN run_states s ON s.run = r.number "
      "WHERE r.parent = ?1 AND r.operation IN (?2, ?3)");
  rows.bind(1, run.id)
      .bind(2, job::to_string(job::Operation::remove_kept))
      .bind(3, job::to_string(job::Operation::revert));
  while (rows.step()) {
    const job::Accounts accounts = parse_accounts(rows.text(0));
    if (rows.text(1) == to_string(job::Operation::revert)) {
      reverted = std::max(reverted, accounts.reverted);
    } else if (has_done_its_work(job::parse_run_status(rows.text(2)).value_or(job::RunStatus::failed))) {
      deleted += accounts.deleted;
      skipped += accounts.skipped;
    } else {
      deleted_by_halves = std::max(deleted_by_halves, accounts.deleted);
    }
  }
  return std::max(deleted, deleted_by_halves) + std::max(skipped, reverted) < run.accounts.sources_kept;
}

void Runs::forget(const std::string& run) {
  const RunInfo info = get(run);
  if (!job::is_final(info.status))
    throw Error(ErrorClass::precondition_failed,
                fmt::format("the run has not ended: it is {}", job::to_string(info.status)))
        .on(run)
        .with_hint("haul cancel it first");
  if (keeps_sources(info))
    throw Error(ErrorClass::precondition_failed, "the run's sources are kept, and only it knows of them")
        .on(run);
  // The directory first: without its row nobody would find it any more.
  std::error_code failed;
  std::filesystem::remove_all(state_.run_path(run), failed);
  if (failed) throw errno_error(failed.value(), "remove", visible(state_.run_path(run)));
  const std::int64_t number = number_of(run);
  sqlite::Transaction transaction(database_);
  for (const char* table : {"chunks", "errors", "owners", "requests", "run_states"})
    database_.prepare(fmt::format("DELETE FROM {} WHERE run = ?", table)).bind(1, number).run();
  database_.prepare("DELETE FROM runs WHERE number = ?").bind(1, number).run();
  transaction.commit();
}

std::size_t Runs::forget_old(const Retention& retention) {
  std::vector<std::string> old;
  {
    sqlite::Statement rows = database_.prepare(
        "SELECT r.id FROM runs r JOIN run_states s ON s.run = r.number WHERE s.ended < ?1 AND r.number <= "
        "ifnull((SELECT number FROM runs ORDER BY number DESC LIMIT 1 OFFSET ?2), 0) ORDER BY r.number");
    rows.bind(1, nanoseconds(state_.env().wall_now() - retention.age));
    rows.bind(2, std::uint64_t{retention.least});
    while (rows.step())
      old.emplace_back(rows.text(0));
  }
  std::size_t forgotten = 0;
  for (const std::string& run : old) {
    if (keeps_sources(get(run))) continue;
    forget(run);
    ++forgotten;
  }
  return forgotten;
}

}  // namespace haul::engine

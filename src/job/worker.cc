#include "job/worker.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "job/item_compare.h"
#include "runtime/task_group.h"

namespace haul::job {

// What one object came to, without its texts: those are in the chunk.
struct Worker::ItemResult {
  OutcomeKind kind = OutcomeKind::copied;
  std::uint64_t bytes = 0;
  bool server_side = false;
  Duration took{};
  std::string reason;
  std::optional<Error> error;
  std::vector<std::string> losses;
  std::string etag;  // of a move: the state of the source that was copied
  Time modified{};
};

// An object that is to go, and what it comes to if it does.
struct Worker::Removal {
  const Item* item;
  store::RemoveItem request;
  ItemResult result;
};

// The chunk at work. Lanes of one shard share it, so nothing in it needs a lock.
struct Worker::ChunkWork {
  Chunk chunk;
  ChunkReport report;
  OpContext context;
  std::size_t next = 0;                                    // the first item that no lane has taken
  std::vector<std::pair<const Item*, ItemResult>> moving;  // copied and verified, still at the source
};

Task<ChunkReport> Worker::work(Chunk chunk, OpContext context) {
  ChunkWork work{.chunk = std::move(chunk), .report = {}, .context = context};
  work.report.chunk = work.chunk.id;
  if (!work.chunk.items.empty() && work.chunk.items.front().action == Action::remove) {
    co_await remove_all(work, context);
  } else {
    const std::size_t lanes = std::min<std::size_t>(job_.options.lanes, work.chunk.items.size());
    TaskGroup group(context.executor());
    for (std::size_t i = 0; i < lanes; ++i)
      group.spawn(lane(work, context));
    co_await group.join();
    co_await remove_moved(work, context);
  }
  co_return std::move(work.report);
}

Task<> Worker::lane(ChunkWork& work, OpContext context) {
  while (work.next < work.chunk.items.size()) {
    const Item& item = work.chunk.items[work.next++];
    if (context.stop().draining()) {
      ++work.report.accounts.not_attempted;
      continue;
    }
    const SteadyTime start = context.env().steady_now();
    ItemResult result;
    try {
      result = item.action == Action::compare ? co_await compare_item(item, context)
                                              : co_await copy_item(item, context);
    } catch (...) {
      result.kind = OutcomeKind::failed;
      result.error = current_error();
    }
    result.took = context.env().steady_now() - start;
    if (result.kind == OutcomeKind::copied && job_.operation == Operation::move)
      work.moving.emplace_back(&item, std::move(result));
    else
      settle(work, item, std::move(result));
  }
}

Task<Worker::ItemResult> Worker::copy_item(const Item& item, OpContext& context) {
  ItemResult result;
  result.reason = item.reason;
  store::Store& source = *job_.sources[item.source].store;
  store::Store& destination = *job_.destination->store;
  if (item.action == Action::copy_if_details) {
    const ItemVerdict verdict = co_await compare_by_details(job_, item, context);
    result.reason = verdict.reason;
    if (verdict.alike) {
      result.kind = OutcomeKind::skipped;
      co_return result;
    }
  }
  result.bytes = item.size;
  if (job_.operation == Operation::move &&
      source.describe(item.key) == destination.describe(item.destination_key))
    throw Error(ErrorClass::invalid_argument, "it would be moved onto itself").on(source.describe(item.key));
  if (job_.options.dry_run) co_return result;

  transfer::TransferRequest request{.source = source,
                                    .source_key = std::string(item.key),
                                    .source_version = std::string(item.version),
                                    .destination = destination,
                                    .destination_key = std::string(item.destination_key)};
  if (item.facts_known) request.facts = entry_of(item);
  if (job_.options.create_only) request.mode = store::WriteMode::create_only;
  transfer::TransferResult moved = co_await transfer_.object(std::move(request), context);
  result.losses = std::move(moved.losses);
  if (moved.condition_failed) {
    result.kind = OutcomeKind::skipped;
    result.reason = "exists at the destination";
    co_return result;
  }
  result.bytes = moved.bytes;
  result.server_side = moved.how == transfer::Method::server_side;
  result.etag = std::move(moved.source_etag);
  result.modified = moved.source_modified;
  if (job_.operation == Operation::move && moved.proof == transfer::Proof::none)
    throw Error(ErrorClass::data_loss, "the copy is there but could not be verified, so the source is kept")
        .during("move")
        .on(source.describe(item.key));
  co_return result;
}

Task<Worker::ItemResult> Worker::compare_item(const Item& item, OpContext& context) {
  ItemResult result;
  const ItemVerdict verdict = co_await compare_for_check(job_, item, context);
  result.kind = verdict.alike ? OutcomeKind::same : OutcomeKind::different;
  result.reason = verdict.reason;
  co_return result;
}

store::Store& Worker::store_of(const Item& item) const {
  // What sync removes are extras of the destination; what rm and mv remove are its sources.
  return job_.operation == Operation::sync ? *job_.destination->store : *job_.sources[item.source].store;
}

Task<> Worker::remove_all(ChunkWork& work, OpContext& context) {
  std::vector<Removal> removals;
  removals.reserve(work.chunk.items.size());
  for (const Item& item : work.chunk.items) {
    // What rm names is to go, in whatever state; an extra of a sync was judged as it was listed.
    const store::RemoveItem named{.key = item.key, .version = item.version};
    Removal& removal =
        removals.emplace_back(Removal{&item, work.chunk.extras ? remove_item_of(item) : named, {}});
    removal.result.kind = OutcomeKind::deleted;
    removal.result.bytes = item.size;
  }
  co_await remove(work, removals, context);
}

Task<> Worker::remove_moved(ChunkWork& work, OpContext& context) {
  // The order of a move: copied, verified, then removed at the source. A drain lets this end, so that no
  // verified copy leaves its source behind for nothing.
  std::vector<Removal> removals;
  removals.reserve(work.moving.size());
  for (auto& [item, result] : work.moving) {
    Removal& removal = removals.emplace_back(Removal{item, remove_item_of(*item), std::move(result)});
    removal.result.kind = OutcomeKind::moved;
    // The state that was copied, which may be a later one than the listing's: what came after it stays.
    removal.request.etag = removal.result.etag;
    removal.request.size = removal.result.bytes;
    removal.request.modified = removal.result.modified;
  }
  if (removals.empty()) co_return;
  try {  // a source goes only after its copy would survive a power cut
    if (!job_.options.dry_run) co_await job_.destination->store->make_durable(context);
  } catch (...) {
    const Error error = current_error();
    for (Removal& removal : removals) {
      removal.result.kind = OutcomeKind::failed;
      removal.result.error = error;
      settle(work, *removal.item, std::move(removal.result));
    }
    co_return;
  }
  co_await remove(work, removals, context);
}

// Items of several sources may lie in one chunk; each run of one store is removed by itself.
Task<> Worker::remove(ChunkWork& work, std::span<Removal> removals, OpContext& context) {
  for (std::size_t begin = 0; begin < removals.size();) {
    store::Store& store = store_of(*removals[begin].item);
    std::size_t end = begin + 1;
    while (end < removals.size() && end - begin < store.capabilities().max_remove &&
           &store_of(*removals[end].item) == &store)
      ++end;
    co_await remove_batch(work, removals.subspan(begin, end - begin), store, context);
    begin = end;
  }
}

Task<> Worker::remove_batch(ChunkWork& work, std::span<Removal> removals, store::Store& store,
                            OpContext& context) {
  if (removals.front().result.kind == OutcomeKind::deleted && context.stop().draining()) {
    if (work.chunk.extras)
      work.report.accounts.extra_kept += removals.size();
    else
      work.report.accounts.not_attempted += removals.size();
    co_return;
  }
  std::vector<store::RemoveResult> results(removals.size());
  std::optional<Error> all_failed;
  if (!job_.options.dry_run) {
    std::vector<store::RemoveItem> request;
    request.reserve(removals.size());
    for (const Removal& removal : removals)
      request.push_back(removal.request);
    try {
      results = co_await store.remove(request, context);
    } catch (...) {
      all_failed = current_error();
    }
  }
  for (std::size_t i = 0; i < removals.size(); ++i) {
    ItemResult& result = removals[i].result;
    result.error = all_failed ? all_failed : std::move(results[i].error);
    // A directory that was empty when it was listed and has since been filled is no extra any more.
    if (work.chunk.extras && result.error && result.error->error_class() == ErrorClass::precondition_failed &&
        removals[i].item->key.ends_with('/')) {
      ++work.report.accounts.extra_kept;
      continue;
    }
    if (result.error) result.kind = OutcomeKind::failed;
    settle(work, *removals[i].item, std::move(result));
  }
}

// Failures are shown by whoever reads the outcomes; the log has them for the record.
void Worker::log_outcome(const ChunkWork& work, const Item& item, const ItemResult& result) {
  Logger& log = work.context.log();
  const LogLevel level = result.error ? LogLevel::info : LogLevel::debug;
  if (!log.enabled(level)) return;
  const double seconds = std::chrono::duration<double>(result.took).count();
  const std::string_view run = work.context.label();
  if (!result.error) {
    log.log(level, to_string(result.kind),
            {{"run", run}, {"chunk", work.chunk.id}, {"key", item.key}, {"duration", seconds}});
    return;
  }
  const Error& error = *result.error;
  log.log(level, to_string(result.kind),
          {{"run", run},
           {"chunk", work.chunk.id},
           {"key", item.key},
           {"operation", std::string_view(error.operation())},
           {"duration", seconds},
           {"class", to_string(error.error_class())},
           {"request_id", std::string_view(error.request_id())},
           {"error", std::string_view(error.message())}});
}

void Worker::settle(ChunkWork& work, const Item& item, ItemResult result) {
  Accounts& accounts = work.report.accounts;
  const bool extra = work.chunk.extras;
  switch (result.kind) {
    case OutcomeKind::copied:
      ++accounts.copied;
      accounts.copied_bytes += result.bytes;
      break;
    case OutcomeKind::moved:
      ++accounts.moved;
      accounts.copied_bytes += result.bytes;
      break;
    case OutcomeKind::deleted: ++(extra ? accounts.extra_deleted : accounts.deleted); break;
    case OutcomeKind::skipped: ++accounts.skipped; break;
    case OutcomeKind::same: ++accounts.same; break;
    case OutcomeKind::different: ++accounts.different; break;
    case OutcomeKind::tagged: ++accounts.tagged; break;
    case OutcomeKind::reverted: ++accounts.reverted; break;
    case OutcomeKind::failed: ++(extra ? accounts.extra_failed : accounts.failed); break;
  }
  if (result.server_side) ++accounts.server_side;
  accounts.losses += result.losses.size();
  progress_.done_objects.fetch_add(1, std::memory_order_relaxed);
  progress_.done_bytes.fetch_add(result.kind == OutcomeKind::skipped ? item.size : result.bytes,
                                 std::memory_order_relaxed);
  log_outcome(work, item, result);
  const bool bad = result.kind == OutcomeKind::failed || result.kind == OutcomeKind::different;
  if (result.kind == OutcomeKind::failed) progress_.failed_objects.fetch_add(1, std::memory_order_relaxed);
  if (!bad && !sink_.wants_all()) return;
  Outcome outcome;
  outcome.kind = result.kind;
  outcome.key = item.key;
  outcome.destination_key = item.destination_key;
  outcome.reason = std::move(result.reason);
  outcome.size = item.size;
  outcome.source = item.source;
  outcome.extra = extra;
  outcome.error = std::move(result.error);
  outcome.losses = std::move(result.losses);
  sink_.accept(outcome);
}

}  // namespace haul::job

#include "job/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "job/chunk_outcomes.h"
#include "job/item_compare.h"
#include "job/item_facts.h"
#include "job/kept_objects.h"

namespace haul::job {
namespace {

Action action_of_chunk(const Chunk& chunk) {
  return chunk.items.empty() ? Action::copy : chunk.items.front().action;
}

bool is_kept(Action action) {
  return action == Action::remove_kept || action == Action::revert;
}

bool is_copy(Action action) {
  return action == Action::copy || action == Action::copy_if_details;
}

// Whether what was seen or done of an object holds for later attempts: a look at a copy does not.
bool has_stages(Action action) {
  return action != Action::remove && action != Action::remove_kept;
}

// Counted when it is spawned, and until it ends in whatever way.
struct EndOfLane {
  EndOfLane(std::size_t& of_chunk, std::size_t& of_shard, std::atomic<std::size_t>& of_all)
      : chunk(of_chunk), shard(of_shard), all(of_all) {}
  EndOfLane(const EndOfLane&) = delete;
  EndOfLane& operator=(const EndOfLane&) = delete;
  ~EndOfLane() {
    --chunk;
    --shard;
    all.fetch_sub(1, std::memory_order_relaxed);
  }
  std::size_t& chunk;
  std::size_t& shard;
  std::atomic<std::size_t>& all;
};

}  // namespace

// The chunk at work. Lanes of one shard share it, so nothing in it needs a lock. Objects are told by their
// index in the chunk.
struct Worker::ChunkWork {
  ChunkWork(const Worker& worker, Chunk taken, const OpContext& of)
      : chunk(std::move(taken)),
        context(of),
        action(action_of_chunk(chunk)),
        outcomes(worker.job_, chunk, worker.engine_.durable() || worker.job_.options.full_report,
                 worker.progress_, worker.sink_, context) {}

  Chunk chunk;
  OpContext context;
  Action action;
  ChunkOutcomes outcomes;
  std::vector<ItemResult> results;        // of all objects; empty where nothing follows after the first step
  std::vector<std::string_view> records;  // of kept objects: Item::row as it came
  std::size_t next = 0;                   // the first object that no lane has taken
  std::size_t lanes = 0;                  // at work
  const store::Store* reads = nullptr;    // whose places bound the lanes
  const store::Store* writes = nullptr;   // likewise
  bool fresh = false;                     // something has arrived in this attempt
  std::vector<std::uint32_t> open;        // behind their first step and not settled, ascending
  std::vector<std::uint32_t> again;       // failed for a passing reason
  std::vector<std::uint32_t> left;        // left over by a drain
};

Worker::Worker(const Job& job, RunEngine& engine, Progress& progress, OutcomeSink& sink, Runtime& runtime)
    : job_(job),
      engine_(engine),
      progress_(progress),
      sink_(sink),
      steps_(job, engine.durable(), runtime),
      lanes_(runtime.shard_count()) {
  if (job.catalogue) catalogue_.emplace(job);
}

Task<ChunkReport> Worker::work(Chunk chunk, OpContext context) {
  ChunkWork work(*this, std::move(chunk), context);
  recall(work);
  if (work.chunk.deaths > kDeathsOfSuspect && work.chunk.items.size() > 1) {
    ChunkReport halves{.chunk = work.chunk.id};
    put_back_in_halves(work, halves);
    co_return halves;
  }
  if (work.chunk.deaths <= kMostDeaths) co_await clear_remains(work, context);  // else it ended at that
  if (work.chunk.deaths >= kMostDeaths) {
    give_up(work);
    co_return work.outcomes.take();
  }
  co_await learn_facts(job_, work.chunk, context);
  co_await begin(work, context);
  co_await secure_copies(work, context);
  co_await update_catalogue(work, context);
  co_await end(work, context);
  ChunkReport report = work.outcomes.take();
  put_back_rest(work, report);
  co_return report;
}

// What a process could not live through, one that lives shorter or has less to do may.
void Worker::put_back_in_halves(ChunkWork& work, ChunkReport& report) const {
  std::vector<std::uint32_t> all(work.chunk.items.size());
  std::iota(all.begin(), all.end(), 0U);
  const std::span<const std::uint32_t> objects = all;
  for (const auto half : {objects.first(all.size() / 2), objects.subspan(all.size() / 2)}) {
    Chunk& part = report.rest.emplace_back(part_of(work, half));
    part.deaths = kDeathsOfSuspect;
    part.abandoned_since = work.chunk.abandoned_since;
  }
}

void Worker::give_up(ChunkWork& work) const {
  work.results.resize(work.chunk.items.size());
  for (std::size_t i = 0; i < work.results.size(); ++i) {
    const Item& item = work.chunk.items[i];
    work.results[i].error =
        Error(ErrorClass::internal,
              fmt::format("the process ended {} times in a row while it worked on this object, the last {} "
                          "times on nothing else; it is given up",
                          work.chunk.deaths, kDeathsAlone))
            .with_code("ProcessEnded", 0)
            .on((item.action == Action::remove ? store_of_removal(item) : *job_.sources[item.source].store)
                    .describe(item.key))
            .with_hint("find out why the process ends (memory, a crash), then haul retry");
    work.outcomes.settle(item, work.results[i]);
  }
}

// What an earlier attempt has recorded of each object, or nothing yet.
void Worker::recall(ChunkWork& work) const {
  const bool goes_on = is_copy(work.action) ? steps_.goes_on_after_copy()
                                            : work.action == Action::remove || is_kept(work.action);
  if (!goes_on) return;
  const std::size_t count = work.chunk.items.size();
  if (work.chunk.stage != Stage::begin && has_stages(work.action))
    if (auto known = unpack_facts(work.chunk.facts, count)) work.results = std::move(*known);
  work.results.resize(count);
  if (is_kept(work.action)) recall_kept(work);
}

void Worker::recall_kept(ChunkWork& work) const {
  for (std::size_t i = 0; i < work.chunk.items.size(); ++i) {
    Item& item = work.chunk.items[i];
    ItemResult& result = work.results[i];
    work.records.push_back(item.row);
    try {
      const KeptFacts facts = take_kept(item);
      result.written_etag = facts.written_etag;
      result.written_version = facts.written_version;
      result.checksum = checksum_of_text(facts.checksum);
      result.arrived_by = facts.moved;
    } catch (...) {
      result.error = current_error();
    }
    result.bytes = item.size;
    result.etag = item.etag;
    result.modified = item.modified;
  }
}

// Of the objects that a process that is gone had under way. Without the right to look, or a service that
// answers, they stay for `haul doctor`: no reason not to go on.
Task<> Worker::clear_remains(ChunkWork& work, OpContext& context) {
  if (!work.chunk.abandoned_since || !job_.destination || job_.options.dry_run) co_return;
  std::vector<std::string_view> keys;
  for (const Item& item : work.chunk.items)
    if (!item.destination_key.empty()) keys.push_back(item.destination_key);
  if (keys.empty()) co_return;
  std::uint64_t removed = 0;
  try {
    removed = co_await job_.destination->store->discard_remains(std::move(keys), *work.chunk.abandoned_since,
                                                                context.env().wall_now(), context);
  } catch (const Error& error) {
    if (error.error_class() == ErrorClass::cancelled) throw;
    context.log().log(LogLevel::warning, "remains of an interrupted process could not be looked for",
                      {{"chunk", work.chunk.id}, {"error", std::string_view(error.what())}});
  }
  if (removed != 0)
    context.log().log(LogLevel::info, "remains of an interrupted process were removed",
                      {{"chunk", work.chunk.id}, {"count", removed}});
}

Task<> Worker::begin(ChunkWork& work, OpContext& context) {
  const std::size_t count = work.chunk.items.size();
  if (work.action == Action::remove) {  // many at once is all that is done with them
    for (std::size_t i = 0; i < count; ++i) {
      work.results[i].step = ItemStep::arrived;
      work.results[i].bytes = work.chunk.items[i].size;
    }
  } else if (count != 0) {
    const store::Store& source = *job_.sources[work.chunk.items.front().source].store;
    if (is_copy(work.action)) work.writes = job_.destination->store.get();
    if (work.writes == nullptr || !work.writes->can_copy_from(source)) work.reads = &source;
    TaskGroup group(context.executor());
    spawn_lane(work, group, context);  // each chunk has one, whatever the others have
    follow_places(work, group, context);
    co_await group.join();
  }
  for (std::size_t i = 0; i < work.results.size(); ++i)
    if (work.results[i].step != ItemStep::undone) work.open.push_back(static_cast<std::uint32_t>(i));
  settle_failed(work);  // those that could not be looked at; how far they are is known still
}

void Worker::spawn_lane(ChunkWork& work, TaskGroup& group, const OpContext& context) {
  ++work.lanes;
  ++lanes_[context.shard().index()];
  all_lanes_.fetch_add(1, std::memory_order_relaxed);
  group.spawn(lane(work, group, context));
}

// Lanes that only wait for a place among the requests in flight cost memory and cache: they become more and
// fewer as the places do. True if there are too many of them already.
bool Worker::follow_places(ChunkWork& work, TaskGroup& group, const OpContext& context) {
  const std::size_t worth = lanes_of_use(work, context);
  const std::size_t& of_shard = lanes_[context.shard().index()];
  if (of_shard > worth) return true;
  const std::size_t count = work.chunk.items.size();
  while (of_shard < worth && work.lanes < job_.options.lanes && work.next < count)
    spawn_lane(work, group, context);
  return false;
}

std::size_t Worker::lanes_of_use(const ChunkWork& work, const OpContext& context) const {
  constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();
  const auto places_of = [&](const store::Store* store) {
    return store == nullptr ? kUnbounded : store->places(context);
  };
  const std::size_t reads = places_of(work.reads), places = std::min(reads, places_of(work.writes));
  const std::size_t bound = job_.options.shard_lanes;
  if (places == kUnbounded) return bound;
  const std::size_t of_places = places * 5 / 4 + 4;  // not every lane is at a request at any moment
  if (reads == kUnbounded) return of_places;
  // A body that is read holds no place, so lanes are bounded as well: by a shard's part, and what others
  // leave.
  const std::size_t others = all_lanes_.load(std::memory_order_relaxed) - lanes_[context.shard().index()];
  const std::size_t all = bound * lanes_.size();
  return std::min(of_places, std::max(bound, all - std::min(all, others)));
}

Task<> Worker::lane(ChunkWork& work, TaskGroup& group, OpContext context) {
  const EndOfLane end(work.lanes, lanes_[context.shard().index()], all_lanes_);
  ItemResult own;
  while (work.next < work.chunk.items.size()) {
    const std::size_t index = work.next++;
    const bool follows = !work.results.empty();
    ItemResult& result = follows ? work.results[index] : own;
    if (follows && co_await holds_still(work.chunk.items[index], result, context)) continue;
    if (context.stop().draining()) {
      leave_over(work, index);
      continue;
    }
    if (!follows) own.clear();
    const SteadyTime start = context.env().steady_now();
    try {
      if (!result.error) co_await first_step(work.chunk.items[index], result, context);
    } catch (...) {
      result.error = current_error();
    }
    result.took = context.env().steady_now() - start;
    if (result.error) result.step = ItemStep::undone;
    if (result.step == ItemStep::undone)
      settle(work, index, result);
    else
      note_arrival(work, result);
    if (follow_places(work, group, context) && work.lanes > 1) break;
  }
}

void Worker::note_arrival(ChunkWork& work, ItemResult& result) const {
  work.fresh = true;
  result.under_way = true;
  progress_.arrived_objects.fetch_add(1, std::memory_order_relaxed);
  progress_.arrived_bytes.fetch_add(result.bytes, std::memory_order_relaxed);
}

// Whether an object goes on from where an earlier attempt has left it. Nobody has watched its copy since:
// what is not there as it was written is copied again before a row names it, or its source goes.
Task<bool> Worker::holds_still(const Item& item, ItemResult& result, OpContext& context) const {
  if (result.step == ItemStep::undone || result.error) co_return false;
  if (!is_copy(item.action) || !result.recalled) co_return true;
  try {
    if (co_await steps_.copy_is_there(item, result, context)) co_return true;
    result.clear();
  } catch (...) {
    result.error = current_error();
  }
  co_return result.error.has_value();
}

Task<> Worker::first_step(const Item& item, ItemResult& result, OpContext& context) {
  return is_kept(item.action) ? look_at_kept(item, result, context) : steps_.carry_out(item, result, context);
}

Task<> Worker::look_at_kept(const Item& item, ItemResult& result, OpContext& context) {
  if (item.action == Action::revert)
    co_await steps_.confirm_source(item, context);
  else
    co_await steps_.confirm_copy(item, result, context);
  // Kept for days, and not every service compares before it removes.
  if (item.action == Action::remove_kept) co_await steps_.confirm_nothing_newer(item, result, context);
  result.step = ItemStep::arrived;
}

// The catalogue names a copy, and a source goes, only after the copy would survive a power cut.
Task<> Worker::secure_copies(ChunkWork& work, OpContext& context) {
  if (!is_copy(work.action) || !work.fresh || job_.options.dry_run) co_return;
  try {
    co_await job_.destination->store->make_durable(context);
  } catch (...) {
    const Error error = current_error();
    for (const std::uint32_t index : work.open) {
      ItemResult& result = work.results[index];
      if (result.step != ItemStep::arrived || result.recalled) continue;  // those are durable already
      result.step = ItemStep::undone;
      result.error = error;
    }
    settle_failed(work);
  }
  co_await record_stage(work, Stage::copied, context);
}

Task<> Worker::update_catalogue(ChunkWork& work, OpContext& context) {
  if (!catalogue_ || !has_stages(work.action) || job_.options.dry_run) co_return;
  std::vector<CatalogueItem> rows;
  for (const std::uint32_t index : work.open) {
    ItemResult& result = work.results[index];
    if (result.step != ItemStep::arrived) continue;
    result.catalogue = CatalogueState::none;
    rows.push_back({&work.chunk.items[index], &result});
  }
  if (rows.empty()) co_return;
  co_await catalogue_->update(rows, context);
  settle_failed(work);
  const bool moves = job_.operation == Operation::move && !job_.options.keep_source;
  if (moves || work.action == Action::revert) co_await record_stage(work, Stage::catalogued, context);
}

Task<> Worker::record_stage(ChunkWork& work, Stage stage, OpContext& context) {
  if (!engine_.durable() || work.open.empty()) co_return;
  std::string facts;
  for (const ItemResult& result : work.results)
    pack_facts(facts, result);
  co_await engine_.record_stage(work.chunk.id, stage, std::move(facts), context);
}

// What is left to be done, once nothing depends on the objects that are to go.
Task<> Worker::end(ChunkWork& work, OpContext& context) {
  co_await look_for_names(work, context);
  const bool keeps_source =
      is_copy(work.action) && (job_.operation != Operation::move || job_.options.keep_source);
  std::erase_if(work.open, [&](std::uint32_t index) {
    const Item& item = work.chunk.items[index];
    ItemResult& result = work.results[index];
    if (!keeps_source && !result.already_there && !result.still_named) return false;
    result.kind = kind_at_end(item, result);
    result.source_kept = result.kind == OutcomeKind::moved;
    settle(work, index, result);
    return true;
  });
  if (!job_.options.dry_run) co_await confirm(work, context);
  co_await remove(work, context);
}

// Rows that name one object may lie in different chunks: the last of them to be updated takes the source.
Task<> Worker::look_for_names(ChunkWork& work, OpContext& context) {
  const bool removes_sources =
      work.action == Action::remove_kept ||
      (is_copy(work.action) && job_.operation == Operation::move && !job_.options.keep_source);
  if (!catalogue_ || !removes_sources || job_.options.dry_run) co_return;
  std::vector<CatalogueItem> objects;
  objects.reserve(work.open.size());
  for (const std::uint32_t index : work.open)
    objects.push_back({&work.chunk.items[index], &work.results[index]});
  co_await catalogue_->find_named(objects, context);
  settle_failed(work);
}

// A last look, where a state was seen long ago. Undo removes copies: an object whose source has gone
// meanwhile keeps its copy, whatever the catalogue says.
Task<> Worker::confirm(ChunkWork& work, OpContext& context) {
  const bool long_ago =
      std::ranges::any_of(work.open, [&](std::uint32_t index) { return work.results[index].recalled; });
  if (work.action != Action::revert && !long_ago) co_return;
  std::size_t next = 0;
  TaskGroup group(context.executor());
  const std::size_t lanes =
      std::min({std::size_t{job_.options.lanes}, lanes_of_use(work, context), work.open.size()});
  for (std::size_t i = 0; i < lanes; ++i)
    group.spawn(confirm_lane(work, next, context));
  co_await group.join();
  std::erase_if(work.open, [&](std::uint32_t index) {
    ItemResult& result = work.results[index];
    if (!result.error && result.kind != OutcomeKind::reverted) return false;
    settle(work, index, result);
    return true;
  });
}

Task<> Worker::confirm_lane(ChunkWork& work, std::size_t& next, OpContext context) {
  while (next < work.open.size()) {
    const std::uint32_t index = work.open[next++];
    const Item& item = work.chunk.items[index];
    ItemResult& result = work.results[index];
    try {
      if (item.action != Action::revert) {
        if (result.recalled) co_await steps_.confirm_nothing_newer(item, result, context);
        continue;
      }
      co_await steps_.confirm_source(item, context);
      if (!co_await steps_.copy_is_as_written(item, result, context)) {
        result.kind = OutcomeKind::reverted;
        result.reason = "the copy is not as it was written any more, and stays";
      }
    } catch (...) {
      result.error = current_error();
    }
  }
}

// Objects of several sources may lie in one chunk; each run of one store is removed by itself.
Task<> Worker::remove(ChunkWork& work, OpContext& context) {
  for (std::size_t begin = 0; begin < work.open.size();) {
    const store::Store& store = store_of_removal(work.chunk.items[work.open[begin]]);
    std::size_t end = begin + 1;
    while (end < work.open.size() && end - begin < store.capabilities().max_remove &&
           &store_of_removal(work.chunk.items[work.open[end]]) == &store)
      ++end;
    co_await remove_batch(work, std::span(work.open).subspan(begin, end - begin), context);
    begin = end;
  }
}

Task<> Worker::remove_batch(ChunkWork& work, std::span<const std::uint32_t> batch, OpContext& context) {
  // A drain lets a move end, so that no verified copy leaves its source behind for nothing.
  if (work.action == Action::remove && context.stop().draining()) {
    for (const std::uint32_t index : batch)
      leave_over(work, index);
    co_return;
  }
  std::vector<store::RemoveResult> results(batch.size());
  std::optional<Error> all_failed;
  if (!job_.options.dry_run) {
    std::vector<store::RemoveItem> request;
    request.reserve(batch.size());
    for (const std::uint32_t index : batch)
      request.push_back(removal_of(work, index));
    try {
      results = co_await store_of_removal(work.chunk.items[batch.front()]).remove(request, context);
    } catch (...) {
      all_failed = current_error();
    }
  }
  for (std::size_t i = 0; i < batch.size(); ++i)
    settle_removal(work, batch[i], all_failed ? all_failed : std::move(results[i].error));
}

store::Store& Worker::store_of_removal(const Item& item) const {
  // What sync removes are extras of the destination, what undo removes are copies; else it is sources.
  const bool there = job_.operation == Operation::sync || item.action == Action::revert;
  return there ? *job_.destination->store : *job_.sources[item.source].store;
}

store::RemoveItem Worker::removal_of(const ChunkWork& work, std::size_t index) const {
  const Item& item = work.chunk.items[index];
  const ItemResult& result = work.results[index];
  switch (item.action) {
    case Action::remove: {
      // What rm names is to go, in whatever state; an extra of a sync, and a plan, was judged as it was
      // listed.
      const bool as_listed = work.chunk.extras || (job_.options.exactly_as_listed && item.facts_known);
      return as_listed ? remove_item_of(item) : store::RemoveItem{.key = item.key, .version = item.version};
    }
    case Action::remove_kept: return remove_item_of(item);
    case Action::revert:
      if (!result.written_version.empty())
        return {.key = item.destination_key, .version = result.written_version};
      return {.key = item.destination_key, .etag = result.written_etag, .size = item.size};
    default: break;
  }
  // The state that was copied, which may be a later one than the listing's: what came after it stays.
  return {.key = item.key,
          .version = item.version,
          .etag = result.etag,
          .size = result.bytes,
          .modified = result.modified};
}

OutcomeKind Worker::kind_at_end(const Item& item, const ItemResult& result) const noexcept {
  if (result.already_there) return OutcomeKind::skipped;
  if (result.still_named)
    return item.action == Action::remove_kept ? OutcomeKind::skipped : OutcomeKind::copied;
  if (item.action == Action::revert) return OutcomeKind::reverted;
  if (item.action == Action::remove || item.action == Action::remove_kept) return OutcomeKind::deleted;
  return job_.operation == Operation::move ? OutcomeKind::moved : OutcomeKind::copied;
}

void Worker::settle_removal(ChunkWork& work, std::size_t index, std::optional<Error> error) const {
  const Item& item = work.chunk.items[index];
  ItemResult& result = work.results[index];
  // A directory that was empty when it was listed and has since been filled is no extra any more.
  if (work.chunk.extras && error && error->error_class() == ErrorClass::precondition_failed &&
      item.key.ends_with('/')) {
    ++work.outcomes.accounts().extra_kept;
    return;
  }
  if (item.action == Action::revert && error && error->error_class() == ErrorClass::source_changed) {
    result.reason = "the copy is not as it was written any more, and stays";
    error.reset();
  }
  result.kind = kind_at_end(item, result);
  result.error = std::move(error);
  settle(work, index, result);
}

void Worker::settle_failed(ChunkWork& work) const {
  std::erase_if(work.open, [&](std::uint32_t index) {
    if (!work.results[index].error) return false;
    settle(work, index, work.results[index]);
    return true;
  });
}

// An outcome, unless the object is worth another attempt.
void Worker::settle(ChunkWork& work, std::size_t index, ItemResult& result) const {
  const auto number = static_cast<std::uint32_t>(index);
  if (std::exchange(result.under_way, false)) {
    progress_.arrived_objects.fetch_sub(1, std::memory_order_relaxed);
    progress_.arrived_bytes.fetch_sub(result.bytes, std::memory_order_relaxed);
  }
  if (result.error) {
    const bool passing = result.error->retryable();
    const bool broken_off =
        work.context.stop().draining() && (passing || result.error->error_class() == ErrorClass::cancelled);
    if (broken_off && engine_.durable()) return work.left.push_back(number);
    if (passing && work.chunk.attempt < job_.options.attempts) {
      ++work.outcomes.accounts().retried;
      return work.again.push_back(number);
    }
  }
  work.outcomes.settle(work.chunk.items[index], result);
}

void Worker::leave_over(ChunkWork& work, std::size_t index) const {
  if (engine_.durable()) return work.left.push_back(static_cast<std::uint32_t>(index));
  ++(work.chunk.extras ? work.outcomes.accounts().extra_kept : work.outcomes.accounts().not_attempted);
}

// One chunk for both kinds. With objects that a drain has left over in it the attempt does not count: those
// that have failed get one more, for each drain at the most. Nor is a suspect cleared by a process that ended
// early of itself.
void Worker::put_back_rest(ChunkWork& work, ChunkReport& report) const {
  if (work.again.empty() && work.left.empty()) return;
  const bool counts = work.left.empty();
  std::vector<std::uint32_t> objects = std::move(work.left);
  objects.insert(objects.end(), work.again.begin(), work.again.end());
  std::ranges::sort(objects);
  Chunk& rest = report.rest.emplace_back(part_of(work, objects));
  if (counts) {
    ++rest.attempt;
    return;
  }
  if (rest.stage <= work.chunk.stage) rest.deaths = work.chunk.deaths;
  rest.abandoned_since = work.chunk.abandoned_since;
}

Chunk Worker::part_of(const ChunkWork& work, std::span<const std::uint32_t> objects) const {
  Chunk part;
  part.extras = work.chunk.extras;
  part.attempt = work.chunk.attempt;
  const bool stages = !work.results.empty() && has_stages(work.action);
  ItemStep furthest = ItemStep::undone;
  for (const std::uint32_t index : objects) {
    Item item = work.chunk.items[index];
    for (std::string_view* text :
         {&item.key, &item.destination_key, &item.etag, &item.version, &item.storage_class, &item.reason})
      *text = part.text.store(*text);
    item.row = part.text.store(work.records.empty() ? item.row : work.records[index]);
    part.bytes += item.size;
    part.items.push_back(item);
    if (!stages) continue;
    furthest = std::max(furthest, work.results[index].step);
    pack_facts(part.facts, work.results[index]);
  }
  if (furthest == ItemStep::undone) part.facts.clear();
  if (furthest == ItemStep::arrived) part.stage = Stage::copied;
  if (furthest == ItemStep::catalogued) part.stage = Stage::catalogued;
  return part;
}

}  // namespace haul::job

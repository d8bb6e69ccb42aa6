#include "job/worker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "job/chunk_work.h"
#include "job/item_compare.h"
#include "job/item_facts.h"

namespace haul::job {

Worker::Worker(const Job& job, RunEngine& engine, Progress& progress, OutcomeSink& sink, Runtime& runtime)
    : job_(job),
      engine_(engine),
      progress_(progress),
      sink_(sink),
      steps_(job, engine.durable(), runtime),
      lanes_(runtime.shard_count(), job.options.shard_lanes) {
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
  group.spawn(work_along(Lane(lanes_, work.lanes, context), work, group, context));
}

// Lanes become more and fewer as the places of the stores do. True if there are too many of them already.
bool Worker::follow_places(ChunkWork& work, TaskGroup& group, const OpContext& context) {
  const std::size_t of_use = lanes_.of_use(work.reads, work.writes, context);
  if (lanes_.at_work(context) > of_use) return true;
  const std::size_t count = work.chunk.items.size();
  while (lanes_.at_work(context) < of_use && work.lanes < job_.options.lanes && work.next < count)
    spawn_lane(work, group, context);
  return false;
}

Task<> Worker::work_along(Lane lane, ChunkWork& work, TaskGroup& group, OpContext context) {
  const Lane until_the_end(std::move(lane));  // a parameter may outlive the chunk
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
  const std::size_t lanes = std::min(
      {std::size_t{job_.options.lanes}, lanes_.of_use(work.reads, work.writes, context), work.open.size()});
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

}  // namespace haul::job

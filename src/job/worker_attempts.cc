// What goes from one attempt at a chunk to the next: what is known of each object already, what it comes to,
// and what is put back for another attempt.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "job/chunk_work.h"
#include "job/kept_objects.h"

namespace haul::job {

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

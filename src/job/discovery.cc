#include "job/discovery.h"

#include <utility>

#include "listing/parallel_lister.h"

namespace haul::job {
namespace {

std::string_view reason_text(store::SkipReason reason) {
  switch (reason) {
    case store::SkipReason::symlink: return "symbolic link";
    case store::SkipReason::symlink_loop: return "symbolic link that leads back to where it lies";
    case store::SkipReason::special_file: return "not a regular file";
  }
  return "skipped";
}

}  // namespace

void ChunkBuilder::count(std::uint64_t bytes) {
  chunk_.bytes += bytes;
  progress_.found_objects.fetch_add(1, std::memory_order_relaxed);
  progress_.found_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

Task<bool> ChunkBuilder::flush(OpContext& context) {
  if (chunk_.items.empty()) co_return true;
  chunk_.id = next_id_++;
  Chunk full = std::exchange(chunk_, {});
  chunk_.items.reserve(full.items.size());
  co_return co_await queue_.push(std::move(full), context);
}

Discovery::Discovery(const Job& job, RunPorts& ports, KeySpool& extras)
    : job_(job),
      ports_(ports),
      extras_(extras),
      filter_(job.options.filters),
      chunks_(job.options, ports.chunks, ports.progress) {}
Discovery::~Discovery() = default;

Task<Discovered> Discovery::run(OpContext context) {
  ports_.progress.listing = true;
  const bool merges = job_.operation == Operation::sync || job_.operation == Operation::check;
  for (std::size_t i = 0; i < job_.sources.size() && !context.stop().draining(); ++i) {
    const Source& source = job_.sources[i];
    const auto index = static_cast<std::uint16_t>(i);
    if (source.object)
      co_await take_object(source, index, context);
    else if (merges)
      co_await take_pairs(source, context);
    else
      co_await take_listing(source, index, context);
  }
  co_await chunks_.flush(context);
  co_await report(context);
  ports_.progress.listing = false;
  result_.complete = !context.stop().draining() && !list_failed_;
  co_return result_;
}

Task<> Discovery::report(OpContext& context) {
  co_await ports_.runs.record_discovery(std::exchange(found_, {}), context);
}

Task<> Discovery::take_object(const Source& source, std::uint16_t index, OpContext& context) {
  const store::Details& details = *source.object;
  store::Entry entry;
  entry.key = details.key;
  entry.size = details.size;
  entry.modified = details.modified;
  entry.changed = details.changed;
  entry.etag = details.etag;
  entry.version = source.version;
  entry.storage_class = details.storage_class;
  entry.kind = details.kind;
  take_entry(source, index, entry);
  co_await report(context);
}

Task<> Discovery::take_listing(const Source& source, std::uint16_t index, OpContext& context) {
  listing::ParallelListOptions options;
  options.order = listing::ListOrder::any;
  listing::ParallelLister stream(*source.store, list_request(source.prefix), options, context);
  bool open = true;
  while (open && !context.stop().draining()) {
    std::optional<store::ListPage> page = co_await stream.next(context);
    if (!page) break;
    note_page(*page, source);
    for (const store::Entry& entry : page->entries) {
      take_entry(source, index, entry);
      if (chunks_.full()) open = open && co_await chunks_.flush(context);
    }
    co_await report(context);
  }
  co_await stream.close();
}

store::ListRequest Discovery::list_request(const std::string& prefix) const {
  store::ListRequest request;
  request.prefix = prefix;
  request.all_versions = job_.options.all_versions;
  request.directories = job_.options.directories;
  return request;
}

Task<> Discovery::take_pairs(const Source& source, OpContext& context) {
  const Destination& destination = *job_.destination;
  listing::ParallelLister ours(*source.store, list_request(source.prefix), {}, context);
  listing::ParallelLister theirs(*destination.store, list_request(destination.prefix), {}, context);
  listing::MergeWalk walk(ours, source.strip, theirs, destination.prefix);
  std::vector<listing::Pair> pairs;
  std::exception_ptr error;
  try {
    bool open = true;
    while (open && !context.stop().draining() && co_await walk.next(pairs, context)) {
      if (const store::ListPage* page = walk.new_source_page()) note_page(*page, source);
      if (const store::ListPage* page = walk.new_destination_page()) note_destination_page(*page);
      for (const listing::Pair& pair : pairs) {
        take_pair(source, pair);
        if (chunks_.full()) open = open && co_await chunks_.flush(context);
      }
      co_await report(context);
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await ours.close();
  co_await theirs.close();
  if (error) std::rethrow_exception(error);
}

Item Discovery::item_of(const Source& source, std::uint16_t index, const store::Entry& entry) {
  TextArena& text = chunks_.text();
  Item item;
  item.key = text.store(entry.key);
  item.etag = text.store(entry.etag);
  item.version = text.store(entry.version);
  item.storage_class = text.store(entry.storage_class);
  item.size = entry.size;
  item.modified = entry.modified;
  item.changed = entry.changed;
  item.kind = entry.kind;
  item.source = index;
  if (job_.destination) {
    const Destination& destination = *job_.destination;
    item.destination_key =
        destination.key
            ? text.store(*destination.key)
            : job_.mapping.map(destination.prefix, entry.key.substr(source.strip.size()), entry, text);
  }
  return item;
}

void Discovery::add(const Item& item) {
  chunks_.add() = item;
  chunks_.count(item.size);
}

void Discovery::take_entry(const Source& source, std::uint16_t index, const store::Entry& entry) {
  if (source.glob && !source.glob->matches(entry.key)) return;  // was never meant: not part of the accounts
  count_listed(entry);
  if (!filter_.accepts(entry.key.substr(source.strip.size()), entry)) {
    ++found_.filtered;
    return;
  }
  if (job_.operation != Operation::remove && entry.kind == store::EntryKind::delete_marker)
    return skip(source, entry.key, "delete marker");
  try {
    Item item = item_of(source, index, entry);
    item.action = job_.operation == Operation::remove ? Action::remove : Action::copy;
    add(item);
  } catch (...) {  // a key that maps to nothing is this object's failure, not the run's
    fail(source, entry.key, current_error());
  }
}

void Discovery::take_pair(const Source& source, const listing::Pair& pair) {
  const Destination& destination = *job_.destination;
  if (pair.destination != nullptr && filter_.accepts_key(pair.key)) ++result_.destination_objects;
  if (pair.source == nullptr) return take_extra(pair);
  const store::Entry& entry = *pair.source;
  count_listed(entry);
  if (!filter_.accepts(pair.key, entry)) {
    ++found_.filtered;
    return;
  }
  const bool checking = job_.operation == Operation::check;
  if (pair.destination == nullptr) {
    if (checking) return missing(source, entry);
    Item item = item_of(source, 0, entry);
    item.reason = "missing at the destination";
    return add(item);
  }
  listing::Decision decision =
      listing::compare_entries(entry, source.store->capabilities(), *pair.destination,
                               destination.store->capabilities(), job_.options.compare);
  if (checking && job_.options.check == CheckMode::bytes && decision.verdict != listing::Verdict::differs)
    decision.verdict = listing::Verdict::needs_details;
  if (decision.verdict == listing::Verdict::same) {
    if (checking)
      ++found_.same;
    else
      skip(source, entry.key, decision.reason);
    return;
  }
  Item item = item_of(source, 0, entry);
  item.reason = decision.reason;
  item.destination_size = pair.destination->size;
  const bool differs = decision.verdict == listing::Verdict::differs;
  if (checking)
    item.action = Action::compare;
  else
    item.action = differs ? Action::copy : Action::copy_if_details;
  add(item);
}

// What the destination has and the source does not. Objects that a filter keeps out of the source are not
// seen as extra: what was not to be copied is not to be deleted.
void Discovery::take_extra(const listing::Pair& pair) {
  const store::Entry& entry = *pair.destination;
  if (!filter_.accepts_key(pair.key)) return;
  if (job_.operation == Operation::check) {
    if (job_.options.check_one_way) return;
    ++found_.extra;
    ++found_.extra_kept;
    Outcome outcome;
    outcome.kind = OutcomeKind::different;
    outcome.destination_key = entry.key;
    outcome.reason = "extra at the destination";
    outcome.size = entry.size;
    outcome.extra = true;
    ports_.sink.accept(outcome);
    return;
  }
  extras_.add(entry.key, entry.etag, entry.size, entry.modified);
}

void Discovery::count_listed(const store::Entry& entry) {
  ++found_.listed;
  ++result_.source_objects;
  found_.listed_bytes += entry.size;
  ports_.progress.listed_objects.fetch_add(1, std::memory_order_relaxed);
}

void Discovery::note_page(const store::ListPage& page, const Source& source) {
  for (const store::SkippedEntry& skipped : page.skipped) {
    ++found_.listed;
    ++result_.source_objects;
    skip(source, skipped.key, reason_text(skipped.reason));
  }
  note_failures(page, *source.store);
}

void Discovery::note_destination_page(const store::ListPage& page) {
  note_failures(page, *job_.destination->store);
}

void Discovery::note_failures(const store::ListPage& page, const store::Store& store) {
  for (const store::ListFailure& failure : page.failures) {
    ++found_.list_failures;
    list_failed_ = true;
    ports_.progress.failed_objects.fetch_add(1, std::memory_order_relaxed);
    Outcome outcome;
    outcome.kind = OutcomeKind::failed;
    outcome.key = failure.key;
    outcome.error =
        failure.error.subject().empty() ? failure.error.on(store.describe(failure.key)) : failure.error;
    ports_.sink.accept(outcome);
  }
}

void Discovery::skip(const Source& source, std::string_view key, std::string_view reason) {
  ++found_.skipped;
  ports_.progress.skipped_objects.fetch_add(1, std::memory_order_relaxed);
  if (ports_.sink.wants_all()) settle(source, key, OutcomeKind::skipped, reason, std::nullopt);
}

void Discovery::missing(const Source& source, const store::Entry& entry) {
  ++found_.missing;
  settle(source, entry.key, OutcomeKind::different, "missing at the destination", std::nullopt);
}

void Discovery::fail(const Source& source, std::string_view key, Error error) {
  ++found_.failed;
  ports_.progress.failed_objects.fetch_add(1, std::memory_order_relaxed);
  settle(source, key, OutcomeKind::failed, "", std::move(error));
}

void Discovery::settle(const Source& source, std::string_view key, OutcomeKind kind, std::string_view reason,
                       std::optional<Error> error) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.key = key;
  outcome.reason = reason;
  outcome.source = static_cast<std::uint16_t>(&source - job_.sources.data());
  outcome.error = std::move(error);
  ports_.sink.accept(outcome);
}

}  // namespace haul::job

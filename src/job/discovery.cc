#include "job/discovery.h"

#include <utility>

#include "job/item_compare.h"
#include "job/key_spool.h"
#include "listing/compare.h"
#include "listing/key_selection.h"
#include "listing/parallel_lister.h"
#include "listing/spill_sort.h"

namespace haul::job {
namespace {

Error collision() {
  return Error(ErrorClass::already_exists, "another object of this run has the same key at the destination")
      .with_hint("copy them one after the other, or under different prefixes");
}

std::string_view reason_text(store::SkipReason reason) {
  switch (reason) {
    case store::SkipReason::symlink: return "symbolic link";
    case store::SkipReason::symlink_loop: return "symbolic link that leads back to where it lies";
    case store::SkipReason::special_file: return "not a regular file";
  }
  return "skipped";
}

}  // namespace

// A stream that tells of what its pages skipped and could not list, before anybody merges or sorts them.
class Discovery::ObservedStream final : public listing::EntryStream {
 public:
  // source: nothing for the destination, whose skipped entries are no part of the accounts.
  ObservedStream(listing::EntryStream& inner, Discovery& discovery, const Source* source,
                 const store::Store& store)
      : inner_(inner), discovery_(discovery), source_(source), store_(store) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) override {
    if (!store_.capabilities().directories || !discovery_.job_.options.directories)
      co_return co_await observed(context);
    // Directories are listed before what lies in them: the last entry of a page is judged by the next one's
    // first.
    if (!ahead_ && !ended_) ahead_ = co_await observed(context);
    std::optional<store::ListPage> page = std::exchange(ahead_, std::nullopt);
    if (page) ahead_ = co_await observed(context);
    ended_ = !ahead_;
    if (page) keep_empty_directories(page->entries, ahead_ ? &*ahead_ : nullptr);
    co_return page;
  }
  const listing::ListingFacts& facts() const noexcept override { return inner_.facts(); }
  Task<> close() override { co_await inner_.close(); }

 private:
  Task<std::optional<store::ListPage>> observed(OpContext& context) {
    std::optional<store::ListPage> page = co_await inner_.next(context);
    if (page) {
      if (source_ != nullptr) discovery_.note_skipped(*page, *source_);
      discovery_.note_failures(*page, store_);
    }
    co_return page;
  }

  // A directory with something in it comes to be by what is in it.
  static void keep_empty_directories(std::vector<store::Entry>& entries, const store::ListPage* following) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      std::string_view next;
      if (i + 1 < entries.size())
        next = entries[i + 1].key;
      else if (following != nullptr && !following->entries.empty())
        next = following->entries.front().key;
      const bool full = entries[i].kind == store::EntryKind::directory && next.starts_with(entries[i].key);
      if (!full) entries[kept++] = entries[i];
    }
    entries.resize(kept);
  }

  listing::EntryStream& inner_;
  Discovery& discovery_;
  const Source* source_;
  const store::Store& store_;
  std::optional<store::ListPage> ahead_;
  bool ended_ = false;
};

void ChunkBuilder::count(std::uint64_t bytes) {
  chunk_.bytes += bytes;
  progress_.found_objects.fetch_add(1, std::memory_order_relaxed);
  progress_.found_bytes.fetch_add(bytes, std::memory_order_relaxed);
}

Task<bool> ChunkBuilder::flush(OpContext& context) {
  if (chunk_.items.empty()) co_return true;
  const std::size_t count = chunk_.items.size();
  chunk_.extras = extras_;
  DiscoveryStep step;
  step.chunks.push_back(std::exchange(chunk_, {}));
  chunk_.items.reserve(count);
  const bool pushed = co_await engine_.discovered(std::move(step), context);
  if (!pushed) dropped_ += count;
  co_return pushed;
}

Discovery::Discovery(const Job& job, RunPorts& ports)
    : job_(job),
      ports_(ports),
      chunks_(job.options, ports.engine, ports.progress, false),
      extras_(job.options, ports.engine, ports.progress, true) {}
Discovery::~Discovery() = default;

Task<Discovered> Discovery::run(OpContext context) {
  ports_.progress.listing = true;
  const listing::FilterOptions by_key{.patterns = job_.options.filters.patterns,
                                      .ignore_case = job_.options.filters.ignore_case};
  for (const Source& source : job_.sources) {
    mappings_.push_back(mapping_of(source));
    // Of a key alone neither size nor age is known.
    filters_.emplace_back(source.keys && !merges() ? by_key : job_.options.filters, source.strip);
  }
  if (job_.destination) extra_filter_.emplace(by_key, job_.destination->prefix);
  std::exception_ptr error;
  try {
    for (std::size_t i = 0; i < job_.sources.size() && !context.stop().draining(); ++i)
      co_await take_source(job_.sources[i], static_cast<std::uint16_t>(i), context);
  } catch (...) {
    error = std::current_exception();
  }
  // What was found before a listing failed stands for itself: it is worked on and accounted for.
  co_await chunks_.flush(context);
  co_await extras_.flush(context);
  found_.not_attempted += chunks_.dropped();
  co_await report(context);
  ports_.progress.listing = false;
  if (error) std::rethrow_exception(error);
  result_.complete = !context.stop().draining() && !list_failed_;
  co_return result_;
}

Task<> Discovery::take_source(const Source& source, std::uint16_t index, OpContext& context) {
  if (source.object)
    co_await take_object(source, index, context);
  else if (merges())
    co_await take_pairs(source, context);
  else if (source.keys)
    co_await take_keys(source, index, context);
  else
    co_await take_listing(source, index, context);
}

Task<> Discovery::report(OpContext& context) {
  if (extras_.full()) co_await extras_.flush(context);
  DiscoveryStep step;
  step.accounts = std::exchange(found_, {});
  co_await ports_.engine.discovered(std::move(step), context);
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
  listing::ParallelLister lister(*source.store, list_request(source.prefix), options, context);
  ObservedStream listed(lister, *this, &source, *source.store);
  // Where several objects may meet under one key, sorting by it puts them side by side (item_of).
  std::optional<listing::SortedStream> sorted;
  if (job_.destination && !mappings_[index].keeps_order())
    sorted.emplace(listed, listing::SpillSortOptions{.directory = spool_folder()}, &mappings_[index]);
  listing::EntryStream& stream = sorted ? static_cast<listing::EntryStream&>(*sorted) : listed;
  std::exception_ptr error;
  try {
    bool open = true;
    while (open && !context.stop().draining()) {
      std::optional<store::ListPage> page = co_await stream.next(context);
      if (!page) break;
      for (const store::Entry& entry : page->entries) {
        take_entry(source, index, entry);
        if (chunks_.full()) open = open && co_await chunks_.flush(context);
      }
      co_await report(context);
    }
  } catch (...) {
    error = std::current_exception();
  }
  co_await stream.close();
  if (error) std::rethrow_exception(error);
}

Task<> Discovery::take_keys(const Source& source, std::uint16_t index, OpContext& context) {
  bool open = true;
  while (open && !context.stop().draining()) {
    std::optional<store::ListPage> page = co_await source.keys->next(context);
    if (!page) break;
    for (const store::Entry& entry : page->entries) {
      take_entry(source, index, entry, false);
      if (chunks_.full()) open = open && co_await chunks_.flush(context);
    }
    co_await report(context);
  }
}

store::ListRequest Discovery::list_request(const std::string& prefix) const {
  store::ListRequest request;
  request.prefix = prefix;
  request.all_versions = job_.options.all_versions;
  request.directories = job_.options.directories;
  return request;
}

listing::KeyMapping Discovery::mapping_of(const Source& source) const {
  const std::string put = job_.destination ? job_.destination->prefix : std::string();
  switch (job_.mapping) {
    case Mapping::prefix: break;
    case Mapping::flatten: return listing::KeyMapping::flatten(source.strip, put);
    case Mapping::templated:
      return listing::KeyMapping::from_template(source.strip, put, job_.mapping_template);
  }
  return listing::KeyMapping::prefix(source.strip, put);
}

Task<> Discovery::take_pairs(const Source& source, OpContext& context) {
  const Destination& destination = *job_.destination;
  const listing::KeyMapping& mapping = mappings_.front();
  listing::ParallelLister source_lister(*source.store, list_request(source.prefix), {}, context);
  listing::ParallelLister destination_lister(*destination.store, list_request(destination.prefix), {},
                                             context);
  ObservedStream listed(source_lister, *this, &source, *source.store);
  ObservedStream theirs(destination_lister, *this, nullptr, *destination.store);
  listing::EntryStream* ours = &listed;
  std::optional<listing::SortedStream> keys;
  std::optional<listing::KeySelection> selected;
  if (source.keys) {
    keys.emplace(*source.keys, listing::SpillSortOptions{.directory = spool_folder()});
    ours = &selected.emplace(*ours, *keys);
  }
  // Where the mapping does not keep the order, the source is sorted by what it is mapped to.
  std::optional<listing::SortedStream> sorted;
  if (!mapping.keeps_order())
    ours = &sorted.emplace(*ours, listing::SpillSortOptions{.directory = spool_folder()}, &mapping);
  listing::MergeWalk walk(*ours, theirs, mapping);
  std::exception_ptr error;
  try {
    bool open = true;
    while (open && !context.stop().draining()) {
      const auto pairs = co_await walk.next(context);
      if (pairs.empty()) break;
      for (const listing::SourceAndDestination& pair : pairs) {
        take_pair(source, pair);
        if (chunks_.full()) open = open && co_await chunks_.flush(context);
      }
      co_await report(context);
    }
    if (selected && open && !context.stop().draining()) note_missing_keys(source, selected->missing());
  } catch (...) {
    error = std::current_exception();
  }
  co_await ours->close();
  co_await theirs.close();
  if (error) std::rethrow_exception(error);
}

// Whether an earlier object of this run goes to mapped_ as well: one of the two would be lost, and a move
// would then delete it at its source.
bool Discovery::meets_another(std::uint16_t index) {
  if (merges()) return false;  // there the walk itself tells
  if (job_.sources.size() == 1 && mappings_[index].keeps_order()) return false;
  if (job_.sources.size() == 1 && !job_.sources[index].keys) {  // sorted by mapped key: they lie side by side
    const bool meets = has_taken_ && mapped_ == last_taken_;
    last_taken_ = mapped_;
    has_taken_ = true;
    return meets;
  }
  // Several sources, or a list of keys in its own order: remembered by a hash. Two keys of one hash, one in
  // 10^5 runs of ten million objects, would fail one object by mistake.
  return !taken_.insert(std::hash<std::string>{}(mapped_)).second;
}

// Nothing if the object can have no key at the destination: then that is its outcome.
std::optional<Item> Discovery::item_of(const Source& source, std::uint16_t index, const store::Entry& entry) {
  TextArena& text = chunks_.text();
  Item item;
  if (job_.destination) {
    if (job_.destination->key) {
      item.destination_key = text.store(*job_.destination->key);
    } else {
      if (auto error = mappings_[index].map(entry, mapped_)) {
        fail(source, entry.key, *error);
        return std::nullopt;
      }
      if (meets_another(index)) {
        fail(source, entry.key, collision());
        return std::nullopt;
      }
      item.destination_key = text.store(mapped_);
    }
  }
  item.key = text.store(entry.key);
  item.etag = text.store(entry.etag);
  item.version = text.store(entry.version);
  item.storage_class = text.store(entry.storage_class);
  item.size = entry.size;
  item.modified = entry.modified;
  item.changed = entry.changed;
  item.kind = entry.kind;
  item.source = index;
  return item;
}

void Discovery::add(const Item& item) {
  chunks_.add() = item;
  chunks_.count(item.size);
}

void Discovery::take_entry(const Source& source, std::uint16_t index, const store::Entry& entry,
                           bool facts_known) {
  if (source.glob && !source.glob->matches(entry.key)) return;  // was never meant: not part of the accounts
  count_listed(entry);
  if (!facts_known && !entry.key.starts_with(source.strip))
    return fail(source, entry.key,
                Error(ErrorClass::invalid_argument, "the key is not below the source " + source.text));
  if (filters_[index].judge(entry) != listing::FilterReason::accepted) {
    ++found_.filtered;
    return;
  }
  if (job_.operation != Operation::remove && entry.kind == store::EntryKind::delete_marker)
    return skip(source, entry.key, "delete marker");
  if (auto item = item_of(source, index, entry)) {
    item->action = job_.operation == Operation::remove ? Action::remove : Action::copy;
    item->facts_known = facts_known;
    add(*item);
  }
}

void Discovery::take_pair(const Source& source, const listing::SourceAndDestination& pair) {
  const Destination& destination = *job_.destination;
  if (pair.source == nullptr) return take_extra(*pair.destination);
  const store::Entry& entry = *pair.source;
  if (pair.destination != nullptr) ++result_.destination_objects;
  count_listed(entry);
  if (filters_.front().judge(entry) != listing::FilterReason::accepted) {
    ++found_.filtered;
    return;
  }
  if (pair.problem == listing::PairProblem::collision) return fail(source, entry.key, collision());
  const bool checking = job_.operation == Operation::check;
  // A folder's marker on an object store is a directory on a file system, which lists them only when asked.
  const bool marker = pair.destination == nullptr && entry.size == 0 && entry.key.ends_with('/') &&
                      destination.store->capabilities().directories;
  if (pair.destination == nullptr && checking && !marker) return missing(source, entry);
  std::string_view reason = "missing at the destination";
  bool differs = true;
  if (pair.destination != nullptr) {
    const listing::Decision decision =
        listing::decide(entry, *pair.destination, source.store->capabilities(),
                        destination.store->capabilities(), job_.options.compare);
    reason = describe(decision);
    differs = decision.verdict == listing::Verdict::differs;
    const bool look_closer = checking && job_.options.check != CheckMode::metadata;
    if (decision.verdict == listing::Verdict::same && !look_closer) {
      if (checking)
        ++found_.same;
      else
        skip(source, entry.key, reason);
      return;
    }
  }
  std::optional<Item> item = item_of(source, 0, entry);
  if (!item) return;
  item->reason = reason;
  item->destination_size = pair.destination != nullptr ? pair.destination->size : 0;
  if (checking)
    item->action = Action::compare;
  else
    item->action = differs && !marker ? Action::copy : Action::copy_if_details;
  add(*item);
}

// What the destination has and the source does not. Objects that a filter keeps out of the source are not
// seen as extra: what was not to be copied is not to be deleted.
void Discovery::take_extra(const store::Entry& entry) {
  if (extra_filter_->judge(entry) != listing::FilterReason::accepted) return;
  ++result_.destination_objects;
  if (is_skipped_at_source(entry.key)) return;
  if (job_.operation == Operation::check) {
    if (job_.options.check_one_way) return;
    ++found_.extra;
    ++found_.extra_kept;
    Outcome outcome;
    outcome.kind = OutcomeKind::different;
    outcome.key = outcome.destination_key = entry.key;
    outcome.reason = "extra at the destination";
    outcome.size = entry.size;
    outcome.extra = true;
    ports_.sink.accept(outcome);
    return;
  }
  ++found_.extra;
  Item& item = extras_.add();
  item.action = Action::remove;
  item.key = extras_.text().store(entry.key);
  item.etag = extras_.text().store(entry.etag);
  item.size = entry.size;
  item.modified = entry.modified;
}

// A link or special file that the source's listing passed over still is there: what the destination has in
// its place, or below it, is no extra. Pairs come in order, so what lies behind is forgotten.
bool Discovery::is_skipped_at_source(std::string_view destination_key) {
  const std::string_view relative = destination_key.substr(job_.destination->prefix.size());
  // Everything below `a` begins with `a/`, and `a0` is the first key behind all that.
  while (!passed_over_.empty() && mappings_.front().keeps_order() && relative >= passed_over_.front() + "0")
    passed_over_.pop_front();
  for (const std::string& skipped : passed_over_) {
    if (!relative.starts_with(skipped)) continue;
    if (relative.size() == skipped.size() || relative[skipped.size()] == '/') return true;
  }
  return false;
}

void Discovery::count_listed(const store::Entry& entry) {
  ++found_.listed;
  ++result_.source_objects;
  found_.listed_bytes += entry.size;
  ports_.progress.listed_objects.fetch_add(1, std::memory_order_relaxed);
}

void Discovery::note_skipped(const store::ListPage& page, const Source& source) {
  for (const store::SkippedEntry& skipped : page.skipped) {
    ++found_.listed;
    ++result_.source_objects;
    skip(source, skipped.key, reason_text(skipped.reason));
    if (merges()) passed_over_.emplace_back(skipped.key.substr(source.strip.size()));
  }
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

// Keys that somebody has written down and the source does not have.
void Discovery::note_missing_keys(const Source& source, std::uint64_t count) {
  if (count == 0) return;
  found_.listed += count;
  found_.failed += count;
  ports_.progress.failed_objects.fetch_add(count, std::memory_order_relaxed);
  settle(source, "", OutcomeKind::failed, "",
         Error(ErrorClass::not_found, std::to_string(count) + " of the given keys are not at the source")
             .on(source.text)
             .with_hint("keys are written as they stand below the source"));
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

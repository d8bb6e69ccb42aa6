// What discovery makes of single entries and pairs, and of what a listing says beside them.
#include <algorithm>
#include <utility>

#include "job/discovery.h"
#include "job/item_compare.h"
#include "listing/compare.h"

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

Action action_of(Operation operation) {
  switch (operation) {
    case Operation::remove: return Action::remove;
    case Operation::tag: return Action::tag;
    case Operation::remove_kept: return Action::remove_kept;
    case Operation::revert: return Action::revert;
    case Operation::check: return Action::compare;
    default: return Action::copy;
  }
}

// Of kept objects the destination is what was recorded when they were moved.
bool has_recorded_destination(Operation operation) {
  return operation == Operation::remove_kept || operation == Operation::revert;
}

}  // namespace

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
  if (job_.destination && !has_recorded_destination(job_.operation)) {
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
  item.row = text.store(entry.row);
  item.size = entry.size;
  item.modified = entry.modified;
  item.changed = entry.changed;
  item.kind = entry.kind;
  item.source = index;
  item.facts_known = entry.facts_known;
  return item;
}

void Discovery::add(const Item& item) {
  chunks_.add(item);
  ports_.progress.found_objects.fetch_add(1, std::memory_order_relaxed);
  ports_.progress.found_bytes.fetch_add(item.size, std::memory_order_relaxed);
}

void Discovery::take_entry(const Source& source, std::uint16_t index, const store::Entry& entry) {
  if (source.glob && !source.glob->matches(entry.key)) return;  // was never meant: not part of the accounts
  count_listed(entry);
  if (source.keys && !entry.key.starts_with(source.strip))
    return fail(source, entry.key,
                Error(ErrorClass::invalid_argument, "the key is not below the source " + source.text));
  // Of a key alone neither size nor age is known.
  listing::Filter& filter = entry.facts_known ? filters_[index] : key_filters_[index];
  if (filter.judge(entry) != listing::FilterReason::accepted) {
    ++found_.filtered;
    return;
  }
  if (job_.operation != Operation::remove && entry.kind == store::EntryKind::delete_marker)
    return skip(source, entry.key, "delete marker");
  if (auto item = item_of(source, index, entry)) {
    item->action = action_of(job_.operation);
    add(*item);
  }
}

void Discovery::take_pair(const Source& source, const listing::SourceAndDestination& pair) {
  const Destination& destination = *job_.destination;
  if (pair.source == nullptr) return take_extra(*pair.destination);
  const store::Entry& entry = *pair.source;
  if (pair.destination != nullptr) ++found_.destination_listed;
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
    if (decision.verdict == listing::Verdict::same && !look_closer)
      return checking ? same(source, entry, reason) : skip(source, entry.key, reason);
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
  ++found_.destination_listed;
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
    return settle(outcome);
  }
  ++found_.extra;
  Item item;
  item.action = Action::remove;
  item.key = extras_.text().store(entry.key);
  item.etag = extras_.text().store(entry.etag);
  item.size = entry.size;
  item.modified = entry.modified;
  extras_.add(item);
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
  found_.listed_bytes += entry.size;
  ports_.progress.listed_objects.fetch_add(1, std::memory_order_relaxed);
}

void Discovery::note(const store::ListPage& page, const Source* source, const store::Store& store) {
  std::deque<Note>& notes = source != nullptr ? source_notes_ : destination_notes_;
  if (source != nullptr) {
    for (const store::SkippedEntry& skipped : page.skipped) {
      notes.push_back({std::string(skipped.key), source, reason_text(skipped.reason), std::nullopt});
      if (merges()) passed_over_.emplace_back(skipped.key.substr(source->strip.size()));
    }
  }
  for (const store::ListFailure& failure : page.failures)
    notes.push_back(
        {std::string(failure.key), source, "",
         failure.error.subject().empty() ? failure.error.on(store.describe(failure.key)) : failure.error});
  if (!merges()) settle_notes(std::nullopt);
}

// Those up to a relative key, or all.
void Discovery::settle_notes(std::optional<std::string_view> up_to) {
  const auto settle_from = [&](std::deque<Note>& notes, std::size_t prefix) {
    while (!notes.empty()) {
      const Note& next = notes.front();
      if (up_to && std::string_view(next.key).substr(std::min(prefix, next.key.size())) > *up_to) return;
      settle_note(next);
      notes.pop_front();
    }
  };
  settle_from(source_notes_, job_.sources.front().strip.size());
  settle_from(destination_notes_, job_.destination ? job_.destination->prefix.size() : 0);
}

void Discovery::settle_note(const Note& note) {
  if (!note.error) {
    ++found_.listed;
    return skip(*note.source, note.key, note.skipped);
  }
  ++found_.list_failures;
  ports_.progress.failed_objects.fetch_add(1, std::memory_order_relaxed);
  Outcome outcome;
  outcome.kind = OutcomeKind::failed;
  outcome.key = note.key;
  outcome.error = note.error;
  settle(outcome);
}

// Lines of a list that name no object count as objects that have failed.
void Discovery::take_broken(const Source& source, const store::ListPage& page) {
  for (const store::ListFailure& broken : page.broken) {
    ++found_.listed;
    fail(source, broken.key, broken.error);
  }
}

void Discovery::skip(const Source& source, std::string_view key, std::string_view reason) {
  ++found_.skipped;
  ports_.progress.skipped_objects.fetch_add(1, std::memory_order_relaxed);
  if (!ports_.sink.wants_all() && !writes_all()) return;
  Outcome outcome = outcome_of(source, key, OutcomeKind::skipped);
  outcome.reason = reason;
  settle(outcome);
}

// Keys that somebody has written down and the source does not have.
void Discovery::note_missing_keys(const Source& source, std::uint64_t count) {
  if (count == 0) return;
  found_.listed += count;
  found_.failed += count;
  ports_.progress.failed_objects.fetch_add(count, std::memory_order_relaxed);
  Outcome outcome = outcome_of(source, "", OutcomeKind::failed);
  outcome.objects = count;
  outcome.error =
      Error(ErrorClass::not_found, std::to_string(count) + " of the given keys are not at the source")
          .on(source.text)
          .with_hint("keys are written as they stand below the source");
  settle(outcome);
}

void Discovery::missing(const Source& source, const store::Entry& entry) {
  ++found_.missing;
  Outcome outcome = outcome_of(source, entry.key, OutcomeKind::different);
  outcome.reason = "missing at the destination";
  outcome.size = entry.size;
  settle(outcome);
}

// The terminal does not hear of them.
void Discovery::same(const Source& source, const store::Entry& entry, std::string_view reason) {
  ++found_.same;
  if (!writes_all()) return;
  Outcome outcome = outcome_of(source, entry.key, OutcomeKind::same);
  outcome.reason = reason;
  outcome.size = entry.size;
  ledger_.add(outcome);
}

void Discovery::fail(const Source& source, std::string_view key, Error error) {
  ++found_.failed;
  ports_.progress.failed_objects.fetch_add(1, std::memory_order_relaxed);
  Outcome outcome = outcome_of(source, key, OutcomeKind::failed);
  outcome.error = std::move(error);
  settle(outcome);
}

Outcome Discovery::outcome_of(const Source& source, std::string_view key, OutcomeKind kind) const {
  Outcome outcome;
  outcome.kind = kind;
  outcome.key = key;
  outcome.source = static_cast<std::uint16_t>(&source - job_.sources.data());
  return outcome;
}

// Ad hoc runs have no ledger: nobody would read it.
bool Discovery::writes_all() const {
  return ports_.engine.durable() && ledger_.wants_all();
}

void Discovery::settle(const Outcome& outcome) {
  const bool bad = outcome.kind == OutcomeKind::failed || outcome.kind == OutcomeKind::different;
  if (bad || ports_.sink.wants_all()) ports_.sink.accept(outcome);
  if (ports_.engine.durable() && (bad || ledger_.wants_all())) ledger_.add(outcome);
}

}  // namespace haul::job

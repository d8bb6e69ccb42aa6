#include "job/discovery.h"

#include <utility>

#include "job/key_spool.h"
#include "listing/key_selection.h"
#include "listing/parallel_lister.h"
#include "listing/spill_sort.h"

namespace haul::job {
namespace {

// While little is found, a step is made after this long, so that the work begins and the place is kept.
constexpr Duration kStepTime = std::chrono::seconds(5);

}  // namespace

// A stream that tells of what its pages skipped and could not list, before anybody merges or sorts them.
class Discovery::ObservedStream final : public listing::EntryStream {
 public:
  // source: nothing for the destination, whose skipped entries are no part of the accounts.
  ObservedStream(listing::EntryStream& inner, Discovery& discovery, const Source* source,
                 const store::Store& store)
      : inner_(inner),
        discovery_(discovery),
        source_(source),
        store_(store),
        empty_directories_(store.capabilities().directories && discovery.job_.options.directories) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) override {
    std::optional<store::ListPage> page;
    if (empty_directories_)
      page = co_await next_of_empty_directories(context);
    else
      page = co_await inner_.next(context);
    if (page) discovery_.note(*page, source_, store_);
    co_return page;
  }
  const listing::ListingFacts& facts() const noexcept override { return inner_.facts(); }
  std::optional<std::string> place() const override { return empty_directories_ ? place_ : inner_.place(); }
  Task<> close() override { co_await inner_.close(); }

 private:
  // Directories are listed before what lies in them: the last entry of a page is judged by the next one's
  // first.
  Task<std::optional<store::ListPage>> next_of_empty_directories(OpContext& context) {
    if (!ahead_ && !inner_.facts().ended) ahead_ = co_await inner_.next(context);
    if (!ahead_) co_return std::nullopt;
    std::optional<std::string> behind = inner_.place();
    std::optional<store::ListPage> following;
    if (!inner_.facts().ended) following = co_await inner_.next(context);
    store::ListPage page = std::move(*ahead_);
    ahead_ = std::move(following);
    place_ = std::move(behind);
    keep_empty_directories(page.entries, ahead_ ? &*ahead_ : nullptr);
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
  const bool empty_directories_;
  std::optional<store::ListPage> ahead_;
  std::optional<std::string> place_;
};

// Lists that are laid beside a listing: what is broken in them is accounted for on the way.
class Discovery::ObservedKeys final : public listing::EntryStream {
 public:
  ObservedKeys(Discovery& discovery, const Source& source) : discovery_(discovery), source_(source) {}
  Task<std::optional<store::ListPage>> next(OpContext& context) override {
    std::optional<store::ListPage> page = co_await source_.keys->next(context);
    if (page) discovery_.take_broken(source_, *page);
    co_return page;
  }
  const listing::ListingFacts& facts() const noexcept override { return source_.keys->facts(); }
  Task<> close() override { co_await source_.keys->close(); }

 private:
  Discovery& discovery_;
  const Source& source_;
};

Discovery::Discovery(const Job& job, RunPorts& ports, const ChunkPace& pace, bool again)
    : job_(job),
      ports_(ports),
      again_(again),
      chunks_(pace, false),
      extras_(pace, true),
      ledger_(job, {.scope = job.options.full_report ? ReportScope::all : ReportScope::failed}) {}
Discovery::~Discovery() = default;

Task<> Discovery::run(OpContext context) {
  ports_.progress.listing = true;
  prepare(context);
  std::exception_ptr error;
  try {
    const auto place = ports_.engine.discovery().place;
    co_await take_sources(place ? DiscoveryPlace::parse(*place) : DiscoveryPlace{}, context);
  } catch (...) {
    error = std::current_exception();
  }
  ports_.progress.listing = false;
  if (committing_) std::rethrow_exception(error);
  // What was noted behind the place is found again from there.
  if (ended_ || !place_) settle_notes(std::nullopt);
  // What was found before a listing failed, or a drain, stands for itself: it is worked on and accounted for.
  // Without a place it would be found a second time.
  if (ended_ || place_ || !ports_.engine.durable()) co_await commit(std::move(place_), ended_, context);
  if (error) std::rethrow_exception(error);
}

void Discovery::prepare(OpContext& context) {
  last_step_ = context.env().steady_now();
  const listing::FilterOptions by_key{.patterns = job_.options.filters.patterns,
                                      .ignore_case = job_.options.filters.ignore_case};
  for (const Source& source : job_.sources) {
    mappings_.push_back(mapping_of(source));
    filters_.emplace_back(job_.options.filters, source.strip);
    key_filters_.emplace_back(by_key, source.strip);
  }
  if (job_.destination) extra_filter_.emplace(by_key, job_.destination->prefix);
}

Task<> Discovery::take_sources(DiscoveryPlace from, OpContext& context) {
  passed_over_ = from.skipped;
  const auto sources = static_cast<std::uint16_t>(job_.sources.size());  // Item::source bounds them
  for (std::uint16_t i = from.source; i < sources; ++i) {
    const Source& source = job_.sources[i];
    bool ended = false;
    if (context.stop().draining())
      co_return;
    else if (source.object)
      ended = co_await take_object(source, i, context);
    else if (merges())
      ended = co_await take_pairs(source, from, context);
    else if (source.keys)
      ended = co_await take_keys(source, i, from, context);
    else
      ended = co_await take_listing(source, i, from, context);
    if (!ended) co_return;
    from = {.source = static_cast<std::uint16_t>(i + 1)};
    if (ports_.engine.durable() && can_go_on()) place_ = from.to_text();
  }
  ended_ = true;
}

Task<bool> Discovery::take_object(const Source& source, std::uint16_t index, OpContext&) {
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
  co_return true;
}

Task<bool> Discovery::take_listing(const Source& source, std::uint16_t index, const DiscoveryPlace& from,
                                   OpContext& context) {
  listing::ParallelListOptions options;
  options.order = listing::ListOrder::any;
  std::optional<listing::ParallelLister> lister;
  if (from.stream)
    lister.emplace(*source.store, list_request(source.prefix), listing::ListCursor::parse(*from.stream),
                   options, context);
  else
    lister.emplace(*source.store, list_request(source.prefix), options, context);
  ObservedStream listed(*lister, *this, &source, *source.store);
  // Where several objects may meet under one key, sorting by it puts them side by side (item_of).
  std::optional<listing::SortedStream> sorted;
  if (job_.destination && !mappings_[index].keeps_order())
    sorted.emplace(listed, listing::SpillSortOptions{.directory = spool_folder()}, &mappings_[index]);
  listing::EntryStream& stream = sorted ? static_cast<listing::EntryStream&>(*sorted) : listed;
  co_return co_await take_stream(source, index, stream, context);
}

Task<bool> Discovery::take_keys(const Source& source, std::uint16_t index, const DiscoveryPlace& from,
                                OpContext& context) {
  if (from.stream || again_) source.keys->go_on_at(from.stream.value_or(""));
  co_return co_await take_stream(source, index, *source.keys, context);
}

Task<bool> Discovery::take_stream(const Source& source, std::uint16_t index, listing::EntryStream& stream,
                                  OpContext& context) {
  std::exception_ptr error;
  bool ended = false;
  try {
    bool open = true;
    while (open && !context.stop().draining()) {
      std::optional<store::ListPage> page = co_await stream.next(context);
      ended = !page;
      if (!page) break;
      take_broken(source, *page);
      for (const store::Entry& entry : page->entries)
        take_entry(source, index, entry);
      if (step_is_due(context)) open = co_await commit(place_in(index, stream), false, context);
    }
  } catch (...) {
    error = std::current_exception();
  }
  if (!ended) place_ = place_in(index, stream);
  co_await stream.close();
  if (error) std::rethrow_exception(error);
  co_return ended;
}

Task<bool> Discovery::take_pairs(const Source& source, const DiscoveryPlace& from, OpContext& context) {
  const Destination& destination = *job_.destination;
  const listing::KeyMapping& mapping = mappings_.front();
  store::ListRequest source_request = list_request(source.prefix);
  store::ListRequest destination_request = list_request(destination.prefix);
  if (from.pair) {
    source_request.after = source.strip + *from.pair;
    destination_request.after = destination.prefix + *from.pair;
    last_pair_ = *from.pair;
  }
  listing::ParallelLister source_lister(*source.store, std::move(source_request), {}, context);
  listing::ParallelLister destination_lister(*destination.store, std::move(destination_request), {}, context);
  ObservedStream listed(source_lister, *this, &source, *source.store);
  ObservedStream theirs(destination_lister, *this, nullptr, *destination.store);
  listing::EntryStream* ours = &listed;
  std::optional<ObservedKeys> given;
  std::optional<listing::SortedStream> keys;
  std::optional<listing::KeySelection> selected;
  if (source.keys) {
    if (again_) source.keys->go_on_at("");
    keys.emplace(given.emplace(*this, source), listing::SpillSortOptions{.directory = spool_folder()});
    ours = &selected.emplace(*ours, *keys);
  }
  // Where the mapping does not keep the order, the source is sorted by what it is mapped to.
  std::optional<listing::SortedStream> sorted;
  if (!mapping.keeps_order())
    ours = &sorted.emplace(*ours, listing::SpillSortOptions{.directory = spool_folder()}, &mapping);
  listing::MergeWalk walk(*ours, theirs, mapping);
  // Both sides must be able to go on behind a key, and pass each only once.
  const bool placed = !sorted && !selected && !job_.options.all_versions && ports_.engine.durable();
  std::exception_ptr error;
  bool ended = false;
  try {
    ended = co_await walk_pairs(source, walk, placed, context);
    if (selected && ended) note_missing_keys(source, selected->missing());
  } catch (...) {
    error = std::current_exception();
  }
  if (!ended && placed) place_ = place_behind_pairs();
  if (!ended && !placed) settle_notes(std::nullopt);
  co_await ours->close();
  co_await theirs.close();
  if (error) std::rethrow_exception(error);
  co_return ended;
}

// Whether it came to the end.
Task<bool> Discovery::walk_pairs(const Source& source, listing::MergeWalk& walk, bool placed,
                                 OpContext& context) {
  const std::size_t strip = source.strip.size();
  const std::size_t put = job_.destination->prefix.size();
  bool open = true;
  while (open && !context.stop().draining()) {
    const auto pairs = co_await walk.next(context);
    if (pairs.empty()) co_return true;
    for (const listing::SourceAndDestination& pair : pairs)
      take_pair(source, pair);
    if (placed) {
      const listing::SourceAndDestination& last = pairs.back();
      last_pair_ =
          last.source != nullptr ? last.source->key.substr(strip) : last.destination->key.substr(put);
      settle_notes(last_pair_);
    } else {
      settle_notes(std::nullopt);
    }
    if (step_is_due(context))
      open = co_await commit(placed ? place_behind_pairs() : std::nullopt, false, context);
  }
  co_return false;
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

// Whether what is found can be told apart from what was found before a place, without remembering all of it.
bool Discovery::can_go_on() const {
  return merges() || !job_.destination || job_.destination->key ||
         (job_.sources.size() == 1 && mappings_.front().keeps_order());
}

std::optional<std::string> Discovery::place_in(std::uint16_t index,
                                               const listing::EntryStream& stream) const {
  if (!ports_.engine.durable() || !can_go_on()) return std::nullopt;
  DiscoveryPlace place{.source = index};
  place.stream = stream.place();
  if (!place.stream) return std::nullopt;
  return place.to_text();
}

std::optional<std::string> Discovery::place_behind_pairs() const {
  if (last_pair_.empty()) return std::nullopt;
  DiscoveryPlace place;
  place.pair = last_pair_;
  for (const std::string& skipped : passed_over_)
    if (skipped <= last_pair_ && last_pair_ < skipped + "0") place.skipped.push_back(skipped);
  return place.to_text();
}

bool Discovery::step_is_due(OpContext& context) const {
  if (chunks_.has_full() || extras_.has_full()) return true;
  if (ports_.engine.durable() && (chunks_.nearly_full() || extras_.nearly_full())) return true;
  return context.env().steady_now() - last_step_ >= kStepTime;
}

// False once the run is cancelled.
Task<bool> Discovery::commit(std::optional<std::string> place, bool last, OpContext& context) {
  const SteadyTime now = context.env().steady_now();
  DiscoveryStep step;
  // With a place behind them, objects cannot wait for their chunk to become full.
  if (ports_.engine.durable() || last || now - last_step_ >= kStepTime) {
    chunks_.take_all(step.chunks);
    extras_.take_all(step.chunks);
  } else {
    chunks_.take_full(step.chunks);
    extras_.take_full(step.chunks);
  }
  step.accounts = std::exchange(found_, {});
  step.ledger = ledger_.take();
  step.place = std::move(place);
  step.first = std::exchange(first_, false);
  step.last = last;
  committing_ = true;
  const bool open = co_await ports_.engine.discovered(std::move(step), context);
  committing_ = false;
  last_step_ = context.env().steady_now();
  co_return open;
}

}  // namespace haul::job

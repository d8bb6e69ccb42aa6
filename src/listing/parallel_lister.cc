#include "listing/parallel_lister.h"

#include <algorithm>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include "listing/range_splitter.h"
#include "runtime/memory_budget.h"
#include "runtime/shard.h"
#include "runtime/suspend.h"

namespace haul::listing {
namespace {

constexpr std::uint64_t kUsualPage = 400'000;  // bytes, until the first one is seen
constexpr std::uint64_t kLeastBuffer = 4ULL << 20;
constexpr std::size_t kSampleEvery = 32;
constexpr unsigned kMostEmptyPages = 10'000;  // in a row: a listing that gives nothing and never ends

// A range with its lister and the pages that wait.
struct Range {
  RangeProgress progress;
  std::string delivered;  // last key handed out, or where the range begins
  std::unique_ptr<store::Lister> lister;
  std::deque<store::ListPage> ready;
  unsigned empty_pages = 0;  // in a row
  bool in_flight = false;
};

// A page that has to wait gives up the answer's body and keeps only what its entries say.
void compact(store::ListPage& page) {
  if (!page.common_prefixes.empty() || !page.skipped.empty() || !page.failures.empty()) return;
  std::size_t size = 0;
  std::string_view usual_class;
  for (const store::Entry& entry : page.entries) {
    size += entry.key.size() + entry.etag.size() + entry.version.size();
    if (entry.storage_class != usual_class) size += (usual_class = entry.storage_class).size();
  }
  const std::size_t held = page.buffer.capacity() + page.text.bytes();
  if (size < 64 || size > held / 4 * 3) return;
  std::string text;
  text.reserve(size);  // the views rely on there being no second allocation
  const auto keep = [&text](std::string_view& view) {
    const std::size_t at = text.size();
    text.append(view);
    view = std::string_view(text).substr(at);
  };
  usual_class = {};
  std::string_view kept_class;
  for (store::Entry& entry : page.entries) {
    keep(entry.key);
    keep(entry.etag);
    keep(entry.version);
    if (entry.storage_class != usual_class) {
      usual_class = entry.storage_class;
      keep(entry.storage_class);
      kept_class = entry.storage_class;
    } else {
      entry.storage_class = kept_class;
    }
  }
  page.text = TextArena{};
  page.buffer = std::move(text);
}

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

KeyRange requested_range(const store::ListRequest& request) {
  KeyRange range{request.after, std::nullopt};
  // Beyond the prefix there is nothing, so an end beyond it is none.
  if (!request.until.empty() &&
      (begins_with(request.until, request.prefix) || request.until < request.prefix))
    range.until = request.until;
  return range;
}

}  // namespace

class ParallelLister::Run : public std::enable_shared_from_this<ParallelLister::Run> {
 public:
  Run(store::Store& store, store::ListRequest request, const ParallelListOptions& options, OpContext context)
      : store_(store),
        request_(std::move(request)),
        options_(options),
        context_(context),
        ordered_(store.capabilities().ordered_listing),
        splitting_(ordered_ && store.capabilities().range_listing && !request_.one_level),
        splitter_(request_.prefix, options.order, request_.page_size, options.max_ranges) {
    if (!ordered_ && options.order == ListOrder::by_key)
      throw Error(ErrorClass::unsupported, "this store does not list in the order of keys")
          .during("list")
          .on(store.describe(request_.prefix));
  }

  void start_with(KeyRange range) {
    Range& added = ranges_.emplace_back();
    added.delivered = range.after;
    added.progress.left = std::move(range);
  }

  Task<std::optional<store::ListPage>> next(OpContext& context) {
    if (!started_) begin();
    while (true) {
      if (!error_) error_ = why_to_stop(context);
      if (error_) {
        co_await settle();
        std::rethrow_exception(error_);
      }
      if (auto page = take()) {
        pump();
        facts.count(*page);
        co_return page;
      }
      if (ranges_.empty()) {
        facts.ended = true;
        ticket_.release();
        co_return std::nullopt;
      }
      pump();
      co_await wait();
    }
  }

  // Waits until nothing is in flight, and starts nothing more.
  Task<> settle() {
    closing_ = true;
    while (in_flight_ != 0)
      co_await wait();
  }

  void abandon() noexcept { closing_ = true; }

  std::optional<ListCursor> cursor() const {
    if (!ordered_ || request_.one_level || request_.all_versions) return std::nullopt;
    ListCursor cursor{{}, facts};
    cursor.facts.ended = false;
    for (const Range& range : ranges_) {
      if (range.progress.ended && range.ready.empty()) continue;
      cursor.remaining.push_back({range.delivered, range.progress.left.until});
    }
    return cursor;
  }

  ListingFacts facts;
  ListEffort effort;

 private:
  using RangeAt = std::list<Range>::iterator;

  void begin() {
    started_ = true;
    // Two listings that are merged must both get on, so nobody waits here for memory.
    buffer_ = options_.buffer;
    // Two listings at once leave three quarters of the memory to the bytes that move: or the work would wait
    // for memory, and the listing for the work.
    buffer_ = std::min(buffer_, context_.shard().memory().limit() / 8);
    while (buffer_ > kLeastBuffer && !context_.shard().memory().try_acquire(buffer_, ticket_))
      buffer_ /= 2;
    pump();
  }

  std::exception_ptr why_to_stop(OpContext& context) const {
    try {
      context.check();
    } catch (const Error&) {
      return std::current_exception();
    }
    if (closing_) return std::make_exception_ptr(Error(ErrorClass::cancelled, "the listing was closed"));
    return nullptr;
  }

  // ---- handing out

  std::optional<store::ListPage> take() {
    RangeAt at = ranges_.begin();
    if (options_.order == ListOrder::any) {
      if (arrived_.empty()) {
        drop_finished();
        return std::nullopt;
      }
      at = arrived_.front();
      arrived_.pop_front();
    } else {
      drop_finished();
      at = ranges_.begin();
      if (at == ranges_.end() || at->ready.empty()) return std::nullopt;
    }
    store::ListPage page = std::move(at->ready.front());
    at->ready.pop_front();
    buffered_ -= page.memory();
    if (!page.entries.empty()) at->delivered = page.entries.back().key;
    // What was passed over behind the last entry was told of as well, and is not to be told of again.
    for (const store::SkippedEntry& skipped : page.skipped)
      if (ordered_ && skipped.key > at->delivered) at->delivered = skipped.key;
    if (at->progress.ended && at->ready.empty()) ranges_.erase(at);
    page.last = ranges_.empty();
    return page;
  }

  // Ranges that ended without a page to hand out.
  void drop_finished() {
    std::erase_if(ranges_, [](const Range& range) {
      return range.progress.ended && range.ready.empty() && !range.in_flight;
    });
  }

  // ---- asking

  void pump() {
    if (closing_ || error_) return;
    if (splitting_) split();
    start();
  }

  void split() {
    progress_.clear();
    places_.clear();
    for (RangeAt at = ranges_.begin(); at != ranges_.end(); ++at) {
      progress_.push_back(&at->progress);
      places_.push_back(at);
    }
    while (auto cut = splitter_.next(progress_, window_pages())) {
      effort.cuts += cut->at.size();
      // The range itself ends at the first cut already; its old end goes to the last part.
      RangeAt above = std::next(places_[cut->range]);
      std::optional<std::string> until = std::move(cut->old_until);
      for (std::size_t i = cut->at.size(); i-- > 0;) {
        above = ranges_.emplace(above);
        above->delivered = cut->at[i];
        above->progress.left = {cut->at[i], std::move(until)};
        above->progress.estimate = above->progress.promised = cut->estimates[i];
        until = std::move(cut->at[i]);
        const auto index = static_cast<std::ptrdiff_t>(cut->range) + 1;
        progress_.insert(progress_.begin() + index, &above->progress);
        places_.insert(places_.begin() + index, above);
      }
    }
  }

  double window_pages() const { return static_cast<double>(buffer_) / static_cast<double>(page_bytes_) / 2; }

  void start() {
    std::size_t alive = 0;
    for (const Range& range : ranges_)
      alive += range.progress.ended ? 0 : 1;
    std::size_t rank = 0;
    for (RangeAt at = ranges_.begin(); at != ranges_.end(); ++at) {
      if (at->progress.ended) continue;
      const std::size_t place = rank++;
      if (at->in_flight) continue;
      if (in_flight_ >= options_.max_ranges) return;
      const bool first = at == ranges_.begin() && at->ready.empty();
      if (first || may_fetch(static_cast<double>(place) / static_cast<double>(alive))) fetch(at);
    }
  }

  // In order, what comes later may use less of the buffer, so that there is always room for what comes first.
  bool may_fetch(double place) const {
    if (in_flight_ == 0 && buffered_ == 0) return true;
    const double expected = static_cast<double>(buffered_ + (in_flight_ + 1) * page_bytes_);
    const double share = options_.order == ListOrder::by_key ? 1 - 0.75 * place : 1;
    return expected <= static_cast<double>(buffer_) * share;
  }

  void fetch(RangeAt at) {
    if (!at->lister) {
      store::ListRequest request = request_;
      request.after = at->progress.left.after;
      request.until = at->progress.left.until.value_or("");
      at->lister = store_.list(std::move(request));
    }
    at->in_flight = true;
    ++in_flight_;
    ++effort.requests;
    effort.most_in_flight = std::max(effort.most_in_flight, in_flight_);
    boost::asio::co_spawn(context_.executor(), at->lister->next(context_),
                          [self = shared_from_this(), at](std::exception_ptr error, store::ListPage page) {
                            self->answered(at, std::move(error), std::move(page));
                          });
  }

  void answered(RangeAt at, std::exception_ptr error, store::ListPage page) noexcept {
    --in_flight_;
    at->in_flight = false;
    try {
      if (error) std::rethrow_exception(error);
      if (!closing_) receive(at, std::move(page));
      pump();
    } catch (...) {
      if (!error_) error_ = std::current_exception();
    }
    if (consumer_) std::exchange(consumer_, nullptr)();
  }

  // ---- receiving

  void receive(RangeAt at, store::ListPage page) {
    RangeProgress& progress = at->progress;
    const bool beyond = ordered_ && keep_to_range(progress.left, page);
    const std::size_t count = page.entries.size();
    sample_.clear();
    if (count != 0 && ordered_) {
      progress.left.after = page.entries.back().key;
      for (std::size_t i = 0; i + 1 < count; i += kSampleEvery)
        sample_.push_back(page.entries[i].key);
      sample_.push_back(page.entries.back().key);
    }
    splitter_.received(progress, sample_, count);
    const bool at_end = !request_.all_versions && progress.left.until == progress.left.after;
    if (page.last || beyond || at_end) {
      splitter_.ended(progress, count, at == ranges_.begin() ? nullptr : &std::prev(at)->progress);
      at->lister.reset();
      if (progress.keys == 0) ++effort.empty_ranges;
    }
    if (count == 0 && page.skipped.empty() && page.failures.empty() && page.common_prefixes.empty()) {
      if (++at->empty_pages > kMostEmptyPages)
        throw Error(ErrorClass::data_loss, "the listing goes on without giving anything")
            .during("list")
            .on(store_.describe(request_.prefix));
      return;
    }
    at->empty_pages = 0;
    if (options_.order == ListOrder::by_key && at != ranges_.begin()) compact(page);
    page_bytes_ = seen_page_ ? (7 * page_bytes_ + page.memory()) / 8 : page.memory();
    page_bytes_ = std::max<std::uint64_t>(page_bytes_, 1);
    seen_page_ = true;
    buffered_ += page.memory();
    effort.most_buffered = std::max(effort.most_buffered, buffered_);
    at->ready.push_back(std::move(page));
    if (options_.order == ListOrder::any) arrived_.push_back(at);
  }

  // Leaves only entries of the range, in order; says whether the page went beyond its end.
  bool keep_to_range(const KeyRange& left, store::ListPage& page) const {
    std::vector<store::Entry>& entries = page.entries;
    std::size_t repeated = 0;
    std::string_view before = left.after;
    bool any = !before.empty();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const int order = any ? before.compare(entries[i].key) : -1;
      if (order > 0)
        throw Error(ErrorClass::data_loss, "the listing went back to a key it had passed")
            .during("list")
            .on(store_.describe(entries[i].key));
      // Versions of one object share its key.
      const bool repeats = order == 0 && !request_.all_versions;
      if (repeats)
        ++repeated;
      else if (repeated != 0)
        entries[i - repeated] = entries[i];
      before = entries[i].key;
      any = true;
    }
    entries.resize(entries.size() - repeated);
    if (!left.until || entries.empty() || entries.back().key <= *left.until) return false;
    const auto end = std::ranges::upper_bound(entries, std::string_view(*left.until), {}, &store::Entry::key);
    entries.erase(end, entries.end());
    return true;
  }

  Task<> wait() {
    co_await suspend(context_.executor(), [this](auto resume) { consumer_ = std::move(resume); });
  }

  store::Store& store_;
  const store::ListRequest request_;
  const ParallelListOptions options_;
  OpContext context_;
  const bool ordered_;
  const bool splitting_;
  RangeSplitter splitter_;
  std::list<Range> ranges_;      // in key order; iterators are held by requests in flight and by arrived_
  std::deque<RangeAt> arrived_;  // one for each page that waits, ListOrder::any only
  MemoryTicket ticket_;
  std::uint64_t buffer_ = 0;
  std::uint64_t buffered_ = 0;
  std::uint64_t page_bytes_ = kUsualPage;
  unsigned in_flight_ = 0;
  bool seen_page_ = false;
  bool started_ = false;
  bool closing_ = false;
  std::exception_ptr error_;
  std::move_only_function<void()> consumer_;
  // Kept for their memory.
  std::vector<std::string_view> sample_;
  std::vector<RangeProgress*> progress_;
  std::vector<RangeAt> places_;
};

ParallelLister::ParallelLister(store::Store& store, store::ListRequest request,
                               const ParallelListOptions& options, OpContext context) {
  KeyRange range = requested_range(request);
  run_ = std::make_shared<Run>(store, std::move(request), options, context);
  if (!range.until || range.after < *range.until) run_->start_with(std::move(range));
}

ParallelLister::ParallelLister(store::Store& store, store::ListRequest request, const ListCursor& cursor,
                               const ParallelListOptions& options, OpContext context)
    : run_(std::make_shared<Run>(store, std::move(request), options, context)) {
  run_->facts = cursor.facts;
  run_->facts.ended = false;
  for (const KeyRange& range : cursor.remaining)
    run_->start_with(range);
}

ParallelLister::~ParallelLister() {
  run_->abandon();
}

Task<std::optional<store::ListPage>> ParallelLister::next(OpContext& context) {
  return run_->next(context);
}

const ListingFacts& ParallelLister::facts() const noexcept {
  return run_->facts;
}

Task<> ParallelLister::close() {
  return run_->settle();
}

std::optional<ListCursor> ParallelLister::cursor() const {
  return run_->cursor();
}

std::optional<std::string> ParallelLister::place() const {
  const auto here = cursor();
  if (!here) return std::nullopt;
  return here->to_json();
}

const ListEffort& ParallelLister::effort() const noexcept {
  return run_->effort;
}

}  // namespace haul::listing

#include "listing/spill_sort.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "listing/run_file.h"
#include "listing/sort_record.h"

namespace haul::listing {
namespace {

constexpr std::uint64_t kLeastMemory = 1024 * 1024;
constexpr std::uint64_t kOverhead = 512 * 1024;  // the arena's unused rest, the buffer of the file
constexpr std::size_t kPageEntries = 1000;
constexpr std::size_t kLeastReadBuffer = 16 * 1024;
constexpr std::size_t kMostFailuresHandedOn = 1000;

// The first bytes of what is sorted by, as a number, so that most comparisons touch no record.
std::uint64_t head_of(std::string_view text) {
  std::uint64_t head = 0;
  for (std::size_t i = 0; i < 8; ++i)
    head = head << 8 | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0);
  return head;
}

}  // namespace

class SortedStream::Sort {
 public:
  Sort(EntryStream& input, const SpillSortOptions& options, const KeyMapping* mapping)
      : input_(input),
        memory_(std::max(options.memory, kLeastMemory)),
        directory_(options.directory),
        mapping_(mapping) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) {
    if (!std::exchange(started_, true)) {
      co_await gather(context);
      co_await context.blocking([this] { finish_gathering(); });
    }
    store::ListPage page;
    page.entries.reserve(kPageEntries);
    if (merger_)
      co_await context.blocking([this, &page] { fill_from_runs(page); });
    else
      fill_from_memory(page);
    page.failures = std::exchange(failures_, {});
    for (store::ListFailure& failure : page.failures)
      failure.key = page.text.store(failure.key);
    if (page.failures.empty() && page.entries.empty()) {
      facts.ended = input_.facts().ended;
      co_return std::nullopt;
    }
    facts.listed += page.entries.size();
    co_return page;
  }

  Task<> close() { return input_.close(); }

  ListingFacts facts;
  std::uint64_t runs_written = 0;

 private:
  struct Item {
    std::uint64_t head;
    const char* record;
  };

  Task<> gather(OpContext& context) {
    while (auto page = co_await input_.next(context)) {
      for (const store::ListFailure& failure : page->failures)
        if (failures_.size() < kMostFailuresHandedOn)
          failures_.push_back({names_.store(failure.key), failure.error});
      std::size_t from = 0;
      while (!take(*page, from))
        co_await context.blocking([this] { spill(); });
    }
    facts.skipped = input_.facts().skipped;
    facts.failures = input_.facts().failures;
  }

  // Adds entries from `from` on; false if the memory is used up before the end of the page.
  bool take(const store::ListPage& page, std::size_t& from) {
    for (; from < page.entries.size(); ++from) {
      const store::Entry& entry = page.entries[from];
      mapped_.clear();
      if (mapping_ != nullptr && mapping_->map(entry, mapped_)) mapped_.clear();
      const std::size_t bytes = SortRecord::bytes_for(entry, mapped_);
      used_ += bytes + sizeof(Item);
      if (!items_.empty() && used_ + kOverhead > memory_) return false;
      const std::span<char> room = records_.reserve(bytes);
      SortRecord::write(room, entry, mapped_, mapping_ != nullptr);
      items_.push_back({head_of(SortRecord::order_of(room.data())), room.data()});
    }
    return true;
  }

  void sort() {
    std::ranges::sort(items_, [](const Item& a, const Item& b) {
      return a.head != b.head ? a.head < b.head : SortRecord::before(a.record, b.record);
    });
  }

  void spill() {
    sort();
    if (!file_) file_ = std::make_unique<RunFile>(directory_);
    for (const Item& item : items_)
      file_->append(item.record, SortRecord::header(item.record).bytes);
    runs_.push_back(file_->end_run());
    ++runs_written;
    items_.clear();
    records_.clear();
    used_ = 0;
    // More runs than the memory has buffers for are made one.
    if (runs_.size() < std::max<std::size_t>(2, memory_ / 2 / kLeastReadBuffer)) return;
    auto merged = std::make_unique<RunFile>(directory_);
    RunMerger merger(*file_, runs_, memory_ / 2);
    for (; const char* record = merger.front(); merger.pop())
      merged->append(record, SortRecord::header(record).bytes);
    runs_.assign(1, merged->end_run());
    file_ = std::move(merged);
  }

  void finish_gathering() {
    if (!file_) {
      sort();
      return;
    }
    if (!items_.empty()) spill();
    records_ = TextArena{};
    items_ = {};
    merger_.emplace(*file_, runs_, memory_);
  }

  void fill_from_memory(store::ListPage& page) {
    for (; next_ < items_.size() && page.entries.size() < kPageEntries; ++next_)
      page.entries.push_back(SortRecord::read(items_[next_].record, page.text));
  }

  void fill_from_runs(store::ListPage& page) {
    for (; page.entries.size() < kPageEntries; merger_->pop()) {
      const char* const record = merger_->front();
      if (record == nullptr) return;
      page.entries.push_back(SortRecord::read(record, page.text));
    }
  }

  EntryStream& input_;
  const std::uint64_t memory_;
  const std::string directory_;
  const KeyMapping* mapping_;
  bool started_ = false;
  TextArena records_;
  std::uint64_t used_ = 0;  // bytes of records and items
  TextArena names_;         // of failures
  std::vector<store::ListFailure> failures_;
  std::vector<Item> items_;
  std::size_t next_ = 0;
  std::string mapped_;
  std::unique_ptr<RunFile> file_;
  std::vector<SortedRun> runs_;
  std::optional<RunMerger> merger_;
};

SortedStream::SortedStream(EntryStream& input, const SpillSortOptions& options, const KeyMapping* mapping)
    : sort_(std::make_unique<Sort>(input, options, mapping)) {}

SortedStream::~SortedStream() = default;

Task<std::optional<store::ListPage>> SortedStream::next(OpContext& context) {
  return sort_->next(context);
}

const ListingFacts& SortedStream::facts() const noexcept {
  return sort_->facts;
}

Task<> SortedStream::close() {
  return sort_->close();
}

std::uint64_t SortedStream::runs_written() const noexcept {
  return sort_->runs_written;
}

}  // namespace haul::listing

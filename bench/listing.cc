// CPU time per key of what stands between a store's pages and the planner: parallel listing, in order and
// not, the merge of two listings, the sort on disk. The store is a model that builds its keys; that part is
// measured alone and shown, so that it can be taken off.
#include <fmt/format.h>

#include "listing/merge_walk.h"
#include "listing/model_store.h"
#include "listing/parallel_lister.h"
#include "listing/spill_sort.h"
#include "stream_cost.h"

namespace {

using namespace haul;
using namespace haul::listing;

Task<std::uint64_t> count_lister(store::Lister& lister, OpContext context) {
  std::uint64_t entries = 0;
  while (true) {
    const store::ListPage page = co_await lister.next(context);
    entries += page.entries.size();
    if (page.last) co_return entries;
  }
}

Task<std::uint64_t> count_pairs(EntryStream& source, EntryStream& destination, const KeyMapping& mapping,
                                OpContext context) {
  MergeWalk walk(source, destination, mapping);
  std::uint64_t pairs = 0;
  while (true) {
    const auto batch = co_await walk.next(context);
    if (batch.empty()) co_return pairs;
    pairs += batch.size();
  }
}

// One page again and again under rising keys, made beforehand: what is left is the cost of the merge itself.
class ReadyPages final : public EntryStream {
 public:
  ReadyPages(std::uint64_t keys, std::string_view prefix) {
    for (std::uint64_t i = 0; i < keys;) {
      store::ListPage& page = pages_.emplace_back();
      page.entries.reserve(1000);
      for (std::size_t j = 0; j < 1000 && i < keys; ++j, ++i) {
        store::Entry& entry = page.entries.emplace_back();
        entry.key = page.text.store(prefix, fmt::format("2024/01/{:010}/object.bin", i));
      }
    }
  }
  Task<std::optional<store::ListPage>> next(OpContext&) override {
    if (next_ == pages_.size()) co_return std::nullopt;
    co_return std::move(pages_[next_++]);
  }
  const ListingFacts& facts() const noexcept override { return facts_; }

 private:
  std::vector<store::ListPage> pages_;
  std::size_t next_ = 0;
  ListingFacts facts_;
};

void report(const char* what, std::uint64_t keys, double microseconds, std::string_view more = "") {
  fmt::print("{:<44}{:>10} keys {:>8.3f} us CPU per key  {}\n", what, keys,
             microseconds / static_cast<double>(keys), more);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t keys = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  Runtime runtime(system_env(), null_logger(), {.shards = 1, .blocking_threads = 2});
  OpContext context = runtime.context();
  const std::string common = "archive/" + std::string(192, 'x');
  const std::vector<std::pair<const char*, ModelKeys>> shapes = {
      {"flat numbers", {keys, [](std::size_t i) { return fmt::format("{:010}", i); }}},
      {"deep",
       {keys,
        [](std::size_t i) {
          return fmt::format("data/{}/{}/{}/{}/object-{:06}", i / 100000 % 100, i / 10000 % 10, i / 1000 % 10,
                             i / 100 % 10, i);
        }}},
      {"one common prefix of 200",
       {keys, [common](std::size_t i) { return common + fmt::format("{:09}", i); }}},
  };
  for (const auto& [name, shape] : shapes) {
    ModelStore plain(shape);
    const auto lister = plain.list({});
    double start = cpu_microseconds();
    const std::uint64_t listed = runtime.run_for(count_lister(*lister, context));
    const double model = cpu_microseconds() - start;
    report(fmt::format("{}: the model itself", name).c_str(), listed, model);
    for (const ListOrder order : {ListOrder::any, ListOrder::by_key}) {
      VirtualTime time;
      ModelStore store(shape, &time);
      ParallelLister parallel(store, {}, {.order = order}, context);
      start = cpu_microseconds();
      const std::uint64_t found = time.run(runtime.shard(0), count_entries(parallel, context));
      const double spent = cpu_microseconds() - start;
      const double pages = static_cast<double>((keys + 999) / 1000);
      report(fmt::format("{}: {}", name, order == ListOrder::any ? "as it comes" : "in order").c_str(), found,
             spent,
             fmt::format("beyond the model {:.3f}; rounds {:.0f} of {:.0f} ({:.0f}x), requests +{:.1f} %, "
                         "buffered {} MiB",
                         (spent - model) / static_cast<double>(found), time.now(), pages, pages / time.now(),
                         100 * (static_cast<double>(store.requests) / pages - 1),
                         parallel.effort().most_buffered >> 20));
    }
  }
  {
    ReadyPages source(keys, "in/");
    ReadyPages destination(keys, "out/");
    const auto mapping = KeyMapping::prefix("in/", "out/");
    const double start = cpu_microseconds();
    report("merge of equal listings", runtime.run_for(count_pairs(source, destination, mapping, context)),
           cpu_microseconds() - start);
  }
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{16} << 20}) {
    ReadyPages source(keys, "in/");
    const auto mapping = KeyMapping::flatten("in/", "");
    SortedStream sorted(source, {.memory = memory}, &mapping);
    const double start = cpu_microseconds();
    const std::uint64_t found = runtime.run_for(count_entries(sorted, context));
    report(sorted.runs_written() != 0 ? "sort on disk" : "sort in memory", found, cpu_microseconds() - start,
           fmt::format("{} runs", sorted.runs_written()));
  }
}

// One listing by many requests at once, without being told where the keys are.
//
// The key space is a row of half-open ranges (after, until]. Each is listed page by page by a lister of its
// own; while there are too few, the largest is cut in two at a string that key_space.h finds, and the upper
// part is listed at the same time. A page never goes beyond its range's `until`, also when the range was cut
// while the page was on its way, so no key is lost or given twice, wherever the cuts fall.
//
// What it costs: a range that ends gives one page that is not full, or an empty one. Cuts are made only while
// the sum of such losses and of the ranges alive stays within 16 + min(pages, 64) + pages / 10. So
//
//     requests <= pages + pages / 10 + 80,    pages = keys / page_size rounded up,
//
// for a store that fills its pages, and no cut is made within the first five pages: up to 5,000 keys cost no
// request more than one after the other. (ListOrder::by_key has the same bound.)
//
// In order, pages of later ranges wait in a buffer of bounded size. Cuts are then made near the front, and
// the fuller the buffer, the nearer to the front a range must be to go on. The first range always goes on, so
// that the consumer is never stuck.
//
// A store without range_listing is listed by one lister, read ahead within the buffer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "listing/entry_stream.h"
#include "listing/list_cursor.h"
#include "store/store.h"

namespace haul::listing {

struct ParallelListOptions {
  ListOrder order = ListOrder::by_key;
  unsigned max_ranges = 64;            // requests at the same time; the store's limiter may allow fewer
  std::uint64_t buffer = 64ULL << 20;  // bytes of pages that wait; less if the shard's memory is short
};

// For reports and tests.
struct ListEffort {
  std::uint64_t requests = 0;
  std::uint64_t cuts = 0;
  std::uint64_t empty_ranges = 0;
  unsigned most_in_flight = 0;
  std::uint64_t most_buffered = 0;  // bytes
};

// Runs on the context's shard. A server that goes back in its listing makes next() throw data_loss.
class ParallelLister final : public EntryStream {
 public:
  // Throws unsupported if keys are wanted in an order that the store does not have. Requests begin with the
  // first next(). The store must outlive the requests (close()).
  ParallelLister(store::Store& store, store::ListRequest request, const ParallelListOptions& options,
                 OpContext context);
  // Continues where the cursor of an equal request was.
  ParallelLister(store::Store& store, store::ListRequest request, const ListCursor& cursor,
                 const ParallelListOptions& options, OpContext context);
  ~ParallelLister() override;

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override;
  Task<> close() override;

  // What next() has not handed out yet. Nothing where a place in the listing is not a key: one level, all
  // versions, or a store without order.
  std::optional<ListCursor> cursor() const;
  // cursor() as JSON; the constructor that takes a cursor goes on there.
  std::optional<std::string> place() const override;
  const ListEffort& effort() const noexcept;

 private:
  class Run;
  std::shared_ptr<Run> run_;  // shared with the requests in flight
};

}  // namespace haul::listing

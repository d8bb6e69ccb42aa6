#include "job/lane_count.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace haul::job {

std::size_t LaneCount::of_use(const store::Store* reads, const store::Store* writes,
                              const OpContext& context) const {
  constexpr std::size_t kUnbounded = std::numeric_limits<std::size_t>::max();
  const auto places_of = [&](const store::Store* store) {
    return store == nullptr ? kUnbounded : store->places(context);
  };
  const std::size_t of_reads = places_of(reads), places = std::min(of_reads, places_of(writes));
  if (places == kUnbounded) return shard_bound_;
  const std::size_t of_places = places * 5 / 4 + 4;  // not every lane is at a request at any moment
  if (of_reads == kUnbounded) return of_places;
  // A body that is read holds no place, so lanes are bounded as well: by a shard's part, and what others
  // leave.
  const std::size_t others = all_.load(std::memory_order_relaxed) - at_work(context);
  const std::size_t all = shard_bound_ * of_shard_.size();
  return std::min(of_places, std::max(shard_bound_, all - std::min(all, others)));
}

Lane::Lane(LaneCount& count, std::size_t& of_chunk, const OpContext& context)
    : count_(&count), of_shard_(&count.of_shard_[context.shard().index()]), of_chunk_(&of_chunk) {
  ++*of_chunk_;
  ++*of_shard_;
  count_->all_.fetch_add(1, std::memory_order_relaxed);
}

Lane::Lane(Lane&& other) noexcept
    : count_(std::exchange(other.count_, nullptr)), of_shard_(other.of_shard_), of_chunk_(other.of_chunk_) {}

Lane::~Lane() {
  if (count_ == nullptr) return;
  --*of_chunk_;
  --*of_shard_;
  count_->all_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace haul::job

#include "job/chunk_builder.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

namespace haul::job {
namespace {

constexpr double kChunkSeconds = 20;
constexpr std::uint64_t kLeastObjects = 100;
constexpr std::uint64_t kFirstObjects = 1000;  // while nothing is measured

}  // namespace

ChunkPace::ChunkPace(const Options& options)
    : least_objects_(std::min<std::uint64_t>(kLeastObjects, options.chunk_objects)),
      most_objects_(options.chunk_objects),
      most_bytes_(options.chunk_bytes),
      objects_(std::min<std::uint64_t>(kFirstObjects, options.chunk_objects)) {}

// Halfway each time: one odd chunk does not decide. Two shards at once may lose one of their measurements.
void ChunkPace::measured(std::uint64_t objects, Duration took) noexcept {
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-3);
  const double wanted = static_cast<double>(objects) / seconds * kChunkSeconds;
  const double next = std::clamp((static_cast<double>(this->objects()) + wanted) / 2,
                                 static_cast<double>(least_objects_), static_cast<double>(most_objects_));
  objects_.store(static_cast<std::uint64_t>(next), std::memory_order_relaxed);
}

void ChunkBuilder::add(const Item& item) {
  chunk_.items.push_back(item);
  chunk_.bytes += item.size;
  if (chunk_.items.size() >= pace_.objects() || chunk_.bytes >= pace_.bytes()) seal();
}

void ChunkBuilder::seal() {
  const std::size_t count = chunk_.items.size();
  chunk_.extras = extras_;
  full_.push_back(std::exchange(chunk_, {}));
  chunk_.items.reserve(count);
}

void ChunkBuilder::take_full(std::vector<Chunk>& chunks) {
  std::ranges::move(full_, std::back_inserter(chunks));
  full_.clear();
}

void ChunkBuilder::take_all(std::vector<Chunk>& chunks) {
  if (!chunk_.items.empty()) seal();
  take_full(chunks);
}

}  // namespace haul::job

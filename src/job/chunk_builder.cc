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
constexpr std::uint64_t kLeastBytes = 64ULL << 20;

}  // namespace

ChunkPace::ChunkPace(const Options& options)
    : object_bounds_{std::min<std::uint64_t>(kLeastObjects, options.chunk_objects), options.chunk_objects},
      byte_bounds_{std::min(kLeastBytes, options.chunk_bytes), options.chunk_bytes},
      objects_(std::min<std::uint64_t>(kFirstObjects, options.chunk_objects)),
      bytes_(options.chunk_bytes) {}

void ChunkPace::measured(std::uint64_t objects, std::uint64_t bytes, Duration took) noexcept {
  const double seconds = std::max(std::chrono::duration<double>(took).count(), 1e-3);
  follow(objects_, object_bounds_, static_cast<double>(objects) / seconds * kChunkSeconds);
  if (bytes != 0) follow(bytes_, byte_bounds_, static_cast<double>(bytes) / seconds * kChunkSeconds);
}

// Halfway each time: one odd chunk does not decide. Two shards at once may lose one of their measurements.
void ChunkPace::follow(std::atomic<std::uint64_t>& size, const Bounds& bounds, double wanted) noexcept {
  const auto now = static_cast<double>(size.load(std::memory_order_relaxed));
  const double next =
      std::clamp((now + wanted) / 2, static_cast<double>(bounds.least), static_cast<double>(bounds.most));
  size.store(static_cast<std::uint64_t>(next), std::memory_order_relaxed);
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

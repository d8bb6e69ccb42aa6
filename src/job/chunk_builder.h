// Items become chunks, of a size that suits the work.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "job/chunk.h"
#include "job/job.h"

namespace haul::job {

// How many objects a chunk should have: so many that it takes some twenty seconds at the rate of the last
// ones, a hundred at least (fewer would not keep the lanes busy, and it would only become slower), and at
// most what the job says, in objects and in bytes. Thread safety: all methods from any thread.
class ChunkPace {
 public:
  explicit ChunkPace(const Options& options);

  // What one chunk took, from its lease to its end.
  void measured(std::uint64_t objects, Duration took) noexcept;
  std::uint64_t objects() const noexcept { return objects_.load(std::memory_order_relaxed); }
  std::uint64_t bytes() const noexcept { return most_bytes_; }

 private:
  const std::uint64_t least_objects_, most_objects_, most_bytes_;
  std::atomic<std::uint64_t> objects_;
};

// Belongs to one shard. The pace must outlive it.
class ChunkBuilder {
 public:
  ChunkBuilder(const ChunkPace& pace, bool extras) : pace_(pace), extras_(extras) {}

  // Where the texts of the next item go before it is added.
  TextArena& text() noexcept { return chunk_.text; }
  void add(const Item& item);

  bool empty() const noexcept { return full_.empty() && chunk_.items.empty(); }
  bool has_full() const noexcept { return !full_.empty(); }
  // A good place to end: what comes next would make a full chunk and a small one.
  bool nearly_full() const noexcept {
    return chunk_.items.size() * 5 >= pace_.objects() * 4 || chunk_.bytes / 4 * 5 >= pace_.bytes();
  }
  // Take away the full chunks, or also the one that is not yet full: behind what is there already.
  void take_full(std::vector<Chunk>& chunks);
  void take_all(std::vector<Chunk>& chunks);

 private:
  void seal();

  const ChunkPace& pace_;
  const bool extras_;
  Chunk chunk_;
  std::vector<Chunk> full_;
};

}  // namespace haul::job

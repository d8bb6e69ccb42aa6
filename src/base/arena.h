// A place for many small texts that go together, such as the keys of a listing page: one allocation for
// hundreds of them, freed at once.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace haul {

// Views that it hands out stay valid until it is cleared or destroyed, also when it is moved (they then live
// as long as the arena that it was moved into). Not thread-safe.
class TextArena {
 public:
  TextArena() = default;
  TextArena(TextArena&& other) noexcept
      : blocks_(std::exchange(other.blocks_, {})),
        free_(std::exchange(other.free_, {})),
        bytes_(std::exchange(other.bytes_, 0)) {}
  TextArena& operator=(TextArena&& other) noexcept {
    blocks_ = std::exchange(other.blocks_, {});
    free_ = std::exchange(other.free_, {});
    bytes_ = std::exchange(other.bytes_, 0);
    return *this;
  }

  std::string_view store(std::string_view text) {
    if (text.empty()) return {};
    char* to = reserve(text.size()).data();
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

  // Two texts as one, for a prefix and a name.
  std::string_view store(std::string_view first, std::string_view second) {
    if (first.empty()) return store(second);
    char* to = reserve(first.size() + second.size()).data();
    std::memcpy(to, first.data(), first.size());
    if (!second.empty()) std::memcpy(to + first.size(), second.data(), second.size());
    return {to, first.size() + second.size()};
  }

  // Room to write `size` bytes into, not initialised.
  std::span<char> reserve(std::size_t size) {
    if (size > free_.size()) grow(size);
    const std::span<char> room = free_.first(size);
    free_ = free_.subspan(size);
    return room;
  }

  // Memory held, used or not: what a memory limit has to count.
  std::size_t bytes() const noexcept { return bytes_; }

  // Forgets everything stored and keeps the largest block for the next round.
  void clear() noexcept {
    if (blocks_.empty()) return;
    const auto largest = std::ranges::max_element(blocks_, {}, &Block::size);
    std::iter_swap(blocks_.begin(), largest);
    blocks_.erase(blocks_.begin() + 1, blocks_.end());
    free_ = {blocks_.front().memory.get(), blocks_.front().size};
    bytes_ = free_.size();
  }

 private:
  struct Block {
    std::unique_ptr<char[]> memory;
    std::size_t size;
  };

  // Doubling keeps the number of allocations small, the upper bound keeps the waste small.
  void grow(std::size_t least) {
    constexpr std::size_t kFirst = 4096;
    constexpr std::size_t kMost = 256 * 1024;
    const std::size_t next = blocks_.empty() ? kFirst : std::min(2 * blocks_.back().size, kMost);
    const std::size_t size = std::max(least, next);
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    free_ = {blocks_.back().memory.get(), size};
    bytes_ += size;
  }

  std::vector<Block> blocks_;
  std::span<char> free_;
  std::size_t bytes_ = 0;
};

}  // namespace haul

// Buffers for bytes on their way, handed out against memory tickets and kept for the next object.
//
// A buffer that lies idle in the pool keeps its ticket, so memory held and memory accounted for are the same
// at any time. A pool keeps no more than its share, and nothing at all while somebody waits for memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "runtime/memory_budget.h"

namespace haul::transfer {

class BufferPool;

// Uninitialised memory, aligned to cache lines. Move-only; goes back to its pool on the pool's shard, which
// it must not outlive.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0)),
        ticket_(std::move(other.ticket_)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      release();
      pool_ = std::exchange(other.pool_, nullptr);
      data_ = std::exchange(other.data_, nullptr);
      capacity_ = std::exchange(other.capacity_, 0);
      ticket_ = std::move(other.ticket_);
    }
    return *this;
  }
  ~Buffer() { release(); }

  std::size_t capacity() const noexcept { return capacity_; }
  std::span<std::byte> first(std::size_t size) const noexcept { return {data_, size}; }
  std::span<std::byte> all() const noexcept { return {data_, capacity_}; }

 private:
  friend class BufferPool;
  void release() noexcept;

  BufferPool* pool_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  MemoryTicket ticket_;
};

// Not thread-safe: belongs to one shard.
class BufferPool {
 public:
  // `keep`: bytes that may lie idle here.
  BufferPool(MemoryBudget& budget, std::uint64_t keep) noexcept : budget_(budget), keep_(keep) {}
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool() { clear(); }

  // Waits for memory. No more than largest() can be had.
  Task<Buffer> take(std::uint64_t size, OpContext& context);
  // At once or not at all. Nothing is needed for size 0.
  bool try_take(std::uint64_t size, Buffer& buffer);

  // Gives idle buffers back to the system.
  void clear() noexcept;

  // The largest buffer that leaves room for others; what is larger must be streamed.
  std::uint64_t largest() const noexcept { return budget_.limit() / 4; }
  std::uint64_t idle_bytes() const noexcept { return idle_bytes_; }

  // What a buffer for `size` bytes takes: powers of two from 4 KiB to 1 MiB, then multiples of 1 MiB.
  static std::uint64_t capacity_for(std::uint64_t size) noexcept;

 private:
  friend class Buffer;
  static constexpr std::size_t kSmallClasses = 9;  // 4 KiB ... 1 MiB
  static std::size_t class_of(std::uint64_t capacity) noexcept;
  bool take_idle(std::uint64_t capacity, Buffer& buffer) noexcept;
  Buffer allocate(std::uint64_t capacity, MemoryTicket ticket);
  void give_back(Buffer& buffer) noexcept;
  static void free(Buffer& buffer) noexcept;

  MemoryBudget& budget_;
  const std::uint64_t keep_;
  std::uint64_t idle_bytes_ = 0;
  std::array<std::vector<Buffer>, kSmallClasses + 1> idle_;  // the last: all that are larger, few
};

}  // namespace haul::transfer

#include "transfer/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <new>

namespace haul::transfer {
namespace {

constexpr std::uint64_t kSmallest = 4096;
constexpr std::uint64_t kLargeStep = 1 << 20;
constexpr std::align_val_t kAlignment{4096};
// Where a copy by `rep movsb`, which is glibc's for more than 2 KiB, goes to a place a few bytes further
// within its page than where it comes from, processors of the Zen family move 3 GB a second instead of 50 and
// more. OpenSSL's records begin just behind the beginning of a page, so larger buffers do not.
constexpr std::uint64_t kSkew = 512;
constexpr std::uint64_t kSkewed = 64 << 10;  // smaller ones are not worth more memory

std::uint64_t skew_of(std::uint64_t capacity) noexcept {
  return capacity >= kSkewed ? kSkew : 0;
}

}  // namespace

void Buffer::release() noexcept {
  if (pool_ != nullptr) pool_->give_back(*this);
}

std::uint64_t BufferPool::capacity_for(std::uint64_t size) noexcept {
  if (size == 0) return 0;
  if (size <= kLargeStep) return std::bit_ceil(std::max(size, kSmallest));
  return (size + kLargeStep - 1) / kLargeStep * kLargeStep;
}

std::size_t BufferPool::class_of(std::uint64_t capacity) noexcept {
  if (capacity > kLargeStep) return kSmallClasses;
  return static_cast<std::size_t>(std::countr_zero(capacity) - std::countr_zero(kSmallest));
}

bool BufferPool::take_idle(std::uint64_t capacity, Buffer& buffer) noexcept {
  auto& shelf = idle_[class_of(capacity)];
  if (shelf.empty()) return false;
  auto found = shelf.end() - 1;
  if (capacity > kLargeStep) {
    // A somewhat larger one will do, but not one that wastes more than it holds.
    found = std::ranges::find_if(shelf, [capacity](const Buffer& idle) {
      return idle.capacity() >= capacity && idle.capacity() <= 2 * capacity;
    });
    if (found == shelf.end()) return false;
    std::iter_swap(found, shelf.end() - 1);
  }
  buffer = std::move(shelf.back());
  shelf.pop_back();
  buffer.pool_ = this;
  idle_bytes_ -= buffer.capacity();
  return true;
}

bool BufferPool::try_take(std::uint64_t size, Buffer& buffer) {
  if (size == 0) return true;
  const std::uint64_t capacity = capacity_for(size);
  if (take_idle(capacity, buffer)) return true;
  MemoryTicket ticket;
  if (!budget_.try_acquire(capacity, ticket)) return false;
  buffer = allocate(capacity, std::move(ticket));
  return true;
}

Task<Buffer> BufferPool::take(std::uint64_t size, OpContext& context) {
  Buffer buffer;
  if (try_take(size, buffer)) co_return buffer;
  clear();  // what lies idle here may be just what is missing
  const std::uint64_t capacity = capacity_for(size);
  co_return allocate(capacity, co_await budget_.acquire(capacity, context));
}

Buffer BufferPool::allocate(std::uint64_t capacity, MemoryTicket ticket) {
  Buffer buffer;
  buffer.data_ =
      static_cast<std::byte*>(::operator new(capacity + skew_of(capacity), kAlignment)) + skew_of(capacity);
  buffer.capacity_ = capacity;
  buffer.ticket_ = std::move(ticket);
  buffer.pool_ = this;
  return buffer;
}

void BufferPool::give_back(Buffer& buffer) noexcept {
  buffer.pool_ = nullptr;
  if (!budget_.contended() && idle_bytes_ + buffer.capacity_ <= keep_) {
    try {
      auto& shelf = idle_[class_of(buffer.capacity_)];
      if (shelf.size() == shelf.capacity()) shelf.reserve(std::max<std::size_t>(16, 2 * shelf.size()));
      idle_bytes_ += buffer.capacity_;
      shelf.push_back(std::move(buffer));
      return;
    } catch (const std::bad_alloc&) {
      // No room to remember it: then it is not kept.
    }
  }
  free(buffer);
}

void BufferPool::free(Buffer& buffer) noexcept {
  ::operator delete(std::exchange(buffer.data_, nullptr) - skew_of(buffer.capacity_), kAlignment);
  buffer.capacity_ = 0;
  buffer.ticket_.release();
}

void BufferPool::clear() noexcept {
  for (auto& shelf : idle_) {
    for (Buffer& buffer : shelf)
      free(buffer);
    shelf.clear();
  }
  idle_bytes_ = 0;
}

}  // namespace haul::transfer

#include "engine/memory/memory_engine.h"

#include <utility>

namespace haul::engine {

Task<> MemoryRunStore::set_status(job::RunStatus status, OpContext&) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  co_return;
}

Task<> MemoryRunStore::record(job::ChunkReport report, OpContext&) {
  const std::lock_guard lock(mutex_);
  accounts_.add(report.accounts);
  co_return;
}

Task<> MemoryRunStore::record_discovery(const job::Accounts& found, OpContext&) {
  const std::lock_guard lock(mutex_);
  accounts_.add(found);
  co_return;
}

job::Accounts MemoryRunStore::accounts() const {
  const std::lock_guard lock(mutex_);
  return accounts_;
}

job::RunStatus MemoryRunStore::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Task<bool> MemoryChunkQueue::push(job::Chunk chunk, OpContext& context) {
  co_return co_await queue_.push(std::move(chunk), context);
}

std::uint64_t MemoryChunkQueue::cancel() {
  std::uint64_t dropped = 0;
  for (const job::Chunk& chunk : queue_.drain())
    dropped += chunk.items.size();
  return dropped;
}

// Nobody else could take the chunk over: a process that dies takes the queue with it.
Task<> MemoryChunkQueue::acknowledge(std::uint64_t, OpContext&) {
  co_return;
}

}  // namespace haul::engine

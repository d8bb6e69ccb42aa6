// The engine of ad hoc commands: run state and chunks in memory, bounded, gone with the process.
#pragma once

#include <cstddef>
#include <mutex>

#include "job/ports.h"
#include "runtime/async_queue.h"

namespace haul::engine {

class MemoryRunStore final : public job::RunStore {
 public:
  Task<> set_status(job::RunStatus status, OpContext& context) override;
  Task<> record(job::ChunkReport report, OpContext& context) override;
  Task<> record_discovery(const job::Accounts& found, OpContext& context) override;
  job::Accounts accounts() const override;
  job::RunStatus status() const override;

 private:
  mutable std::mutex mutex_;  // guards both below; taken once a chunk
  job::Accounts accounts_;
  job::RunStatus status_ = job::RunStatus::initializing;
};

class MemoryChunkQueue final : public job::ChunkQueue {
 public:
  explicit MemoryChunkQueue(std::size_t capacity) : queue_(capacity) {}

  Task<bool> push(job::Chunk chunk, OpContext& context) override;
  void close() override { queue_.close(); }
  std::uint64_t cancel() override;
  Task<std::optional<job::Chunk>> lease(OpContext& context) override { return queue_.pop(context); }
  Task<> acknowledge(std::uint64_t chunk_id, OpContext& context) override;

 private:
  AsyncQueue<job::Chunk> queue_;
};

}  // namespace haul::engine

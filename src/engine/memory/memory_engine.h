// The engine of ad hoc commands: run state and chunks in memory, bounded, gone with the process.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "job/key_spool.h"
#include "job/run_engine.h"
#include "runtime/retry.h"

namespace haul::engine {

struct MemoryEngineOptions {
  std::size_t chunks_waiting = 8;  // discovery waits while so many are queued
  RetryPolicy retry;               // base and cap of the time before a chunk's next attempt
};

// Extra objects of a sync are held in a KeySpool: bounded memory, the rest on disk. Nobody else asks anything
// of its run, and nothing is held for want of a place: a process that dies takes all of it along.
class MemoryRunEngine final : public job::RunEngine {
 public:
  explicit MemoryRunEngine(MemoryEngineOptions options = {}) : options_(options) {}

  job::RunStatus status() const override;
  job::Accounts accounts() const override;
  Task<> set_status(job::RunStatus status, OpContext& context) override;
  bool durable() const noexcept override { return false; }
  job::DiscoveryState discovery() const override;
  Task<bool> discovered(job::DiscoveryStep step, OpContext& context) override;
  Task<std::optional<job::Chunk>> lease(OpContext& context) override;
  Task<> record_stage(std::uint64_t, job::Stage, std::string, OpContext&) override { co_return; }
  Task<> record(job::ChunkReport report, OpContext& context) override;
  Task<> release_extras(OpContext& context) override;
  Task<> keep_extras(OpContext& context) override;
  void close() override;
  void hold() override;
  void reopen() override;
  Task<> cancel(OpContext& context) override;
  job::Wish wish() const override { return job::Wish::none; }
  bool approved() const override { return true; }

 private:
  using Waiters = std::deque<std::move_only_function<void()>>;

  std::optional<job::Chunk> take_locked(OpContext& context);
  void give_up_locked(const job::Chunk& chunk);
  bool room_locked() const { return held_ || queue_.size() < options_.chunks_waiting; }
  bool leases_ended_locked() const;
  void wake_all_locked();
  static void wake_one_locked(Waiters& waiters);

  const MemoryEngineOptions options_;
  mutable std::mutex mutex_;  // guards all below; taken once a chunk
  job::Accounts accounts_;
  job::RunStatus status_ = job::RunStatus::initializing;
  std::deque<job::Chunk> queue_;
  std::multimap<SteadyTime, job::Chunk> later_;  // put back, with the time they wait for
  job::KeySpool extras_;
  bool extras_released_ = false;
  std::uint64_t last_id_ = 0;
  std::size_t leased_ = 0;
  bool ended_ = false, closed_ = false, held_ = false, cancelled_ = false;
  Waiters pushers_, leasers_;
};

}  // namespace haul::engine

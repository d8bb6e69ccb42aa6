#include "job/coordinator.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "job/discovery.h"
#include "job/key_spool.h"
#include "job/worker.h"
#include "runtime/task_group.h"

namespace haul::job {
namespace {

constexpr unsigned kChunksPerShard = 2;  // while one chunk's last objects finish, the next one begins
constexpr std::size_t kRemoveChunk = 1000;

// One run, as a story: discover and work at once, then delete, then close the accounts.
class Run {
 public:
  Run(const Job& job, RunPorts ports, Runtime& runtime)
      : job_(job), ports_(ports), runtime_(runtime), worker_(job, ports.progress, ports.sink, runtime) {
    ports_.progress.follow([this] { return worker_.bytes_moved(); });
  }
  ~Run() { ports_.progress.unfollow(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Task<RunResult> execute() {
    OpContext context = runtime_.context();
    try {
      co_await ports_.runs.set_status(RunStatus::discovering, context);
      const Discovered found = co_await discover_and_work(context);
      co_await ports_.runs.set_status(RunStatus::finalizing, context);
      if (job_.options.delete_extra)
        co_await remove_extras(found, context);
      else
        co_await keep_extras(context);
    } catch (...) {
      result_.error = current_error();
    }
    co_await close_accounts(context);
    co_return std::move(result_);
  }

 private:
  Task<Discovered> discover_and_work(OpContext& context) {
    TaskGroup workers(context.executor());
    for (unsigned shard = 0; shard < runtime_.shard_count(); ++shard)
      for (unsigned i = 0; i < kChunksPerShard; ++i)
        workers.spawn(on_shard(runtime_.shard(shard), work_chunks(runtime_.context(shard))));
    Discovered found;
    std::exception_ptr error;
    try {
      Discovery discovery(job_, ports_, extras_);
      found = co_await discovery.run(context);
      co_await ports_.runs.set_status(RunStatus::processing, context);
    } catch (...) {
      error = std::current_exception();
    }
    // What was found before a listing failed is still worked on: each object stands for itself.
    ports_.chunks.close();
    co_await workers.join();
    if (error) std::rethrow_exception(error);
    co_return found;
  }

  Task<> work_chunks(OpContext context) {
    try {
      while (auto chunk = co_await ports_.chunks.lease(context)) {
        const std::uint64_t id = chunk->id;
        ChunkReport report = co_await worker_.work(std::move(*chunk), context);
        co_await ports_.runs.record(std::move(report), context);
        co_await ports_.chunks.acknowledge(id, context);
        if (too_many_failures()) runtime_.stop().raise(StopLevel::drain);
      }
    } catch (...) {
      ports_.chunks.cancel();  // or discovery would wait for room for ever
      throw;
    }
  }

  bool too_many_failures() const {
    return job_.options.max_failures && ports_.runs.accounts().failed > *job_.options.max_failures;
  }

  // Why the extras must not be deleted; nothing if they may.
  std::optional<Error> deletion_refused(const Discovered& found) const {
    const auto refused = [](ErrorClass error_class, std::string message) {
      return Error(error_class, std::move(message)).during("delete extra objects");
    };
    if (runtime_.stop().draining()) return refused(ErrorClass::cancelled, "the run was stopped before");
    if (!found.complete)
      return refused(ErrorClass::precondition_failed,
                     "a part of the source or destination could not be listed")
          .with_hint("mend what could not be read (see the failures above) and run it again");
    const Accounts accounts = ports_.runs.accounts();
    if (accounts.failed != 0)
      return refused(ErrorClass::precondition_failed,
                     fmt::format("{} objects failed to be copied", accounts.failed))
          .with_hint("run it again once the failures are mended; nothing was deleted");
    if (found.source_objects == 0 && !job_.options.allow_empty_source)
      return refused(ErrorClass::precondition_failed, "the source is empty")
          .with_hint("if that is right, use --allow-empty-source");
    const double share = static_cast<double>(extras_.size()) / static_cast<double>(found.destination_objects);
    if (share > job_.options.max_delete_share)
      return refused(
                 ErrorClass::precondition_failed,
                 fmt::format("{} of {} destination objects ({:.0f} %) would be deleted, more than {:.0f} %",
                             extras_.size(), found.destination_objects, share * 100,
                             job_.options.max_delete_share * 100))
          .with_hint("if that is right, use --max-delete 100%");
    return std::nullopt;
  }

  Task<> remove_extras(const Discovered& found, OpContext& context) {
    if (extras_.size() == 0) co_return;
    if (auto refused = deletion_refused(found)) {
      co_await keep_extras(context);
      throw *refused;
    }
    while (true) {
      Chunk chunk;
      chunk.extras = true;
      if (!extras_.next(kRemoveChunk, chunk)) break;
      ChunkReport report = co_await worker_.work(std::move(chunk), context);
      report.accounts.extra =
          report.accounts.extra_deleted + report.accounts.extra_kept + report.accounts.extra_failed;
      co_await ports_.runs.record(std::move(report), context);
    }
  }

  Task<> keep_extras(OpContext& context) {
    Accounts kept;
    kept.extra = kept.extra_kept = extras_.size();
    co_await ports_.runs.record_discovery(kept, context);
  }

  Task<> close_accounts(OpContext& context) {
    result_.accounts = ports_.runs.accounts();
    result_.status = final_status();
    if (result_.status != RunStatus::cancelled && result_.status != RunStatus::failed &&
        !result_.accounts.closed()) {
      result_.status = RunStatus::failed;
      result_.error = Error(ErrorClass::internal, "the accounts do not add up; the run is not complete");
    }
    co_await ports_.runs.set_status(result_.status, context);
  }

  RunStatus final_status() const {
    if (too_many_failures()) return RunStatus::failed;
    if (runtime_.stop().draining()) return RunStatus::cancelled;
    if (result_.error) return RunStatus::failed;
    return result_.accounts.failures() != 0 ? RunStatus::completed_with_failures : RunStatus::completed;
  }

  const Job& job_;
  RunPorts ports_;
  Runtime& runtime_;
  Worker worker_;
  KeySpool extras_;
  RunResult result_;
};

}  // namespace

Task<RunResult> run_job(const Job& job, RunPorts ports, Runtime& runtime) {
  Run run(job, ports, runtime);
  co_return co_await run.execute();
}

}  // namespace haul::job

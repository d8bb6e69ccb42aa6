#include "job/coordinator.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "job/discovery.h"
#include "job/worker.h"
#include "runtime/task_group.h"

namespace haul::job {
namespace {

constexpr unsigned kChunksPerShard = 2;  // while one chunk's last objects finish, the next one begins

// One run, as a story: discover and work at once, then delete, then close the accounts.
class Run {
 public:
  Run(const Job& job, RunPorts ports, Runtime& runtime)
      : job_(job),
        ports_(ports),
        runtime_(runtime),
        worker_(job, ports.engine, ports.progress, ports.sink, runtime) {
    ports_.progress.follow([this] { return worker_.bytes_moved(); });
  }
  ~Run() { ports_.progress.unfollow(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Task<RunResult> execute() {
    OpContext context = runtime_.context();
    try {
      co_await ports_.engine.set_status(RunStatus::discovering, context);
      const Discovered found = co_await discover_and_work(context);
      co_await ports_.engine.set_status(RunStatus::finalizing, context);
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
    spawn_workers(workers);
    Discovered found;
    std::exception_ptr error;
    try {
      Discovery discovery(job_, ports_);
      found = co_await discovery.run(context);
      co_await ports_.engine.set_status(RunStatus::processing, context);
    } catch (...) {
      error = std::current_exception();
    }
    // What was found before a listing failed is still worked on: each object stands for itself.
    ports_.engine.close();
    co_await workers.join();
    if (error) std::rethrow_exception(error);
    co_return found;
  }

  void spawn_workers(TaskGroup& workers) {
    for (unsigned shard = 0; shard < runtime_.shard_count(); ++shard)
      for (unsigned i = 0; i < kChunksPerShard; ++i)
        workers.spawn(on_shard(runtime_.shard(shard), work_chunks(runtime_.context(shard))));
  }

  Task<> work_chunks(OpContext context) {
    try {
      while (auto chunk = co_await ports_.engine.lease(context)) {
        ChunkReport report = co_await worker_.work(std::move(*chunk), context);
        co_await ports_.engine.record(std::move(report), context);
        if (too_many_failures()) runtime_.stop().raise(StopLevel::drain);
      }
    } catch (...) {
      ports_.engine.hold();  // or discovery would wait for room for ever
      throw;
    }
  }

  bool too_many_failures() const {
    return job_.options.max_failures && ports_.engine.accounts().failed > *job_.options.max_failures;
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
    const Accounts accounts = ports_.engine.accounts();
    if (accounts.failed != 0)
      return refused(ErrorClass::precondition_failed,
                     fmt::format("{} objects failed to be copied", accounts.failed))
          .with_hint("run it again once the failures are mended; nothing was deleted");
    if (found.source_objects == 0 && !job_.options.allow_empty_source)
      return refused(ErrorClass::precondition_failed, "the source is empty")
          .with_hint("if that is right, use --allow-empty-source");
    const double share = static_cast<double>(accounts.extra) / static_cast<double>(found.destination_objects);
    if (share > job_.options.max_delete_share)
      return refused(
                 ErrorClass::precondition_failed,
                 fmt::format("{} of {} destination objects ({:.0f} %) would be deleted, more than {:.0f} %",
                             accounts.extra, found.destination_objects, share * 100,
                             job_.options.max_delete_share * 100))
          .with_hint("if that is right, use --max-delete 100%");
    return std::nullopt;
  }

  Task<> remove_extras(const Discovered& found, OpContext& context) {
    if (ports_.engine.accounts().extra == 0) co_return;
    if (auto refused = deletion_refused(found)) {
      co_await keep_extras(context);
      throw *refused;
    }
    co_await ports_.engine.release_extras(context);
    TaskGroup workers(context.executor());
    spawn_workers(workers);
    co_await workers.join();
  }

  Task<> keep_extras(OpContext& context) { co_await ports_.engine.keep_extras(context); }

  Task<> close_accounts(OpContext& context) {
    co_await ports_.engine.cancel(context);
    result_.accounts = ports_.engine.accounts();
    result_.status = final_status();
    if (result_.status != RunStatus::cancelled && result_.status != RunStatus::failed &&
        !result_.accounts.closed()) {
      result_.status = RunStatus::failed;
      result_.error = Error(ErrorClass::internal, "the accounts do not add up; the run is not complete");
    }
    co_await ports_.engine.set_status(result_.status, context);
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
  RunResult result_;
};

}  // namespace

Task<RunResult> run_job(const Job& job, RunPorts ports, Runtime& runtime) {
  Run run(job, ports, runtime);
  co_return co_await run.execute();
}

}  // namespace haul::job

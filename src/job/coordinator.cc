#include "job/coordinator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include "job/chunk_builder.h"
#include "job/discovery.h"
#include "job/worker.h"
#include "runtime/retry.h"
#include "runtime/task_group.h"

namespace haul::job {
namespace {

constexpr unsigned kChunksPerShard = 2;  // while one chunk's last objects finish, the next one begins
constexpr int kFruitlessListings = 6;    // attempts in a row that have found nothing new
constexpr auto kLook = std::chrono::milliseconds(200);   // how soon wishes and failures are noticed
constexpr Duration kPatience = std::chrono::seconds(1);  // between looks while nothing else is to be done

using LookTimer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Of a listing: not the job is wrong, but what this process runs with.
bool somebody_can_mend(const Error& error) {
  return error.error_class() == ErrorClass::unauthenticated || error.error_class() == ErrorClass::exhausted;
}

// One run, as a story: discover and work at once, then delete, then close the accounts. It can be told from
// the middle: what is done already is passed over. A pause ends a stretch of it, and the next one goes on.
class Run {
 public:
  Run(const Job& job, RunPorts ports, Runtime& runtime)
      : job_(job),
        ports_(ports),
        engine_(ports.engine),
        runtime_(runtime),
        pace_(job.options),
        worker_(job, ports.engine, ports.progress, ports.sink, runtime) {
    ports_.progress.follow([this] { return worker_.bytes_moved(); });
  }
  ~Run() { ports_.progress.unfollow(); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  Task<RunResult> execute() {
    OpContext context = runtime_.context().with_label(job_.run);
    remember_progress();
    bool paused = !is_final(engine_.status());
    while (paused) {
      stop_.emplace(runtime_.stop());
      wish_ = Wish::none;
      co_await stretch(context.with_stop(*stop_));
      co_await end_stretch(context);
      paused = result_.status == RunStatus::paused && !result_.error && co_await resumed(context);
    }
    result_.status = engine_.status();
    result_.accounts = engine_.accounts();
    co_return std::move(result_);
  }

 private:
  bool stopping() const { return stop_->draining(); }

  // The displays of a run that is gone on with begin where they were.
  void remember_progress() {
    const Accounts done = engine_.accounts();
    Progress& progress = ports_.progress;
    progress.listed_objects += done.listed;
    progress.found_objects += done.listed - std::min(done.listed, done.filtered + done.skipped);
    progress.found_bytes += done.listed_bytes;
    progress.skipped_objects += done.skipped;
    progress.done_objects += done.worked();
    progress.done_bytes += done.copied_bytes;
    progress.failed_objects += done.failures();
  }

  Task<> enter(RunStatus status, OpContext& context) {
    if (engine_.status() != status) co_await recorded(engine_.set_status(status, context));
  }

  Task<> recorded(Task<> change) {
    try {
      co_await std::move(change);
    } catch (...) {
      interrupt();
      throw;
    }
  }

  // From wherever the run stands to its last deletion, or to where it is stopped.
  Task<> stretch(OpContext context) {
    engine_.reopen();
    LookTimer timer(context.executor());
    watching_ = true;
    TaskGroup watch(context.executor());
    watch.spawn(look_now_and_then(timer));
    try {
      if (engine_.status() == RunStatus::initializing) co_await enter(RunStatus::discovering, context);
      look();
      if (job_.options.approval) co_await discover_and_wait_for_approval(context);
      if (!stopping()) co_await discover_and_work(context);
      if (!stopping()) {
        co_await enter(RunStatus::finalizing, context);
        co_await settle_extras(context);
      }
    } catch (...) {
      result_.error = current_error();
    }
    watching_ = false;
    timer.cancel();
    co_await watch.join();
  }

  // ---- what is asked of the run while it goes on

  Task<> look_now_and_then(LookTimer& timer) {
    while (watching_) {
      timer.expires_after(kLook);
      co_await timer.async_wait(boost::asio::as_tuple(use_task));
      if (watching_) look();
    }
  }

  // Called from all shards.
  void look() {
    if (const Wish wish = engine_.wish(); wish != Wish::none) {
      wish_ = wish;
      stop_->raise(StopLevel::drain);
    }
    if (too_many_failures()) {
      too_many_ = true;
      stop_->raise(StopLevel::drain);
    }
    if (stopping()) engine_.hold();
  }

  bool too_many_failures() const {
    const Options& options = job_.options;
    if (!options.max_failures && !options.max_failure_share) return false;
    const Accounts accounts = engine_.accounts();
    std::uint64_t failed = accounts.failed;
    if (engine_.status() != RunStatus::finalizing) {  // what chunks in flight have come to counts as well
      const std::uint64_t seen = ports_.progress.failed_objects.load(std::memory_order_relaxed);
      failed = std::max(failed, seen - std::min(seen, accounts.list_failures));
    }
    if (options.max_failures && failed > *options.max_failures) return true;
    // A share is of what is recorded: in a chunk at work failures are known before its moves are done.
    const std::uint64_t done = accounts.worked();
    return options.max_failure_share && done >= options.failure_sample &&
           static_cast<double>(accounts.failed) > *options.max_failure_share * static_cast<double>(done);
  }

  // Sleeps, unless the run is stopped meanwhile.
  Task<> wait(Duration duration, OpContext& context) {
    while (duration > Duration(0) && !stopping()) {
      const Duration piece = std::min<Duration>(duration, kPatience);
      co_await context.sleep(piece);
      duration -= piece;
      look();
    }
  }

  // ---- discovery

  Task<> discover_and_wait_for_approval(OpContext& context) {
    if (engine_.approved() && engine_.discovery().ended) co_return;
    if (!engine_.discovery().ended) {
      engine_.hold();
      co_await enter(RunStatus::discovering, context);
      co_await discover(context);
    }
    if (!stopping() && !engine_.approved()) co_await enter(RunStatus::awaiting_approval, context);
    while (!stopping() && !engine_.approved())
      co_await wait(kPatience, context);
    if (!stopping()) engine_.reopen();
  }

  // A durable run bears with a listing that fails for a passing reason, as long as it gets on now and then.
  Task<> discover(OpContext& context) {
    int fruitless = 0;
    while (!stopping()) {
      const auto place_before = engine_.discovery().place;
      Discovery discovery(job_, ports_, pace_, std::exchange(discovery_has_begun_, true));
      std::optional<Error> error;
      try {
        co_await discovery.run(context);
      } catch (...) {
        if (discovery.engine_failed()) interrupt();
        error = current_error();
      }
      if (!error) co_return;
      const bool passing = error->retryable() || error->error_class() == ErrorClass::cancelled;
      if (engine_.durable() && somebody_can_mend(*error)) interrupt();
      if (interrupted_ || !engine_.durable() || !passing) throw *error;
      if (stopping()) co_return;  // whoever goes on finds out whether it has passed
      fruitless = engine_.discovery().place == place_before ? fruitless + 1 : 1;
      if (fruitless >= kFruitlessListings) throw *error;
      const RetryPolicy policy{
          .base = std::chrono::ceil<std::chrono::milliseconds>(job_.options.retry_delay),
          .cap = std::chrono::ceil<std::chrono::milliseconds>(job_.options.longest_retry_delay)};
      co_await wait(backoff(policy, *error, fruitless, context.env()), context);
    }
  }

  // ---- work

  Task<> discover_and_work(OpContext& context) {
    TaskGroup workers(context.executor());
    spawn_workers(workers);
    std::optional<Error> error;
    try {
      if (!engine_.discovery().ended) {
        co_await enter(RunStatus::discovering, context);
        co_await discover(context);
      }
      if (engine_.discovery().ended && engine_.status() != RunStatus::finalizing)
        co_await enter(RunStatus::processing, context);
    } catch (...) {
      error = current_error();
    }
    // What was found before a listing failed is still worked on: each object stands for itself.
    engine_.close();
    if (stopping()) engine_.hold();
    co_await workers.join();
    look();
    if (error) throw *error;
  }

  void spawn_workers(TaskGroup& workers) {
    for (unsigned shard = 0; shard < runtime_.shard_count(); ++shard) {
      const OpContext context = runtime_.context(shard).with_label(job_.run).with_stop(*stop_);
      for (unsigned i = 0; i < kChunksPerShard; ++i)
        workers.spawn(on_shard(runtime_.shard(shard), work_chunks(context)));
    }
  }

  Task<> work_chunks(OpContext context) {
    try {
      while (auto chunk = co_await engine_.lease(context)) {
        const std::uint64_t objects = chunk->items.size();
        const SteadyTime start = context.env().steady_now();
        ChunkReport report = co_await worker_.work(std::move(*chunk), context);
        if (!stopping()) pace_.measured(objects, context.env().steady_now() - start);
        co_await engine_.record(std::move(report), context);
        look();
      }
    } catch (...) {
      interrupt();
      throw;
    }
  }

  // The run cannot go on here, but need not fail for it: what the engine has recorded holds, and what it has
  // not is done again when somebody resumes the run.
  void interrupt() {
    interrupted_ = true;
    stop_->raise(StopLevel::drain);
    engine_.hold();
  }

  // ---- deletions of a sync

  // Why the extras must not be deleted; nothing if they may.
  std::optional<Error> deletion_refused(const Accounts& accounts) const {
    const auto refused = [](ErrorClass error_class, std::string message) {
      return Error(error_class, std::move(message)).during("delete extra objects");
    };
    if (accounts.list_failures != 0)
      return refused(ErrorClass::precondition_failed,
                     "a part of the source or destination could not be listed")
          .with_hint("mend what could not be read (see the failures above) and run it again");
    if (accounts.failed != 0)
      return refused(ErrorClass::precondition_failed,
                     fmt::format("{} objects failed to be copied", accounts.failed))
          .with_hint("run it again once the failures are mended; nothing was deleted");
    if (accounts.listed == 0 && !job_.options.allow_empty_source)
      return refused(ErrorClass::precondition_failed, "the source is empty")
          .with_hint("if that is right, use --allow-empty-source");
    const double share =
        static_cast<double>(accounts.extra) / static_cast<double>(accounts.destination_listed);
    if (share > job_.options.max_delete_share)
      return refused(
                 ErrorClass::precondition_failed,
                 fmt::format("{} of {} destination objects ({:.0f} %) would be deleted, more than {:.0f} %",
                             accounts.extra, accounts.destination_listed, share * 100,
                             job_.options.max_delete_share * 100))
          .with_hint("if that is right, use --max-delete 100%");
    return std::nullopt;
  }

  Task<> settle_extras(OpContext& context) {
    const Accounts accounts = engine_.accounts();
    if (accounts.extra == 0) co_return;
    if (!job_.options.delete_extra) co_return co_await recorded(engine_.keep_extras(context));
    if (auto refused = deletion_refused(accounts)) {
      co_await recorded(engine_.keep_extras(context));
      throw *refused;
    }
    co_await recorded(engine_.release_extras(context));
    TaskGroup workers(context.executor());
    spawn_workers(workers);
    co_await workers.join();
  }

  // ---- the end of a stretch, or of the run

  // With the runtime's own stop flag: a run that was stopped still records where it stands.
  Task<> end_stretch(OpContext& context) {
    const bool left_off = interrupted_ || (stopping() && !too_many_ && wish_ != Wish::cancel);
    try {
      if (engine_.durable() && left_off) {
        result_.status = RunStatus::paused;
        co_await enter(RunStatus::paused, context);
        co_return;
      }
      if (stopping() || result_.error) co_await engine_.cancel(context);
      co_await close_accounts(context);
    } catch (...) {  // the state is as it was; whoever resumes the run finds it so
      if (!result_.error) result_.error = current_error();
      if (!engine_.durable()) result_.status = RunStatus::failed;
    }
  }

  Task<> close_accounts(OpContext& context) {
    const Accounts accounts = engine_.accounts();
    result_.status = final_status(accounts);
    const bool complete =
        result_.status == RunStatus::completed || result_.status == RunStatus::completed_with_failures;
    if (complete && !accounts.closed()) {
      result_.status = RunStatus::failed;
      result_.error = Error(ErrorClass::internal, "the accounts do not add up; the run is not complete");
    }
    co_await enter(result_.status, context);
  }

  RunStatus final_status(const Accounts& accounts) const {
    if (too_many_ || interrupted_) return RunStatus::failed;
    if (stopping()) return RunStatus::cancelled;
    if (result_.error) return RunStatus::failed;
    // Given up by a process that did not come to say so.
    if (accounts.not_attempted != 0) return RunStatus::cancelled;
    return accounts.failures() != 0 ? RunStatus::completed_with_failures : RunStatus::completed;
  }

  // Waits while the run is to pause. False if this process is to end, or the run was cancelled meanwhile.
  Task<bool> resumed(OpContext& context) {
    while (!runtime_.stop().draining()) {
      const Wish wish = engine_.wish();
      if (wish == Wish::none) co_return wish_ == Wish::pause;
      if (wish == Wish::cancel) {
        wish_ = wish;
        co_await end_stretch(context);
        co_return false;
      }
      co_await context.sleep(kPatience);
    }
    co_return false;
  }

  const Job& job_;
  RunPorts ports_;
  RunEngine& engine_;
  Runtime& runtime_;
  ChunkPace pace_;
  Worker worker_;
  RunResult result_;
  bool discovery_has_begun_ = false;
  bool watching_ = false;

  // Of this stretch. Written on all shards.
  std::optional<StopFlag> stop_;
  std::atomic<Wish> wish_{Wish::none};
  std::atomic<bool> too_many_{false};  // failures
  std::atomic<bool> interrupted_{false};
};

}  // namespace

Task<RunResult> run_job(const Job& job, RunPorts ports, Runtime& runtime) {
  Run run(job, ports, runtime);
  co_return co_await run.execute();
}

}  // namespace haul::job

#include "engine/embedded/embedded_run_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "engine/embedded/chunk_codec.h"
#include "engine/embedded/run_book.h"
#include "engine/embedded/run_steps.h"
#include "runtime/retry.h"
#include "runtime/suspend.h"

namespace haul::engine {
namespace {

constexpr std::size_t kCachedChunks = 16;
constexpr std::size_t kCachedBytes = 8 << 20;

std::size_t memory_of(const job::Chunk& chunk) {
  return chunk.items.capacity() * sizeof(job::Item) + chunk.text.bytes();
}

std::string figures_of(const job::Progress& progress) {
  std::string catalogue;
  if (progress.catalogue) {
    const catalog::CatalogEffort effort = progress.catalogue();
    catalogue =
        fmt::format(R"(,"catalogue":{{"rows_selected":{},"rows_updated":{},"statements":{},"reconnects":{},)"
                    R"("seconds_waited_for_rate":{:.3f}}})",
                    effort.rows_selected, effort.rows_updated, effort.statements, effort.reconnects,
                    std::chrono::duration<double>(effort.waited_for_rate).count());
  }
  return fmt::format(
      R"({{"listed_objects":{},"skipped_objects":{},"found_objects":{},"found_bytes":{},"done_objects":{},)"
      R"("done_bytes":{},"arrived_objects":{},"arrived_bytes":{},"failed_objects":{},"moved_bytes":{},)"
      R"("listing":{}{}}})",
      progress.listed_objects.load(), progress.skipped_objects.load(), progress.found_objects.load(),
      progress.found_bytes.load(), progress.done_objects.load(), progress.done_bytes.load(),
      progress.arrived_objects.load(), progress.arrived_bytes.load(), progress.failed_objects.load(),
      progress.moved_bytes(), progress.listing.load(), catalogue);
}

}  // namespace

// Coroutines of all shards meet here. Steps go through one line: the first to come takes a thread of the
// blocking pool, which writes down whatever has gathered meanwhile, again and again until nothing is left.
class EmbeddedRunEngine::State {
 public:
  State(StateDirectory& state, const std::string& run, EmbeddedRunOptions options,
        const job::Progress& progress)
      : env_(state.env()),
        options_(std::move(options)),
        progress_(progress),
        book_(state, run, options_),
        page_(book_.first_page()),
        approved_(book_.approved()),
        last_figures_(figures_of(progress)),
        last_progress_(env_.wall_now()) {
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
  }

  ~State() {
    ticker_ = {};
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return !writing_; });
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  const RunBook& book() const noexcept { return book_; }
  const EmbeddedRunOptions& options() const noexcept { return options_; }
  const job::Progress& progress() const noexcept { return progress_; }
  job::Wish wish() const noexcept { return wish_; }
  bool approved() const noexcept { return approved_; }

  template <class Read>
  auto read_page(Read read) const {
    const std::lock_guard lock(mutex_);
    return read(page_);
  }

  Task<> write(Step& step, OpContext& context) {
    Waiting waiting{.step = &step};
    co_await suspend(context.executor(), [&](auto resume) {
      waiting.resume = std::move(resume);
      const std::lock_guard lock(mutex_);
      line_.push_back(&waiting);
      if (std::exchange(writing_, true)) return;
      context.blocking_pool().submit([this] { write_line(); });
    });
    if (waiting.error) std::rethrow_exception(waiting.error);
  }

  // False after cancel().
  Task<bool> wait_for_room(OpContext& context) {
    while (true) {
      {
        const std::lock_guard lock(mutex_);
        if (page_.cancelled) co_return false;
        if (room_locked()) co_return true;
      }
      co_await suspend(context.executor(), [this](auto resume) {
        const std::lock_guard lock(mutex_);
        if (page_.cancelled || room_locked())
          resume();
        else
          pushers_.push_back(std::move(resume));
      });
    }
  }

  Task<std::optional<job::Chunk>> lease(OpContext& context) {
    while (true) {
      std::uint64_t seen = 0;
      bool closed = false;
      std::optional<Time> due;
      {
        const std::lock_guard lock(mutex_);
        if (leases_ended_locked()) co_return std::nullopt;
        seen = changes_;
        closed = closed_;
        due = due_;
      }
      const bool nothing = read_page([](const BookPage& page) { return page.none_queued(); });
      if (!nothing && (!due || *due <= env_.wall_now())) {
        LeaseStep step(env_, options_.longest_retry_delay, closed);
        co_await write(step, context);
        if (step.chunk()) co_return co_await load(std::move(*step.chunk()), context);
        due = step.due();
      }
      // In a simulated world nobody else would let the time pass.
      if (due && *due > env_.wall_now() && env_.skip_sleep(*due - env_.wall_now())) continue;
      co_await wait_for_change(seen, due, context);
    }
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_locked();
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
    changed_locked();
  }
  void reopen() {
    const std::lock_guard lock(mutex_);
    closed_ = held_ = false;
    changed_locked();
  }

  Duration pause_before(std::uint32_t attempt) const {
    const auto rounded = [](Duration duration) {
      return std::chrono::ceil<std::chrono::milliseconds>(duration);
    };
    const RetryPolicy policy{.base = rounded(options_.retry_delay),
                             .cap = rounded(options_.longest_retry_delay)};
    const Error put_back(ErrorClass::unavailable, "put back");
    return backoff(policy, put_back, static_cast<int>(std::max(attempt, 2U)) - 1, env_);
  }

  void beat() {
    const std::string figures = figures_of(progress_);
    const Time now = env_.wall_now();
    const std::uint64_t steps = steps_;
    Time progress;
    {
      const std::lock_guard lock(beat_mutex_);
      if (figures != last_figures_ || steps != last_steps_) last_progress_ = now;
      last_figures_ = figures;
      last_steps_ = steps;
      progress = last_progress_;
    }
    const Request request = book_.beat(now, progress, figures);
    wish_ = request.wish;
    approved_ = request.approved;
  }

 private:
  struct Waiting {
    Step* step = nullptr;
    std::move_only_function<void()> resume{};
    std::exception_ptr error{};
  };
  using Waiters = std::deque<std::move_only_function<void()>>;

  void write_line() {
    while (true) {
      std::vector<Waiting*> batch;
      {
        const std::lock_guard lock(mutex_);
        if (line_.empty()) {
          writing_ = false;
          idle_.notify_all();
          return;
        }
        do {
          batch.push_back(line_.front());
          line_.pop_front();
        } while (!line_.empty() && !batch.back()->step->alone() && !line_.front()->step->alone());
      }
      write_together(batch);
      for (Waiting* waiting : batch)
        waiting->resume();
    }
  }

  void write_together(const std::vector<Waiting*>& batch) {
    std::vector<Step*> steps;
    steps.reserve(batch.size());
    for (const Waiting* waiting : batch)
      steps.push_back(waiting->step);
    try {
      // Only this thread writes the page, so it may read it without the lock.
      BookPage next = book_.commit(page_, steps);
      const std::lock_guard lock(mutex_);
      page_ = std::move(next);
      ++steps_;
      for (Step* step : steps)
        remember_locked(*step);
      if (std::ranges::any_of(steps, &Step::changes)) changed_locked();
    } catch (...) {
      const std::exception_ptr error = std::current_exception();
      const std::lock_guard lock(mutex_);
      for (Waiting* waiting : batch) {
        waiting->error = error;
        if (const auto* record = dynamic_cast<RecordStep*>(waiting->step)) give_back_locked(record->chunk());
      }
      changed_locked();
    }
  }

  void remember_locked(Step& step) {
    if (step.alone()) {  // it may have given up what is there
      cache_.clear();
      cached_bytes_ = 0;
    }
    for (job::Chunk& chunk : step.take_queued()) {
      const std::size_t bytes = memory_of(chunk);
      if (cache_.size() == kCachedChunks || cached_bytes_ + bytes > kCachedBytes) return;
      cached_bytes_ += bytes;
      cache_.emplace(chunk.id, std::move(chunk));
    }
  }

  // Its worker has let go of it, so somebody else has to do it once more.
  void give_back_locked(std::uint64_t chunk) {
    const auto lease = page_.leases.extract(chunk);
    if (lease.empty()) return;
    page_.returned.push_back(chunk);
    ++page_.count_of(lease.mapped().alone);
  }

  bool room_locked() const { return held_ || page_.queued < options_.queue_chunks; }
  bool leases_ended_locked() const {
    return held_ || page_.cancelled || (closed_ && page_.none_queued() && page_.leases.empty());
  }

  // All who wait look again: there are two for each shard at most, and changes come a chunk at a time.
  void changed_locked() {
    ++changes_;
    due_.reset();
    for (Waiters* waiters : {&leasers_, &pushers_})
      while (!waiters->empty()) {
        auto resume = std::move(waiters->front());
        waiters->pop_front();
        resume();
      }
  }

  Task<> wait_for_change(std::uint64_t seen, std::optional<Time> due, OpContext& context) {
    co_await suspend(context.executor(), [&](auto resume) {
      const std::lock_guard lock(mutex_);
      if (changes_ != seen) return resume();
      leasers_.push_back(std::move(resume));
      if (!due || (due_ && *due_ <= *due)) return;
      due_ = due;
      alarm_.notify_all();
    });
  }

  Task<std::optional<job::Chunk>> load(ChunkRow row, OpContext& context) {
    std::optional<job::Chunk> chunk = take_cached(row.id);
    if (!chunk) {
      chunk.emplace();
      co_await context.blocking([&] { read_items(book_.read(row.slice), *chunk); });
    }
    chunk->id = row.id;
    chunk->extras = row.extras;
    chunk->bytes = row.bytes;
    chunk->attempt = row.attempt;
    chunk->deaths = row.deaths;
    chunk->stage = row.stage;
    chunk->facts = std::move(row.facts);
    chunk->abandoned_since = row.abandoned;
    co_return chunk;
  }

  std::optional<job::Chunk> take_cached(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    auto found = cache_.extract(id);
    if (found.empty()) return std::nullopt;
    cached_bytes_ -= memory_of(found.mapped());
    return std::move(found.mapped());
  }

  void beat_if_possible() {
    try {
      beat();
    } catch (const Error&) {
      // Who works on the run meets the same failure with what matters more, and tells it.
      return;
    }
  }

  // Beats, and wakes those who wait for a chunk that was put back.
  void tick(const std::stop_token& stop) {
    using Clock = std::chrono::steady_clock;
    const bool beats = options_.heartbeat != Duration(0);
    const Duration period = beats ? options_.heartbeat : Duration(std::chrono::hours(1));
    auto next_beat = Clock::now();
    while (!stop.stop_requested()) {
      if (Clock::now() >= next_beat) {
        if (beats) beat_if_possible();
        next_beat = Clock::now() + std::chrono::duration_cast<Clock::duration>(period);
      }
      std::unique_lock lock(mutex_);
      const auto due_before = due_;
      auto until = next_beat;
      if (due_) {
        const Duration left = std::max(*due_ - env_.wall_now(), Duration(0));
        until = std::min(until, Clock::now() + std::chrono::duration_cast<Clock::duration>(left));
      }
      alarm_.wait_until(lock, stop, until, [&] { return due_ != due_before; });
      if (due_ && *due_ <= env_.wall_now()) changed_locked();
    }
  }

  const Env& env_;
  const EmbeddedRunOptions options_;
  const job::Progress& progress_;
  RunBook book_;

  mutable std::mutex mutex_;  // guards all up to the next comment
  BookPage page_;
  std::deque<Waiting*> line_;
  bool writing_ = false;
  bool closed_ = false, held_ = false;
  std::uint64_t changes_ = 0;  // so that nobody waits for what has happened already
  std::optional<Time> due_;    // when somebody who waits is to look again
  Waiters leasers_, pushers_;
  std::map<std::uint64_t, job::Chunk> cache_;  // of queued chunks, so that they are not read again
  std::size_t cached_bytes_ = 0;
  std::condition_variable idle_;
  std::condition_variable_any alarm_;

  std::atomic<job::Wish> wish_{job::Wish::none};
  std::atomic<bool> approved_;
  std::atomic<std::uint64_t> steps_{0};

  std::mutex beat_mutex_;  // guards the three below
  std::string last_figures_;
  std::uint64_t last_steps_ = 0;
  Time last_progress_;

  std::jthread ticker_;
};

EmbeddedRunEngine::EmbeddedRunEngine(StateDirectory& state, std::string run,
                                     const EmbeddedRunOptions& options, const job::Progress& progress)
    : state_(std::make_unique<State>(state, run, options, progress)) {}

EmbeddedRunEngine::~EmbeddedRunEngine() = default;

const std::string& EmbeddedRunEngine::run() const noexcept {
  return state_->book().origin().id;
}

const std::string& EmbeddedRunEngine::report_path() const noexcept {
  return state_->book().report_path();
}

job::RunStatus EmbeddedRunEngine::status() const {
  return state_->read_page([](const BookPage& page) { return page.record.status; });
}

job::Accounts EmbeddedRunEngine::accounts() const {
  return state_->read_page([](const BookPage& page) { return page.record.accounts; });
}

job::DiscoveryState EmbeddedRunEngine::discovery() const {
  return state_->read_page([](const BookPage& page) {
    return job::DiscoveryState{.place = page.record.place, .ended = page.record.discovery_ended};
  });
}

Task<> EmbeddedRunEngine::set_status(job::RunStatus status, OpContext& context) {
  StatusStep step(status, std::nullopt, context.env().wall_now(), state_->book().origin(), state_->progress(),
                  state_->options());
  co_await state_->write(step, context);
}

Task<> EmbeddedRunEngine::set_error(const Error& error, OpContext& context) {
  StatusStep step(std::nullopt, error, context.env().wall_now(), state_->book().origin(), state_->progress(),
                  state_->options());
  co_await state_->write(step, context);
}

Task<bool> EmbeddedRunEngine::discovered(job::DiscoveryStep found, OpContext& context) {
  if (!co_await state_->wait_for_room(context)) co_return false;
  DiscoveredStep step(std::move(found), context.env().wall_now());
  co_await state_->write(step, context);
  co_return !step.refused();
}

Task<std::optional<job::Chunk>> EmbeddedRunEngine::lease(OpContext& context) {
  return state_->lease(context);
}

Task<> EmbeddedRunEngine::record_stage(std::uint64_t chunk, job::Stage stage, std::string facts,
                                       OpContext& context) {
  StageStep step(chunk, stage, std::move(facts));
  co_await state_->write(step, context);
}

Task<> EmbeddedRunEngine::record(job::ChunkReport report, OpContext& context) {
  const std::uint32_t attempt = report.rest.empty() ? 1 : report.rest.front().attempt;
  RecordStep step(std::move(report), context.env().wall_now(), state_->pause_before(attempt));
  co_await state_->write(step, context);
}

Task<> EmbeddedRunEngine::release_extras(OpContext& context) {
  ReleaseExtrasStep step;
  co_await state_->write(step, context);
}

Task<> EmbeddedRunEngine::keep_extras(OpContext& context) {
  GiveUpStep step(GiveUpStep::What::extras);
  co_await state_->write(step, context);
}

Task<> EmbeddedRunEngine::cancel(OpContext& context) {
  GiveUpStep step(GiveUpStep::What::everything);
  co_await state_->write(step, context);
}

void EmbeddedRunEngine::close() {
  state_->close();
}

void EmbeddedRunEngine::hold() {
  state_->hold();
}

void EmbeddedRunEngine::reopen() {
  state_->reopen();
}

job::Wish EmbeddedRunEngine::wish() const {
  return state_->wish();
}

bool EmbeddedRunEngine::approved() const {
  return state_->approved();
}

void EmbeddedRunEngine::beat() {
  state_->beat();
}

}  // namespace haul::engine

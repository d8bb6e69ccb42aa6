#include "stores/local/local_lister.h"

#include <mutex>

#include "runtime/suspend.h"
#include "stores/local/tree_walker.h"

namespace haul::local {
namespace {

// The walk and its page under way. Owned by the lister and by the work that it started, so that a lister may
// go while a page is being made.
struct Walk {
  Walk(std::shared_ptr<Place> place, store::ListRequest request)
      : walker(std::move(place), std::move(request)) {}

  // Used by one thread at a time: the pool while a page is made, else the shard.
  TreeWalker walker;
  store::ListPage page;
  std::exception_ptr error;

  std::mutex mutex;  // guards the two below
  bool made = false;
  std::move_only_function<void()> waiter;

  void make(const OpContext& context) {
    error = nullptr;
    try {
      walker.fill(page, context);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex);
    made = true;
    if (waiter) std::exchange(waiter, nullptr)();
  }
};

class LocalLister final : public store::Lister {
 public:
  LocalLister(std::shared_ptr<Place> place, store::ListRequest request)
      : retry_(place->options.retry), walk_(std::make_shared<Walk>(std::move(place), std::move(request))) {}

  Task<store::ListPage> next(OpContext& context) override {
    context.check();
    for (bool full = false; !full;) {
      std::optional<Error> failure;
      try {
        co_await with_retry(context, retry_, Replay::safe, [this, &context] { return fill(context); });
        full = true;
      } catch (const Error& error) {
        // After all attempts; what cannot be tried again is final for the listing.
        if (!error.retryable()) throw;
        context.check();
        failure = error;
      }
      if (failure) walk_->walker.give_up(*failure, walk_->page);
    }
    store::ListPage page = std::exchange(walk_->page, {});
    // Most listings end with their first page; the others are worth a page of memory.
    if (!page.last && ++pages_ > 1) start(context);
    co_return page;
  }

 private:
  void start(OpContext& context) {
    started_ = true;
    walk_->made = false;
    context.blocking_pool().submit([walk = walk_, context] { walk->make(context); });
  }

  Task<> fill(OpContext& context) {
    if (!started_) start(context);
    co_await suspend(context.executor(), [this](auto resume) {
      const std::lock_guard lock(walk_->mutex);
      if (walk_->made)
        resume();
      else
        walk_->waiter = std::move(resume);
    });
    started_ = false;
    if (walk_->error) std::rethrow_exception(std::exchange(walk_->error, nullptr));
  }

  RetryPolicy retry_;
  std::shared_ptr<Walk> walk_;
  std::size_t pages_ = 0;
  bool started_ = false;
};

}  // namespace

std::unique_ptr<store::Lister> make_lister(std::shared_ptr<Place> place, store::ListRequest request) {
  return std::make_unique<LocalLister>(std::move(place), std::move(request));
}

}  // namespace haul::local

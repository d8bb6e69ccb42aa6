// One coarse clock a shard that looks at everything that waits: for a stop, a deadline, or too long a wait.
//
// A timer a request would cost more than the request's own system calls; a wait here costs being linked into
// a list. The price is that limits are kept to within one tick.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include <boost/asio/basic_waitable_timer.hpp>

#include "runtime/context.h"
#include "runtime/task.h"

namespace haul::http {

enum class Interrupt : std::uint8_t {
  none,
  stopped,   // the program is to end at once
  deadline,  // the operation's deadline has passed
  expired,   // the wait itself took too long
};

using Ticks = std::uint32_t;
inline constexpr Ticks kNoLimit = ~Ticks{0};

// Something that waits. Linked into at most one ticker; unlinked when destroyed.
class Watch {
 public:
  Watch() = default;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Called on the shard, from the tick, once for each cause. Must not destroy other watches.
  virtual void interrupt(Interrupt cause) = 0;

 protected:
  ~Watch() { unlink(); }

 private:
  friend class Ticker;
  void unlink() noexcept;

  Watch* next_ = nullptr;
  Watch** self_ = nullptr;  // what points here
  const OpContext* context_ = nullptr;
  Ticks started_ = 0;
  Ticks limit_ = 0;
};

// Not thread-safe: belongs to one shard. Runs only while there is something to look at.
class Ticker {
 public:
  // `more` is called each tick and tells whether to go on although nothing waits.
  Ticker(const Executor& executor, std::chrono::milliseconds period, std::function<bool()> more)
      : timer_(executor), period_(period), more_(std::move(more)) {}

  Ticks now() const noexcept { return now_; }
  // At least one tick.
  Ticks ticks(std::chrono::milliseconds duration) const noexcept;

  // Looks after the watch from now on; its context must stay until it is removed.
  void add(Watch& watch, const OpContext& context, Ticks limit);
  void remove(Watch& watch) noexcept { watch.unlink(); }

  // What keeps this ticker alive; the pending tick holds on to it.
  void belongs_to(std::weak_ptr<void> owner) { owner_ = std::move(owner); }
  void start();
  void stop();  // for good

 private:
  using Timer =
      boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                        boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;
  void wait(std::shared_ptr<void> owner);
  void look_at_all();

  Timer timer_;
  std::chrono::milliseconds period_;
  std::function<bool()> more_;
  std::weak_ptr<void> owner_;
  Watch* first_ = nullptr;
  Ticks now_ = 0;
  bool running_ = false;
  bool stopped_ = false;
};

// Watches for the length of a scope.
class Watching {
 public:
  Watching(Ticker& ticker, Watch& watch, const OpContext& context, Ticks limit)
      : ticker_(ticker), watch_(watch) {
    ticker_.add(watch_, context, limit);
  }
  ~Watching() { ticker_.remove(watch_); }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  Ticker& ticker_;
  Watch& watch_;
};

}  // namespace haul::http

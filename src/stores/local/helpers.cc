#include "stores/local/helpers.h"

#include <algorithm>

namespace haul::local {
namespace {

struct SharedLoop {
  const std::function<void(std::size_t)>* each;  // valid while somebody holds an index below count
  std::size_t count;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;  // guards ended
  std::size_t ended = 0;
  std::condition_variable all_ended;

  void run() {
    std::size_t mine = 0;
    for (std::size_t i = next++; i < count; i = next++, ++mine)
      (*each)(i);
    if (mine == 0) return;
    const std::lock_guard lock(mutex);
    ended += mine;
    if (ended == count) all_ended.notify_all();
  }
};

}  // namespace

void for_each_with_help(BlockingPool& pool, unsigned helpers, std::size_t count,
                        const std::function<void(std::size_t)>& each) {
  const auto loop = std::make_shared<SharedLoop>();
  loop->each = &each;
  loop->count = count;
  for (std::size_t i = 0; i < std::min<std::size_t>(helpers, count / 2); ++i)
    pool.submit([loop] { loop->run(); });
  loop->run();
  std::unique_lock lock(loop->mutex);
  loop->all_ended.wait(lock, [&] { return loop->ended == count; });
}

}  // namespace haul::local

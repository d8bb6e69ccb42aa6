#include "runtime/shard.h"

#include <algorithm>
#include <exception>

namespace haul {

Runtime::Runtime(const Env& env, Logger& log, const RuntimeOptions& options)
    : env_(env), log_(log), memory_(options.memory) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned shards = options.shards != 0 ? options.shards : cores;
  const unsigned blocking =
      options.blocking_threads != 0 ? options.blocking_threads : std::max(8U, 4 * cores);
  pool_ = std::make_unique<BlockingPool>(blocking);
  for (unsigned i = 0; i < shards; ++i)
    shards_.push_back(std::make_unique<Shard>(i, *pool_, memory_));
  for (unsigned i = 1; i < shards; ++i)
    threads_.emplace_back([&loop = shards_[i]->loop()] { loop.run(); });
}

Runtime::~Runtime() {
  pool_.reset();
  for (auto& shard : shards_) {
    shard->work_.reset();
    shard->loop().stop();
  }
  threads_.clear();
}

void Runtime::run(Task<> main) {
  std::exception_ptr error;
  auto& loop = shards_.front()->loop();
  loop.restart();
  boost::asio::co_spawn(loop, std::move(main), [&](std::exception_ptr thrown) {
    error = thrown;
    loop.stop();
  });
  loop.run();
  if (error) std::rethrow_exception(error);
}

}  // namespace haul

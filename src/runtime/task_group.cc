#include "runtime/task_group.h"

#include <cassert>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "runtime/suspend.h"

namespace haul {

TaskGroup::~TaskGroup() {
  assert(running_ == 0 && "a TaskGroup was destroyed before join() ended");
}

void TaskGroup::spawn(Task<> task) {
  ++running_;
  boost::asio::co_spawn(executor_, std::move(task),
                        [this](std::exception_ptr error) { finished(std::move(error)); });
}

void TaskGroup::finished(std::exception_ptr error) noexcept {
  if (error && !error_) error_ = std::move(error);
  if (--running_ == 0 && joiner_) std::exchange(joiner_, nullptr)();
}

Task<> TaskGroup::join() {
  while (running_ != 0)
    co_await suspend(executor_, [this](auto resume) { joiner_ = std::move(resume); });
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

}  // namespace haul

// The bridge from callbacks to coroutines: suspend until somebody, on whichever thread, says go on.
#pragma once

#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>

#include "runtime/task.h"

namespace haul {

// Resumes the coroutine it was made for, on that coroutine's own shard. Call it exactly once, from any
// thread. Destroying it uncalled destroys the waiting coroutine.
template <class Handler>
class Resume {
 public:
  Resume(Executor executor, Handler handler) : executor_(std::move(executor)), handler_(std::move(handler)) {}
  void operator()() { boost::asio::post(executor_, std::move(handler_)); }

 private:
  Executor executor_;
  Handler handler_;
};

// Suspends the calling coroutine and calls start(resume), where resume is a move-only Resume. What start
// refers to may live in the caller's frame, which stays until resume is called.
template <class Start>
Task<> suspend(Executor executor, Start start) {
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<Executor>&, void()>(
      [](auto handler, Executor where, Start go) {
        go(Resume<decltype(handler)>(std::move(where), std::move(handler)));
      },
      use_task, std::move(executor), std::move(start));
}

}  // namespace haul

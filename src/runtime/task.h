// The coroutine type of the whole tree, bound to the executor of a shard's event loop.
//
// A Task is lazy: nothing runs before it is awaited or spawned. It must be awaited at most once, on the
// shard it belongs to. Parameters of a coroutine live in its frame only when taken by value; references
// must outlive the await. A capturing lambda is never a coroutine: its captures die with the lambda.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace haul {

// The concrete executor type: the type-erased one costs an allocation per operation.
using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

inline constexpr boost::asio::use_awaitable_t<Executor> use_task{};

}  // namespace haul

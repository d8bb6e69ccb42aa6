#include "stores/local/helpers.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <vector>

namespace haul::local {
namespace {

TEST(Helpers, EachIndexIsWorkedOnOnceHoweverManyHelp) {
  BlockingPool pool(3);
  for (const std::size_t count : {0U, 1U, 2U, 1000U}) {
    std::vector<std::atomic<int>> calls(count);
    for_each_with_help(pool, 8, count, [&](std::size_t i) { ++calls[i]; });
    for (const auto& call : calls)
      EXPECT_EQ(call, 1);
  }
}

TEST(Helpers, ABusyPoolDoesNotStopTheWork) {
  BlockingPool pool(1);
  // The pool's only thread is the one that asks for help.
  std::promise<int> sum;
  pool.submit([&] {
    std::atomic<int> added{0};
    for_each_with_help(pool, 4, 10, [&](std::size_t i) { added += static_cast<int>(i); });
    Ahead<int> ahead(pool, [] { return 5; });
    sum.set_value(added + ahead.get());
  });
  EXPECT_EQ(sum.get_future().get(), 50);
}

TEST(Helpers, AResultThatNobodyWantsIsNotWaitedFor) {
  std::atomic<int> computed{0};
  {
    BlockingPool pool(1);
    std::promise<void> go;
    pool.submit([gate = go.get_future()]() mutable { gate.wait(); });
    {
      Ahead<int> unwanted(pool, [&] { return ++computed; });
    }
    go.set_value();
  }
  EXPECT_EQ(computed, 0);
}

TEST(Helpers, WhatIsThrownAheadIsThrownAtItsUse) {
  BlockingPool pool(1);
  Ahead<int> failing(pool, []() -> int { throw std::runtime_error("no"); });
  EXPECT_THROW(failing.get(), std::runtime_error);
}

}  // namespace
}  // namespace haul::local

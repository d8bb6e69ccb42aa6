// A worker among doubles that write down what is done, and in which order.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/recorded_world_test.h"

namespace haul::job {

inline const Error kBusy = Error(ErrorClass::throttled, "slow down").during("PutObject");

// Objects put into the source, and a worker that works a chunk of them.
struct WorkerTest : testing::Test, RecordedWorld {
  void put(const std::string& name) { source->inner.put("in/" + name, "content of " + name); }
  void put_with_row(const std::string& name) {
    put(name);
    const auto id = static_cast<std::int64_t>(catalog->paths.size());
    catalog->paths[id] = "in/" + name;
  }
  void run(const std::vector<std::string>& names) {
    engine.put(chunk_of(names));
    work();
  }
  void empty_destination(std::string_view key) {
    const store::RemoveItem items[] = {{.key = key}};
    world.run_for(destination->inner.remove(items, context));
  }
  void drain_with_the_first_write() {
    destination->before_write = [this](const std::string&) {
      world.runtime().stop().raise(StopLevel::drain);
    };
  }
  // Whatever the moment, a row names an object that is there.
  void watch_rows() {
    trace.after_each = [this] {
      for (const auto& [id, path] : catalog->paths)
        EXPECT_TRUE(source->inner.content(path) || destination->inner.content(path))
            << path << " is named and not there, after: " << trace.events.back();
    };
  }
};

}  // namespace haul::job

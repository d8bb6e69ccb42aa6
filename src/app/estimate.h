// How fast it goes, and when it will be done.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/env.h"

namespace haul::app {

// What is known at one moment.
struct Figures {
  std::uint64_t done_objects = 0, done_bytes = 0;
  std::uint64_t arrived_objects = 0;  // copied and not done yet; their bytes are among those done
  std::uint64_t found_objects = 0, found_bytes = 0;
  std::uint64_t failed_objects = 0;
  std::uint64_t listed_objects = 0;
  bool listing = false;
};

struct Remaining {
  Duration least{}, most{};
};

// Keeps the figures of the last half minute. Not thread-safe.
class Estimate {
 public:
  void add(const Figures& figures, SteadyTime now);

  double objects_per_second() const;
  double bytes_per_second() const;

  // A range, since small objects take time by number and large ones by size, and the mix of what is left is
  // not the mix of what was done. Nothing while the listing goes on or nothing moves.
  std::optional<Remaining> remaining() const;

 private:
  struct Sample {
    SteadyTime time;
    Figures figures;
  };
  std::deque<Sample> samples_;
};

// One line: "12,345 of 60,000 objects, 1.2 of 8.0 GiB, 350/s, 45.6 MiB/s, 2m to 3m left, 3 failed".
std::string progress_line(const Figures& figures, const Estimate& estimate);

// 1234567 as 1,234,567.
std::string with_commas(std::uint64_t number);

}  // namespace haul::app

// What the measurements of streams of entries share: the clock of this process, and reading to the end.
#pragma once

#include <cstdint>
#include <ctime>

#include "listing/entry_stream.h"

namespace haul::listing {

inline double cpu_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

inline Task<std::uint64_t> count_entries(EntryStream& stream, OpContext context) {
  std::uint64_t entries = 0;
  while (const auto page = co_await stream.next(context))
    entries += page->entries.size();
  co_return entries;
}

}  // namespace haul::listing

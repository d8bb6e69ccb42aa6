// Reading one directory: its names, what they are, sorted.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "stores/local/key_range.h"
#include "stores/local/options.h"
#include "stores/local/sorted_names.h"

namespace haul::local {

struct ScanLimits {
  std::uint64_t names_memory = 0;    // see LocalOptions
  std::uint64_t give_up_beyond = 0;  // 0: never; else a directory with more bytes of names gives nothing
};

// A directory that is open, with its names.
struct ScannedDirectory {
  std::shared_ptr<Descriptor> descriptor;
  SortedNames names;
};

// Reads an open directory to its end. `where` is its path for messages. Temporary files of ours are left out,
// and so is what `range` excludes. `check` is called now and then and may throw to break off.
// Throws Error if it cannot be read.
std::optional<ScannedDirectory> scan_directory(const Place& place, Descriptor directory,
                                               std::string_view where, const NameRange& range,
                                               const ScanLimits& limits, const std::function<void()>& check);

}  // namespace haul::local

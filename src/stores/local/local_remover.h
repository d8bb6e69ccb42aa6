// Removing files, directories, and what dead processes left behind. All of it blocks: for the pool.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "store/store.h"
#include "stores/local/options.h"

namespace haul::local {

// One item. Gives the failure; nothing if it is gone. With size or time, a file that has others by now stays
// (source_changed).
std::optional<Error> remove_item(const Place& place, const store::RemoveItem& item);

// Looks through the whole tree for temporary files that nobody writes to any more and were last touched
// before `before`, and removes them. Directories that cannot be read are passed over.
std::uint64_t remove_abandoned(const Place& place, Time before, const std::function<void()>& check);

// The same beside these keys alone, for temporary files of these keys.
std::uint64_t remove_remains(const Place& place, std::span<const std::string_view> keys, Time before);

}  // namespace haul::local

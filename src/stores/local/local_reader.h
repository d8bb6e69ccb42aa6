// The content of one file, or of a link.
#pragma once

#include <memory>

#include "store/store.h"
#include "stores/local/file_key.h"
#include "stores/local/options.h"

struct stat;

namespace haul::local {

// What a small file is read in together with opening it.
inline constexpr std::uint64_t kReadWithOpen = 256 * 1024;

// Opens, checks the pin and reads what is small. Blocks: for the pool.
std::unique_ptr<store::Reader> open_reader(std::shared_ptr<Place> place, const std::string& key,
                                           const store::ReadOptions& options);

// The details of what a key names; nothing if there is no such object. Blocks: for the pool.
std::optional<store::Details> look_up(const Place& place, const std::string& key, bool properties);

}  // namespace haul::local

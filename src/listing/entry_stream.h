// What everything above a store's listing pulls from: pages of entries, and how complete they were.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/context.h"
#include "runtime/task.h"
#include "store/entry.h"

namespace haul::listing {

enum class ListOrder : std::uint8_t {
  by_key,  // ascending by key bytes
  any,     // as the pages come
};

// What a listing has found so far. Deletions rest on complete().
struct ListingFacts {
  std::uint64_t listed = 0;                // entries handed out
  std::array<std::uint64_t, 3> skipped{};  // by store::SkipReason
  std::uint64_t failures = 0;              // parts that could not be listed
  std::uint64_t broken = 0;                // lines or rows that name no object
  bool ended = false;                      // everything was handed out

  bool complete() const noexcept { return ended && failures == 0 && broken == 0; }
  void count(const store::ListPage& page) noexcept {
    listed += page.entries.size();
    failures += page.failures.size();
    broken += page.broken.size();
    for (const store::SkippedEntry& entry : page.skipped)
      ++skipped[static_cast<std::size_t>(entry.reason)];
  }
};

// Belongs to one shard and to one coroutine at a time.
class EntryStream {
 public:
  virtual ~EntryStream() = default;

  // The next page, never without content; nothing at the end. Throws what the store throws, and is of no use
  // after that. A page lives as long as its owner wants.
  virtual Task<std::optional<store::ListPage>> next(OpContext& context) = 0;

  virtual const ListingFacts& facts() const noexcept = 0;

  // The place behind the pages that next() has given: an equal stream that is told it goes on there. Opaque,
  // one line of text. Nothing where a stream can only begin anew.
  virtual std::optional<std::string> place() const { return std::nullopt; }

  // Goes on at a place that an equal stream gave, or from the start where it is empty; before the first
  // next(), or after one that threw. place() says the last place given also after next() has thrown. Throws
  // invalid_argument for a place that no such stream gave, unsupported where there are no places.
  virtual void go_on_at(std::string_view place);

  // Waits for what is still in flight. To be awaited before the store goes, unless next() has come to the end
  // or has thrown.
  virtual Task<> close() { co_return; }
};

inline void EntryStream::go_on_at(std::string_view) {
  throw Error(ErrorClass::unsupported, "this list can only be read once, from its start");
}

}  // namespace haul::listing

// Whether an object and its copy are the same, from what the listings say, and what to look at when they do
// not say enough. Pure functions; docs/decisions/0007-change-decision.md gives the reasons.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "base/env.h"
#include "store/entry.h"
#include "store/properties.h"
#include "store/store.h"

namespace haul::listing {

enum class CompareMode : std::uint8_t {
  standard,  // size, then etags and times, as far as they mean something
  size_only,
  checksum,  // content: checksums, and bytes where there are none
  always,    // everything differs
  never,     // what exists is left alone
  if_newer,  // differs where the source's time is later
};

struct CompareOptions {
  CompareMode mode = CompareMode::standard;
  Duration modify_window{0};  // times this far apart are equal
  // How far a store's clock may be from ours, where times of both are compared to trust a file.
  Duration clock_margin = std::chrono::seconds(2);
};

enum class Verdict : std::uint8_t {
  same,
  differs,
  needs_details,  // ask decide_with_details
  needs_content,  // only the bytes can tell (checksum mode)
};

enum class CompareReason : std::uint8_t {
  exists,  // and nothing more was asked for
  forced,
  kind,
  size,
  etag,
  checksum,
  modified,          // times equal, or different, or in the wrong order
  written_since,     // the destination was written after the source last changed
  maybe_encrypted,   // etags differ, but under encryption that says nothing
  changed_in_place,  // the file's inode changed after the object was written
  kept_time,         // the file's time kept with the object
  no_checksum,
};

std::string_view to_string(CompareReason reason) noexcept;

struct Decision {
  Verdict verdict;
  CompareReason reason;
  bool operator==(const Decision&) const = default;
};

// From the listings alone. A store whose `modified` is settable holds files, the others objects.
Decision decide(const store::Entry& source, const store::Entry& destination,
                const store::Capabilities& source_store, const store::Capabilities& destination_store,
                const CompareOptions& options) noexcept;

// After a look at both. In checksum mode files have their checksums computed by then; needs_content is only
// given in that mode.
Decision decide_with_details(const store::Details& source, const store::Details& destination,
                             const store::Capabilities& source_store,
                             const store::Capabilities& destination_store,
                             const CompareOptions& options) noexcept;

}  // namespace haul::listing

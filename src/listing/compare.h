// Whether two objects are the same, from what listings say for free; and, where that is inconclusive, from
// the details of both. Pure functions; the rules and their reasons are in docs/decisions/0007.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "store/store.h"

namespace haul::listing {

enum class Overwrite : std::uint8_t {
  if_different,
  always,
  never,     // what exists is left alone
  if_newer,  // only where the source's time is later
};

enum class CompareBy : std::uint8_t {
  facts,  // size, times and etags
  size_only,
  checksum,  // content: etags and checksums where both sides have them, else both sides are read
};

struct CompareOptions {
  Overwrite overwrite = Overwrite::if_different;
  CompareBy by = CompareBy::facts;
  // Times of two file systems may differ by so much and mean the same (FAT: 2 s).
  std::chrono::nanoseconds modify_window{0};
};

enum class Verdict : std::uint8_t {
  same,
  differs,
  needs_details,   // ask both sides for the details of this object
  needs_contents,  // only with CompareBy::checksum: read both
};

struct Decision {
  Verdict verdict = Verdict::differs;
  std::string_view reason;  // a literal, for plans and reports
};

// Of two listed entries under the same key. The capabilities are those of the two stores.
Decision compare_entries(const store::Entry& source, const store::Capabilities& source_store,
                         const store::Entry& destination, const store::Capabilities& destination_store,
                         const CompareOptions& options);

// Of two objects whose details are known (store::Store::stat with checksums). Never needs_details.
Decision compare_details(const store::Details& source, const store::Capabilities& source_store,
                         const store::Details& destination, const store::Capabilities& destination_store,
                         const CompareOptions& options);

}  // namespace haul::listing

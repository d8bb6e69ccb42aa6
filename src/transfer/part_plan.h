// How a large object is cut into parts.
#pragma once

#include <cstdint>

#include "store/store.h"

namespace haul::transfer {

struct Part {
  std::uint32_t number = 1;  // counts from 1
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Parts of one size, the last one shorter or equal. An empty object is one empty part.
struct PartPlan {
  std::uint64_t size = 0;  // of the object
  std::uint64_t part_size = 1;
  std::uint32_t count = 1;

  Part part(std::uint32_t number) const noexcept;
};

// A part size in multiples of 1 MiB (unless the destination's limits leave none) that keeps within the
// destination's limits: the preferred one, or 8 MiB growing with the object to 64 MiB where none is
// (`preferred` == 0), and more only where the number of parts demands it.
// Throws unsupported if the destination cannot hold an object of this size.
PartPlan plan_parts(std::uint64_t size, const store::Capabilities& destination, std::uint64_t preferred = 0);

// The size of part `number` of a stream whose length is not known: grows, so that the parts last. At most
// `largest`, unless the destination's smallest part is more.
std::uint64_t stream_part_size(std::uint32_t number, const store::Capabilities& destination,
                               std::uint64_t preferred, std::uint64_t largest) noexcept;

// Parts in flight at a time for an object of this size, where the user has no opinion.
unsigned parallel_parts(std::uint64_t size) noexcept;

}  // namespace haul::transfer

// Puts a listing in order within a bound of memory: by key where the store has no order, or by the key at the
// destination where the mapping does not keep it.
//
// Entries are gathered until the memory is used up, sorted, and written as a run to a file that has no name
// (it vanishes with the process); then the runs are merged. What fits into memory touches no disk. Memory m
// sorts about m * m / 64 KiB in one merge (64 MiB: 64 GiB of entries); beyond that runs are merged in stages.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "listing/entry_stream.h"
#include "listing/key_mapping.h"

namespace haul::listing {

struct SpillSortOptions {
  std::uint64_t memory = 64ULL << 20;  // bytes; at least 1 MiB is used
  std::string directory = "/tmp";      // where runs are written
};

// Reads `input` to its end at the first next(). Entries of one key (or of one mapped key) come in the order
// of their source keys; those that get no mapped key come first. Failures and skipped entries of the input
// are counted, and the failures handed on with the first page, a thousand at most. next() throws what the
// input throws, and exhausted where the disk is full.
class SortedStream final : public EntryStream {
 public:
  // `mapping`: sort by what it gives; nullptr: by key. Input and mapping must outlive the stream.
  SortedStream(EntryStream& input, const SpillSortOptions& options, const KeyMapping* mapping = nullptr);
  ~SortedStream() override;

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override;
  Task<> close() override;

  std::uint64_t runs_written() const noexcept;

 private:
  class Sort;
  std::unique_ptr<Sort> sort_;
};

}  // namespace haul::listing

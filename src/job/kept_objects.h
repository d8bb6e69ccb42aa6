// The objects whose move an earlier run has finished but for their sources (keep-source), as that run's
// report has them: for removing the sources when their time has come, and for undoing the move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/env.h"
#include "job/chunk.h"
#include "listing/entry_stream.h"

namespace haul::job {

// What is recorded of a kept object beside its entry. Travels as the entry's `row`.
struct KeptFacts {
  std::string_view destination_key;
  std::string_view written_etag, written_version;
  std::string_view checksum;  // as text
  std::string_view row;       // of the catalogue
  Time moved{};               // by the clock of whoever moved it
};
std::string pack_kept(const KeptFacts& facts);
// Views point into `packed`. Nothing if it is something else.
std::optional<KeptFacts> unpack_kept(std::string_view packed) noexcept;

// Makes an item of Action::remove_kept or revert what the worker needs: destination key and row as recorded.
// Throws invalid_argument if the item does not come from a KeptStream.
KeptFacts take_kept(Item& item);

struct KeptListing {
  std::string directory;                             // of the report
  std::uint16_t source = 0;                          // of the objects of this source of the job
  std::function<bool(std::string_view key)> chosen;  // only these sources; nothing: all. On the blocking pool
  std::optional<Time> moved_before;                  // only those that were moved before; nothing: all
};

// Entries are the sources in the state that was copied. Reads the ledger as it is used, on the blocking pool.
// Throws not_found if there is no ledger, data_loss for a line that no run writes.
class KeptStream final : public listing::EntryStream {
 public:
  explicit KeptStream(KeptListing listing) : listing_(std::move(listing)) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const listing::ListingFacts& facts() const noexcept override { return facts_; }
  std::optional<std::string> place() const override;
  void go_on_at(std::string_view place) override;

 private:
  void read_page(store::ListPage& page);
  bool read_line(std::string& line);
  void take_line(std::string_view line, store::ListPage& page) const;
  bool open_segment();

  const KeptListing listing_;
  std::vector<std::string> segments_;  // file names, in order
  bool opened_ = false;
  std::ifstream file_;
  std::size_t segment_ = 0;   // being read, counts from 0
  std::uint64_t offset_ = 0;  // of the line behind
  listing::ListingFacts facts_;
};

}  // namespace haul::job

// --from-file: only the keys that somebody has written down, of any number. The file is read as a stream of
// entries that have nothing but a key, sorted (spill_sort.h), and laid beside the listing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "listing/entry_stream.h"

namespace haul::listing {

// The lines of a file as entries: each is a key, byte for byte, with `prefix` in front. A carriage return at
// the end of a line is dropped, empty lines are passed over. Throws as opening and reading a file does, and
// invalid_argument for a line of more than a mebibyte.
class KeyFileStream final : public EntryStream {
 public:
  KeyFileStream(std::string path, std::string prefix);
  ~KeyFileStream() override;
  KeyFileStream(const KeyFileStream&) = delete;
  KeyFileStream& operator=(const KeyFileStream&) = delete;

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override { return facts_; }

 private:
  void read_page(store::ListPage& page);

  std::string path_;
  std::string prefix_;
  std::string rest_;  // read and not yet given
  ListingFacts facts_;
  int file_ = -1;
  bool at_end_ = false;
};

// Those entries of `listing` whose key is among `keys`. Both ascend by key; keys may be there twice. Both
// must outlive it.
class KeySelection final : public EntryStream {
 public:
  KeySelection(EntryStream& listing, EntryStream& keys) : listing_(listing), keys_(keys) {}

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const ListingFacts& facts() const noexcept override { return listing_.facts(); }
  Task<> close() override { return listing_.close(); }

  std::uint64_t not_selected() const noexcept { return not_selected_; }
  // Keys that were asked for and are not in the listing, each once. Known at the end.
  std::uint64_t missing() const noexcept { return asked_ - found_; }

 private:
  Task<bool> have_keys(OpContext& context);
  void pass_key();

  EntryStream& listing_;
  EntryStream& keys_;
  std::optional<store::ListPage> key_page_;
  std::size_t next_key_ = 0;
  bool next_key_found_ = false;
  bool keys_ended_ = false;
  std::string last_key_;  // last one passed
  std::uint64_t asked_ = 0;
  std::uint64_t found_ = 0;
  std::uint64_t not_selected_ = 0;
};

}  // namespace haul::listing

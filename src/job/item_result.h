// What one object has come to in the hands of a worker, and how much of that is kept between attempts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "base/env.h"
#include "base/error.h"
#include "job/outcome.h"
#include "transfer/transfer.h"

namespace haul::job {

// How far an object is. Behind a recorded stage an object goes on from here.
enum class ItemStep : std::uint8_t {
  undone,      // from the beginning: it was not begun, failed, or was skipped
  arrived,     // its copy is at the destination, verified and durable (undo: its source was seen)
  catalogued,  // the catalogue names the new place, committed
};

// Without the item's own texts: those are in the chunk.
struct ItemResult {
  ItemStep step = ItemStep::undone;
  OutcomeKind kind = OutcomeKind::copied;
  std::uint64_t bytes = 0;
  std::string etag;  // of the source, in the state that was copied
  Time modified{};   // of that state
  std::string written_etag, written_version;
  std::optional<Checksum> checksum;
  transfer::Method how = transfer::Method::streamed;
  transfer::Proof proof = transfer::Proof::none;
  bool transferred = false;    // by this run: `how` means something
  bool already_there = false;  // the source is gone, and the destination has it from an earlier run
  bool source_kept = false;
  bool under_way = false;    // counted as arrived in the progress; not kept between attempts
  bool still_named = false;  // by another row of the catalogue: the source stays; not kept
  bool recalled = false;     // its copy is an earlier attempt's, however long ago
  Time arrived_by{};  // kept objects: when their copy was there at the latest; not kept between attempts
  CatalogueState catalogue = CatalogueState::none;
  Duration took{};
  std::string reason;
  std::optional<Error> error;
  std::vector<std::string> losses;

  bool verified() const noexcept { return proof > transfer::Proof::size; }
  // For the next object; keeps the room of its texts.
  void clear();
};

// "crc64nvme:" and the value as S3 writes it.
void append_checksum(std::string& out, const Checksum& checksum);
std::string checksum_text(const std::optional<Checksum>& checksum);  // empty for nothing
// The same back; nothing for anything else.
std::optional<Checksum> checksum_of_text(std::string_view text);

// Appends what the next attempt needs to go on with an object.
void pack_facts(std::string& out, const ItemResult& result);

// The same back, for `count` objects. Nothing if the text is something else: then all begins anew, since
// every step may be repeated.
std::optional<std::vector<ItemResult>> unpack_facts(std::string_view facts, std::size_t count);

}  // namespace haul::job

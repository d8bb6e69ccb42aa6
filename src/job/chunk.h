// The unit of work: a slice of the manifest, queued, leased, retried and recorded as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/env.h"
#include "store/entry.h"

namespace haul::job {

enum class Action : std::uint8_t {
  copy,             // source object to destination key
  copy_if_details,  // as copy, unless the details of both sides say that nothing changed
  compare,          // read-only: are both sides alike?
  remove,           // the source object (of rm), or an extra object at the destination (of sync)
  tag,              // the source object gets the job's tags
  remove_kept,      // a source that an earlier move has kept for a while
  revert,           // undo: the catalogue names the kept source again, then the copy at the destination goes
};

// How far a chunk has come, so that the next attempt begins there. Only moves and jobs with a catalogue have
// stages between the first and the end.
enum class Stage : std::uint8_t {
  begin,
  copied,      // every object that could be is copied, verified and durable
  catalogued,  // the catalogue names the copies, committed
};

// A chunk that was at work when its process ended may be why it ended, or one of many that were there by
// chance. So it is tried again beside the others; then alone, after all others; then in halves, down to
// single objects; and an object at which alone the process has ended so often is given up.
constexpr std::uint32_t kDeathsOfSuspect = 3;  // in a row: worked on alone from here
constexpr std::uint32_t kDeathsAlone = 3;      // of a single object, on top of these
constexpr std::uint32_t kMostDeaths = kDeathsOfSuspect + kDeathsAlone;

// What is to be done with one object. Views point into the chunk's text.
struct Item {
  std::string_view key;              // of the object that is read or removed, complete
  std::string_view destination_key;  // complete; empty where there is no destination
  std::string_view etag;             // the source's state as listed: it pins what is read
  std::string_view version;
  std::string_view storage_class;  // empty: the standard one
  std::string_view reason;         // why: a literal of the planner, "sizes differ"
  std::string_view row;  // what the catalogue's selection gave, as catalog::encode_row has it; or empty
  std::uint64_t size = 0;
  std::uint64_t destination_size = 0;
  Time modified{}, changed{};
  std::uint16_t source = 0;  // which of the job's sources
  Action action = Action::copy;
  bool facts_known = true;  // false: the key alone was given; size, times and etag are to be looked up
  store::EntryKind kind = store::EntryKind::object;
};

// Move-only; owned by one shard at a time.
struct Chunk {
  std::uint64_t id = 0;     // counts from 1 within a run
  bool extras = false;      // objects of the destination that the source does not have
  std::uint64_t bytes = 0;  // sum of the sizes
  std::uint32_t attempt = 1;
  std::uint32_t deaths = 0;  // processes in a row that ended at it, since its last stage
  Stage stage = Stage::begin;
  std::string facts;  // of the worker that recorded the stage
  // When a process that is gone had begun to work on it: it may have left temporary files and uploads.
  std::optional<Time> abandoned_since;
  TextArena text;
  std::vector<Item> items;
};

}  // namespace haul::job

// Finds the objects of a run and decides what is to be done with each: the listing, or the merge of two
// listings, becomes chunks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "job/coordinator.h"
#include "job/job.h"
#include "job/outcome_sink.h"
#include "job/progress.h"
#include "job/run_engine.h"
#include "listing/filter.h"
#include "listing/merge_walk.h"
#include "runtime/context.h"

namespace haul::job {

// What discovery knows at its end.
struct Discovered {
  bool complete = false;                  // every listing ended, with no part unreadable
  std::uint64_t source_objects = 0;       // of the source, before filters
  std::uint64_t destination_objects = 0;  // of the destination, filtered ones not counted
};

// Collects items into chunks and pushes them. Belongs to one shard.
class ChunkBuilder {
 public:
  ChunkBuilder(const Options& options, RunEngine& engine, Progress& progress, bool extras)
      : options_(options), engine_(engine), progress_(progress), extras_(extras) {}

  // Room for the next item; its texts go into text(). Call sealed() after each item.
  Item& add() { return chunk_.items.emplace_back(); }
  TextArena& text() { return chunk_.text; }
  bool full() const {
    return chunk_.items.size() >= options_.chunk_objects || chunk_.bytes >= options_.chunk_bytes;
  }
  void count(std::uint64_t bytes);

  // Pushes what has been collected. Waits while the queue is full; false if the queue was closed.
  Task<bool> flush(OpContext& context);

  // Items of chunks that a closed queue did not take.
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  std::uint64_t dropped_ = 0;
  const Options& options_;
  RunEngine& engine_;
  Progress& progress_;
  Chunk chunk_;
  const bool extras_;
};

// Belongs to one shard; used once.
class Discovery {
 public:
  Discovery(const Job& job, RunPorts& ports);
  ~Discovery();

  // Runs to the end, or until the context's stop flag asks to drain. Throws what a listing throws.
  Task<Discovered> run(OpContext context);

 private:
  class ObservedStream;
  // Whether both sides are listed and laid beside each other.
  bool merges() const { return job_.operation == Operation::sync || job_.operation == Operation::check; }
  Task<> take_source(const Source& source, std::uint16_t index, OpContext& context);
  Task<> take_object(const Source& source, std::uint16_t index, OpContext& context);
  Task<> take_listing(const Source& source, std::uint16_t index, OpContext& context);
  Task<> take_keys(const Source& source, std::uint16_t index, OpContext& context);
  Task<> take_pairs(const Source& source, OpContext& context);
  store::ListRequest list_request(const std::string& prefix) const;
  void take_entry(const Source& source, std::uint16_t index, const store::Entry& entry,
                  bool facts_known = true);
  void take_pair(const Source& source, const listing::SourceAndDestination& pair);
  void take_extra(const store::Entry& entry);
  std::optional<Item> item_of(const Source& source, std::uint16_t index, const store::Entry& entry);
  void add(const Item& item);
  listing::KeyMapping mapping_of(const Source& source) const;

  bool meets_another(std::uint16_t index);
  bool is_skipped_at_source(std::string_view destination_key);
  void count_listed(const store::Entry& entry);
  void note_skipped(const store::ListPage& page, const Source& source);
  void note_failures(const store::ListPage& page, const store::Store& store);
  void skip(const Source& source, std::string_view key, std::string_view reason);
  void note_missing_keys(const Source& source, std::uint64_t count);
  void missing(const Source& source, const store::Entry& entry);
  void fail(const Source& source, std::string_view key, Error error);
  void settle(const Source& source, std::string_view key, OutcomeKind kind, std::string_view reason,
              std::optional<Error> error);
  Task<> report(OpContext& context);

  const Job& job_;
  RunPorts& ports_;
  std::vector<listing::Filter> filters_;         // one a source
  std::optional<listing::Filter> extra_filter_;  // of what the destination has: by key alone
  std::vector<listing::KeyMapping> mappings_;    // one a source
  std::string mapped_;                           // scratch
  ChunkBuilder chunks_, extras_;
  std::string last_taken_;  // mapped key of the object before
  bool has_taken_ = false;
  std::unordered_set<std::size_t> taken_;  // hashes of mapped keys, with several sources
  std::deque<std::string> passed_over_;    // relative keys that the source skipped, ascending
  Accounts found_;                         // since the last report
  bool list_failed_ = false;
  Discovered result_;
};

}  // namespace haul::job

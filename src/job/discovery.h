// Finds the objects of a run and decides what is to be done with each: the listing, or the merge of two
// listings, becomes chunks, step by step.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "job/chunk_builder.h"
#include "job/coordinator.h"
#include "job/discovery_place.h"
#include "job/job.h"
#include "job/report.h"
#include "listing/filter.h"
#include "listing/merge_walk.h"
#include "runtime/context.h"

namespace haul::job {

// A step is committed at the end of a page, as soon as a chunk is full or some seconds have passed: its
// chunks, what it has counted and settled, and the place behind the page. What a kill loses is at most the
// step in hand. Belongs to one shard; used once.
class Discovery {
 public:
  // again: an earlier one of this process has begun, and lists that are given have been read from.
  Discovery(const Job& job, RunPorts& ports, const ChunkPace& pace, bool again);
  ~Discovery();

  // Goes on at the engine's place, until everything is found and recorded, or the context's stop flag asks to
  // drain: engine.discovery().ended tells. Throws what a listing throws; what was found before is recorded,
  // unless it would be found again (a durable engine, and no place).
  Task<> run(OpContext context);

  // Whether it was the engine that run() has thrown for.
  bool engine_failed() const noexcept { return committing_; }

 private:
  class ObservedStream;
  class ObservedKeys;
  // What a page says beside its entries. Of a merge it waits until the walk has come there: only then is it
  // part of the step whose place lies behind it.
  struct Note {
    std::string key;
    const Source* source;  // nothing: of the destination
    std::string_view skipped;
    std::optional<Error> error;
  };

  bool merges() const { return job_.operation == Operation::sync || job_.operation == Operation::check; }
  bool can_go_on() const;
  void prepare(OpContext& context);
  Task<> take_sources(DiscoveryPlace place, OpContext& context);
  // These say whether they came to the end.
  Task<bool> take_object(const Source& source, std::uint16_t index, OpContext& context);
  Task<bool> take_listing(const Source& source, std::uint16_t index, const DiscoveryPlace& from,
                          OpContext& context);
  Task<bool> take_keys(const Source& source, std::uint16_t index, const DiscoveryPlace& from,
                       OpContext& context);
  Task<bool> take_stream(const Source& source, std::uint16_t index, listing::EntryStream& stream,
                         OpContext& context);
  Task<bool> take_pairs(const Source& source, const DiscoveryPlace& from, OpContext& context);
  Task<bool> walk_pairs(const Source& source, listing::MergeWalk& walk, bool placed, OpContext& context);
  store::ListRequest list_request(const std::string& prefix) const;
  listing::KeyMapping mapping_of(const Source& source) const;

  // What one entry or pair comes to.
  void take_entry(const Source& source, std::uint16_t index, const store::Entry& entry);
  void take_pair(const Source& source, const listing::SourceAndDestination& pair);
  void take_extra(const store::Entry& entry);
  void take_broken(const Source& source, const store::ListPage& page);
  std::optional<Item> item_of(const Source& source, std::uint16_t index, const store::Entry& entry);
  void add(const Item& item);
  bool meets_another(std::uint16_t index);
  bool is_skipped_at_source(std::string_view destination_key);

  // What listings say beside their entries.
  void note(const store::ListPage& page, const Source* source, const store::Store& store);
  void settle_notes(std::optional<std::string_view> up_to);
  void settle_note(const Note& note);

  void count_listed(const store::Entry& entry);
  void skip(const Source& source, std::string_view key, std::string_view reason);
  void note_missing_keys(const Source& source, std::uint64_t count);
  void missing(const Source& source, const store::Entry& entry);
  void same(const Source& source, const store::Entry& entry, std::string_view reason);
  void fail(const Source& source, std::string_view key, Error error);
  void settle(const Outcome& outcome);
  bool writes_all() const;
  Outcome outcome_of(const Source& source, std::string_view key, OutcomeKind kind) const;

  bool step_is_due(OpContext& context) const;
  std::optional<std::string> place_in(std::uint16_t index, const listing::EntryStream& stream) const;
  std::optional<std::string> place_behind_pairs() const;
  Task<bool> commit(std::optional<std::string> place, bool last, OpContext& context);

  const Job& job_;
  RunPorts& ports_;
  const bool again_;
  std::vector<listing::Filter> filters_;         // one a source
  std::vector<listing::Filter> key_filters_;     // one a source, for entries of which only the key is known
  std::optional<listing::Filter> extra_filter_;  // of what the destination has: by key alone
  std::vector<listing::KeyMapping> mappings_;    // one a source
  std::string mapped_;                           // scratch
  std::string last_taken_;                       // mapped key of the object before
  bool has_taken_ = false;
  std::unordered_set<std::size_t> taken_;              // hashes of mapped keys, with several sources
  std::string last_pair_;                              // relative key of the pair before
  std::deque<std::string> passed_over_;                // relative keys that the source skipped, ascending
  std::deque<Note> source_notes_, destination_notes_;  // not yet accounted for: the walk is not there yet

  // Since the last step.
  ChunkBuilder chunks_, extras_;
  Accounts found_;
  LedgerWriter ledger_;
  SteadyTime last_step_{};
  std::optional<std::string> place_;  // behind what was taken, where a source was left before its end
  bool first_ = true;
  bool committing_ = false;
  bool ended_ = false;
};

}  // namespace haul::job

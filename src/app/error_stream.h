// The objects of an earlier run that failed, by its error records.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/embedded/runs.h"
#include "listing/entry_stream.h"

namespace haul::app {

// Of one of the job's sources; extra objects of a sync are passed over. Entries have their key, version and
// row; nothing else is known of them. Reads on the blocking pool. The state outlives it.
class ErrorStream final : public listing::EntryStream {
 public:
  ErrorStream(engine::StateDirectory& state, std::string run, engine::ErrorFilter filter,
              std::uint16_t source);

  Task<std::optional<store::ListPage>> next(OpContext& context) override;
  const listing::ListingFacts& facts() const noexcept override { return facts_; }
  // The sequence of the last record.
  std::optional<std::string> place() const override { return std::to_string(filter_.after); }
  void go_on_at(std::string_view place) override;

 private:
  std::optional<store::ListPage> read_page();  // nothing at the end

  std::unique_ptr<engine::Runs> runs_;
  const std::string run_;
  engine::ErrorFilter filter_;
  const std::uint16_t source_;
  listing::ListingFacts facts_;
};

}  // namespace haul::app

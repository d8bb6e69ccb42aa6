#include "job/object_recheck.h"

#include <fmt/format.h>

#include <utility>

#include "job/item_result.h"

namespace haul::job {
namespace {

class ObjectRecheck {
 public:
  ObjectRecheck(const RecordedOutcome& recorded, const StoreOfPlace& stores, OpContext& context)
      : line_(recorded.line), stores_(stores), context_(context) {}

  Task<std::vector<std::string>> run() {
    const Outcome& outcome = line_.outcome;
    switch (outcome.kind) {
      case OutcomeKind::copied: co_await destination_is_as_written(); break;
      case OutcomeKind::moved:
        co_await destination_is_as_written();
        if (!outcome.source_kept) co_await source_is_gone();
        break;
      case OutcomeKind::deleted: co_await source_is_gone(); break;
      case OutcomeKind::reverted:
        co_await expect(source(), outcome.key, "", true);
        co_await expect(destination(), outcome.destination_key, "", false);
        break;
      default: break;
    }
    co_return std::move(wrong_);
  }

 private:
  Task<std::optional<store::Details>> look_up(store::Store& store, const std::string& key,
                                              const std::string& version) {
    store::ReadOptions options{.properties = false};
    options.pin.version = version;
    co_return co_await store.stat(key, std::move(options), context_);
  }

  // Where the object itself was: what a sync deletes was at the destination.
  std::shared_ptr<store::Store> source() const {
    return stores_(line_.outcome.extra ? RecordedSide::destination : RecordedSide::source, line_.place);
  }
  std::shared_ptr<store::Store> destination() const {
    return stores_(RecordedSide::destination, line_.destination_place);
  }

  Task<> expect(std::shared_ptr<store::Store> store, const std::string& key, const std::string& version,
                bool there) {
    const bool found = (co_await look_up(*store, key, version)).has_value();
    if (found != there)
      wrong_.push_back(fmt::format("{} is {}", store->describe(key), found ? "there again" : "not there"));
  }

  Task<> source_is_gone() {
    // A version that was removed is gone for good; without one the latest is meant, and may be a delete
    // marker.
    const bool by_version = line_.action == "delete" && !line_.outcome.version.empty();
    co_await expect(source(), line_.outcome.key, by_version ? line_.outcome.version : std::string(), false);
  }

  Task<> destination_is_as_written() {
    const Outcome& outcome = line_.outcome;
    const std::shared_ptr<store::Store> store = destination();
    const auto found = co_await look_up(*store, outcome.destination_key, "");
    const std::string name = store->describe(outcome.destination_key);
    if (!found) {
      wrong_.push_back(name + " is not there");
      co_return;
    }
    const auto differs = [&](std::string_view what, std::string_view now, std::string_view then) {
      wrong_.push_back(fmt::format("{} has {} {}, and {} was written", name, what, now, then));
    };
    if (found->size != outcome.size)
      differs("size", std::to_string(found->size), std::to_string(outcome.size));
    if (!outcome.written_etag.empty() && found->etag != outcome.written_etag)
      differs("etag", found->etag, outcome.written_etag);
    if (!outcome.written_version.empty() && !found->version.empty() &&
        found->version != outcome.written_version)
      differs("version", found->version, outcome.written_version);
    const auto checksum = checksum_of_text(outcome.checksum);
    if (!checksum) co_return;
    const Checksum* theirs = found->checksums.find(checksum->algorithm(), checksum->type());
    if (theirs != nullptr && *theirs != *checksum)
      differs("checksum", checksum_text(*theirs), outcome.checksum);
  }

  const LedgerLine& line_;
  const StoreOfPlace& stores_;
  OpContext& context_;
  std::vector<std::string> wrong_;
};

}  // namespace

bool can_recheck(const Outcome& outcome) noexcept {
  switch (outcome.kind) {
    case OutcomeKind::copied:
    case OutcomeKind::moved:
    case OutcomeKind::deleted:
    case OutcomeKind::reverted: return true;
    default: return false;
  }
}

Task<std::vector<std::string>> recheck_object(const RecordedOutcome& recorded, const StoreOfPlace& stores,
                                              OpContext& context) {
  ObjectRecheck check(recorded, stores, context);
  co_return co_await check.run();
}

}  // namespace haul::job

#include "job/item_steps.h"

#include <utility>

#include "job/item_compare.h"

namespace haul::job {
namespace {

transfer::TransferOptions transfer_options(const Options& options) {
  transfer::TransferOptions transfer = options.transfer;
  if (options.exactly_as_listed) transfer.source_attempts = 1;  // nothing but the listed state is meant
  return transfer;
}

store::ReadOptions facts_wanted(std::string_view version) {
  store::ReadOptions wanted;
  wanted.properties = false;
  wanted.pin.version = version;
  return wanted;
}

// What a store itself says of all bytes of what was written.
std::optional<Checksum> full_checksum(const Checksums& checksums) {
  for (const Checksum& each : checksums)
    if (each.type() == ChecksumType::full_object) return each;
  return std::nullopt;
}

}  // namespace

ItemSteps::ItemSteps(const Job& job, bool durable, Runtime& runtime)
    : job_(job), durable_(durable), transfer_(runtime, transfer_options(job.options)) {}

bool ItemSteps::goes_on_after_copy() const noexcept {
  return job_.catalogue.has_value() || job_.operation == Operation::move;
}

Task<> ItemSteps::carry_out(const Item& item, ItemResult& result, OpContext& context) {
  if (item.action == Action::compare) return compare(item, result, context);
  if (item.action == Action::tag) return tag(item, result, context);
  return copy(item, result, context);
}

Task<> ItemSteps::copy(const Item& item, ItemResult& result, OpContext& context) {
  store::Store& source = *job_.sources[item.source].store;
  if (job_.operation == Operation::move &&
      source.describe(item.key) == job_.destination->store->describe(item.destination_key))
    throw Error(ErrorClass::invalid_argument, "it would be moved onto itself").on(source.describe(item.key));
  result.reason = item.reason;
  if (job_.sources[item.source].keys && job_.options.filters.need_facts() &&
      co_await is_left_out(item, context)) {
    result.kind = OutcomeKind::skipped;
    result.reason = "left out by its size or age";
    co_return;
  }
  if (item.action == Action::copy_if_details && co_await needs_no_copy(item, result, context)) co_return;
  result.bytes = item.size;
  if (!job_.options.dry_run) {
    transfer::TransferResult moved;
    std::optional<Error> gone;
    try {
      moved = co_await transfer_.object(request_of(item), context);
    } catch (const Error& error) {
      const bool may_be_moved = job_.catalogue && !job_.options.exactly_as_listed;
      if (error.error_class() != ErrorClass::not_found || !may_be_moved) throw;
      gone = error;
    }
    if (gone && !co_await find_moved(item, result, context)) throw *gone;
    if (moved.condition_failed) co_await leave_existing(item, result, context);
    if (!gone && !moved.condition_failed) take(item, result, std::move(moved));
  }
  if (result.kind == OutcomeKind::copied && goes_on_after_copy()) result.step = ItemStep::arrived;
}

// What was given by its key alone could not be judged when it was found. What is not there is not left out:
// its copying fails.
Task<bool> ItemSteps::is_left_out(const Item& item, OpContext& context) const {
  std::uint64_t size = item.size;
  Time modified = item.modified;
  if (!item.facts_known) {
    store::ReadOptions look;
    look.pin.version = item.version;
    look.properties = false;
    const auto found = co_await job_.sources[item.source].store->stat(std::string(item.key), look, context);
    if (!found) co_return false;
    size = found->size;
    modified = found->modified;
  }
  co_return listing::judge_facts(job_.options.filters, size, modified) != listing::FilterReason::accepted;
}

Task<bool> ItemSteps::needs_no_copy(const Item& item, ItemResult& result, OpContext& context) const {
  const ItemVerdict verdict = co_await compare_by_details(job_, item, context);
  result.reason = verdict.reason;
  if (!verdict.alike) co_return false;
  // What is to be moved and is there already lacks only its removal; but that takes more than equal times.
  if (job_.operation == Operation::move) co_return co_await take_twin(item, result, context);
  result.kind = OutcomeKind::skipped;
  co_return true;
}

Task<> ItemSteps::leave_existing(const Item& item, ItemResult& result, OpContext& context) const {
  // It may be an earlier attempt's own copy.
  if (durable_ && job_.operation == Operation::move && co_await take_twin(item, result, context)) co_return;
  result.kind = OutcomeKind::skipped;
  result.reason = "exists at the destination";
}

transfer::TransferRequest ItemSteps::request_of(const Item& item) const {
  transfer::TransferRequest request{.source = *job_.sources[item.source].store,
                                    .source_key = std::string(item.key),
                                    .source_version = std::string(item.version),
                                    .destination = *job_.destination->store,
                                    .destination_key = std::string(item.destination_key)};
  if (item.facts_known) request.facts = entry_of(item);
  if (job_.options.create_only) request.mode = store::WriteMode::create_only;
  return request;
}

void ItemSteps::take(const Item& item, ItemResult& result, transfer::TransferResult moved) const {
  if (job_.options.exactly_as_listed) check_listed_state(item, moved);
  result.transferred = true;
  result.bytes = moved.bytes;
  result.how = moved.how;
  result.proof = moved.proof;
  result.etag = std::move(moved.source_etag);
  result.modified = moved.source_modified;
  result.written_etag = std::move(moved.written.etag);
  result.written_version = std::move(moved.written.version);
  result.checksum = moved.checksum ? moved.checksum : full_checksum(moved.written.checksums);
  result.losses = std::move(moved.losses);
  if (job_.operation == Operation::move && moved.proof == transfer::Proof::none)
    throw Error(ErrorClass::data_loss, "the copy is there but could not be verified, so the source is kept")
        .during("move")
        .on(job_.sources[item.source].store->describe(item.key));
}

// A transfer that was repeated may have taken a later state.
void ItemSteps::check_listed_state(const Item& item, const transfer::TransferResult& moved) const {
  const bool same =
      moved.attempts == 1 || (moved.bytes == item.size && moved.source_modified == item.modified);
  if (item.facts_known && !same)
    throw Error(ErrorClass::source_changed, "the object has changed since it was listed")
        .during("copy")
        .on(job_.sources[item.source].store->describe(item.key));
}

Task<bool> ItemSteps::take_twin(const Item& item, ItemResult& result, OpContext& context) const {
  std::optional<Twins> twins = co_await find_twins(job_, item, context);
  if (!twins) co_return false;
  const bool pinned = job_.options.exactly_as_listed && item.facts_known;
  if (pinned)
    if (const auto changed = state_changed(*job_.sources[item.source].store, item, twins->source))
      throw *changed;
  result.kind = OutcomeKind::copied;
  result.step = ItemStep::arrived;
  result.bytes = twins->source.size;
  result.etag = std::move(twins->source.etag);
  result.modified = twins->source.modified;
  result.written_etag = std::move(twins->destination.etag);
  result.written_version = std::move(twins->destination.version);
  result.checksum = full_checksum(twins->destination.checksums);
  result.proof = twins->proof;
  co_return true;
}

// A transfer has not found something. If that is the source, and the destination has an object under its key,
// only the catalogue has to learn of it. It may as well be a bucket or an upload of the destination.
Task<bool> ItemSteps::find_moved(const Item& item, ItemResult& result, OpContext& context) const {
  store::Store& source = *job_.sources[item.source].store;
  if (co_await source.stat(std::string(item.key), facts_wanted(item.version), context)) co_return false;
  auto there =
      co_await job_.destination->store->stat(std::string(item.destination_key), facts_wanted({}), context);
  if (!there) co_return false;
  result.already_there = true;
  result.bytes = there->size;
  result.written_etag = std::move(there->etag);
  result.written_version = std::move(there->version);
  result.checksum = full_checksum(there->checksums);
  result.reason = "already at the destination";
  co_return true;
}

Task<> ItemSteps::compare(const Item& item, ItemResult& result, OpContext& context) const {
  const ItemVerdict verdict = co_await compare_for_check(job_, item, context);
  result.kind = verdict.alike ? OutcomeKind::same : OutcomeKind::different;
  result.reason = verdict.reason;
}

Task<> ItemSteps::tag(const Item& item, ItemResult& result, OpContext& context) const {
  store::Store& store = *job_.sources[item.source].store;
  result.kind = OutcomeKind::tagged;
  result.bytes = item.size;
  if (!item.version.empty())
    throw Error(ErrorClass::unsupported, "tags are set on the latest version of an object, not on others")
        .during("set tags")
        .on(store.describe(item.key));
  if (job_.options.exactly_as_listed && item.facts_known) co_await confirm_source(item, context);
  if (!job_.options.dry_run) co_await store.set_tags(std::string(item.key), job_.options.tags, context);
}

Task<> ItemSteps::confirm_nothing_newer(const Item& item, const ItemResult& result,
                                        OpContext& context) const {
  store::Store& store = *job_.sources[item.source].store;
  Item copied = item;
  copied.etag = result.etag;
  copied.size = result.bytes;
  copied.modified = result.modified;
  const auto found = co_await store.stat(std::string(item.key), facts_wanted(item.version), context);
  if (!found) co_return;
  if (const auto changed = state_changed(store, copied, found)) throw *changed;
}

Task<> ItemSteps::confirm_source(const Item& item, OpContext& context) const {
  store::Store& store = *job_.sources[item.source].store;
  const auto found = co_await store.stat(std::string(item.key), facts_wanted(item.version), context);
  if (const auto changed = state_changed(store, item, found)) throw *changed;
}

Task<std::optional<Error>> ItemSteps::copy_changed(const Item& item, const ItemResult& result,
                                                   std::string_view version, OpContext& context) const {
  store::Store& store = *job_.destination->store;
  Item copy;
  copy.key = item.destination_key;
  copy.etag = result.written_etag;
  copy.size = result.bytes;  // not the item's: of a row's object none is listed
  const auto found = co_await store.stat(std::string(copy.key), facts_wanted(version), context);
  if (auto changed = state_changed(store, copy, found)) co_return changed;
  // Files have no etags; but what is younger than the move, and has not the source's time, was written after
  // it.
  const bool told = !copy.etag.empty() && !found->etag.empty();
  const bool younger = found->modified > result.arrived_by + job_.options.compare.clock_margin &&
                       found->modified != item.modified;
  if (!told && result.arrived_by != Time{} && younger)
    co_return Error(ErrorClass::source_changed, "the object was written to since")
        .during("stat")
        .on(store.describe(copy.key));
  co_return std::nullopt;
}

Task<> ItemSteps::confirm_copy(const Item& item, const ItemResult& result, OpContext& context) const {
  // Of the version that is seen: one below a deletion is no copy that anybody finds.
  if (const auto changed = co_await copy_changed(item, result, {}, context))
    throw Error(ErrorClass::precondition_failed,
                "the copy is not there as it was written, so the source is kept")
        .during("remove kept source")
        .on(job_.destination->store->describe(item.destination_key))
        .caused_by(*changed);
}

Task<bool> ItemSteps::copy_is_there(const Item& item, const ItemResult& result, OpContext& context) const {
  const auto changed = co_await copy_changed(item, result, {}, context);
  co_return !changed;
}

Task<bool> ItemSteps::copy_is_as_written(const Item& item, const ItemResult& result,
                                         OpContext& context) const {
  const auto changed = co_await copy_changed(item, result, result.written_version, context);
  co_return !changed || changed->error_class() == ErrorClass::not_found;
}

}  // namespace haul::job

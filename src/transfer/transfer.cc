#include "transfer/transfer.h"

#include <algorithm>

#include "transfer/lane.h"
#include "transfer/part_plan.h"
#include "transfer/verification.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kStreamBuffer = 1U << 20;

bool worth_repeating(const Error& error, int attempt, const TransferOptions& options,
                     const OpContext& context) {
  if (context.stop().draining()) return false;
  if (error.error_class() == ErrorClass::source_changed) return attempt < options.source_attempts;
  return error.error_class() == ErrorClass::data_loss && attempt < 2;
}

Error final_error(const Error& error, int attempts, Duration elapsed) {
  Error counted = error.with_attempts(std::max(attempts, error.attempts()), elapsed);
  if (error.error_class() != ErrorClass::source_changed) return counted;
  return counted.with_hint("the object is being written to; move it when it is at rest");
}

Error gone(const TransferRequest& request) {
  return Error(ErrorClass::not_found, "there is no such object")
      .during("stat")
      .on(request.source.describe(request.source_key));
}

// What the store could not keep joins what it was not even given.
void take_losses(TransferResult& result) {
  result.condition_failed = result.written.condition_failed;
  for (const std::string& loss : result.written.losses)
    add_loss(result.losses, loss);
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::server_side: return "server_side";
    case Method::streamed: return "streamed";
    default: return "parts";
  }
}

std::string_view to_string(Proof proof) noexcept {
  switch (proof) {
    case Proof::none: return "none";
    case Proof::size: return "size";
    case Proof::etag: return "etag";
    case Proof::checksum: return "checksum";
    default: return "read_back";
  }
}

Transfer::Transfer(Runtime& runtime, TransferOptions options) : options_(std::move(options)) {
  // A quarter of the memory may lie idle in the pools of all shards, and never when it is missing elsewhere.
  const std::uint64_t keep = runtime.memory().limit() / 4 / runtime.shard_count();
  for (unsigned i = 0; i < runtime.shard_count(); ++i)
    lanes_.push_back(std::make_unique<Lane>(runtime.memory(), keep, options_.bandwidth));
}

Transfer::~Transfer() = default;

std::uint64_t Transfer::bytes_moved() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& each : lanes_)
    sum += each->moved.load(std::memory_order_relaxed);
  return sum;
}

Transfer::Lane& Transfer::lane(const OpContext& context) const noexcept {
  return *lanes_[context.shard().index()];
}

OpContext Transfer::cleanup_context(const OpContext& context) const {
  return OpContext(context.env(), context.shard(), never_stopped_, context.log())
      .with_label(context.label())
      .with_deadline(context.env().steady_now() + options_.cleanup_time);
}

bool Transfer::fits_one_write(std::uint64_t size, const store::Capabilities& destination) const noexcept {
  // What is no larger than the smallest part gains nothing by parts.
  const std::uint64_t wanted = std::max(options_.single_write_threshold, destination.min_part);
  return size <= std::min(wanted, destination.max_single_write);
}

unsigned Transfer::parallel_for(std::uint64_t size) const noexcept {
  return options_.parallel_parts != 0 ? options_.parallel_parts : parallel_parts(size);
}

store::WriteOptions Transfer::write_options(const TransferRequest& request, const SourceState& state) const {
  store::WriteOptions write;
  write.mode = request.mode;
  write.etag = request.if_etag;
  write.size = state.size;
  const bool keep_class =
      options_.preserve.storage_class && request.destination.capabilities().keeps_storage_class;
  write.storage_class = keep_class ? state.storage_class : options_.storage_class;
  return write;
}

Task<TransferResult> Transfer::object(TransferRequest request, OpContext& context) {
  const SteadyTime start = context.env().steady_now();
  SourceState state =
      request.facts ? state_of(*request.facts, request.source_version) : co_await look_up(request, context);
  for (int number = 1;; ++number) {
    try {
      TransferResult result = co_await attempt(request, state, context);
      result.attempts = number;
      result.bytes = state.size;
      result.source_modified = state.modified;
      result.source_etag = state.pin.etag;
      if (result.condition_failed || options_.verify == Verify::none) co_return result;
      if (options_.verify == Verify::all && !result.checksum)
        result.checksum = co_await hash_source(request, state, context);
      co_await check_arrival(request.destination, request.destination_key, result, context);
      co_return result;
    } catch (const Error& error) {
      if (!worth_repeating(error, number, options_, context))
        throw final_error(error, number, context.env().steady_now() - start);
    }
    state = co_await look_up(request, context);
  }
}

Task<SourceState> Transfer::look_up(const TransferRequest& request, OpContext& context) {
  store::ReadOptions options;
  options.pin.version = request.source_version;
  options.properties = false;
  const auto details = co_await request.source.stat(request.source_key, std::move(options), context);
  if (!details) throw gone(request);
  co_return state_of(*details, request.source_version);
}

Task<TransferResult> Transfer::attempt(const TransferRequest& request, const SourceState& state,
                                       OpContext& context) {
  if (state.kind == store::EntryKind::directory) return directory(request, state, context);
  const store::Capabilities& destination = request.destination.capabilities();
  if (destination.directories && request.destination_key.ends_with('/') && state.size != 0) {
    throw Error(ErrorClass::invalid_argument,
                "an object with content and a name that ends in / cannot be a file")
        .during("write")
        .on(request.destination.describe(request.destination_key));
  }
  if (options_.server_side && request.destination.can_copy_from(request.source))
    return server_side(request, state, context);
  if (fits_one_write(state.size, destination)) return in_one_piece(request, state, context);
  return in_parts(request, state, context);
}

Task<TransferResult> Transfer::server_side(const TransferRequest& request, const SourceState& state,
                                           OpContext& context) {
  store::Store& source = request.source;
  TransferResult result;
  result.how = Method::server_side;
  store::CopyOptions copy;
  copy.source = state.pin;
  copy.source_size = state.size;
  copy.write = write_options(request, state);
  store::Properties made;
  std::optional<store::Details> details;
  if (!options_.preserve.all_properties()) {
    // The service takes all properties or those that it is given, so the ones to keep have to be known.
    const PropertyMapping mapping(options_.preserve, source.capabilities(),
                                  request.destination.capabilities());
    store::ReadOptions look;
    look.pin = state.pin;
    look.tags = mapping.wants_tags();
    details = co_await source.stat(request.source_key, std::move(look), context);
    if (!details)
      throw Error(ErrorClass::source_changed, "the object is gone").on(source.describe(request.source_key));
    copy.write.properties =
        mapping.map(*details, state.modified, request.destination_key, made, result.losses);
    if (!made.tags) made.tags.emplace();  // none, and not: those of the source
  }
  bool unsupported = false;
  try {
    result.written = co_await request.destination.copy_from(
        source, request.source_key, request.destination_key, std::move(copy), context);
  } catch (const Error& error) {
    if (error.error_class() != ErrorClass::unsupported) throw;
    unsupported = true;
  }
  if (unsupported) {
    if (fits_one_write(state.size, request.destination.capabilities()))
      co_return co_await in_one_piece(request, state, context);
    co_return co_await in_parts(request, state, context);
  }
  take_losses(result);
  co_return result;
}

Task<TransferResult> Transfer::in_one_piece(const TransferRequest& request, const SourceState& state,
                                            OpContext& context) {
  store::Store& source = request.source;
  store::Store& destination = request.destination;
  Lane& own = lane(context);
  // No memory, no work: the buffer comes first. What memory cannot sensibly hold passes through a small one.
  const bool whole = state.size <= own.buffers.largest();
  Buffer buffer;
  const std::uint64_t needed = whole ? state.size : std::min(kStreamBuffer, own.buffers.largest());
  if (!own.buffers.try_take(needed, buffer)) buffer = co_await own.buffers.take(needed, context);

  const PropertyMapping mapping(options_.preserve, source.capabilities(), destination.capabilities());
  store::ReadOptions read;
  read.pin = state.pin;
  read.tags = mapping.wants_tags();
  auto reader = co_await source.read(request.source_key, std::move(read), context);

  TransferResult result;
  result.how = Method::streamed;
  store::Properties made;
  store::WriteOptions write = write_options(request, state);
  write.properties =
      mapping.map(reader->details(), state.modified, request.destination_key, made, result.losses);
  const bool hash = options_.verify != Verify::none;
  if (whole) {
    Hasher hasher(ChecksumAlgorithm::crc64nvme);
    const auto bytes = buffer.first(state.size);
    co_await read_fully(*reader, bytes, hash ? &hasher : nullptr, own.meter(), context);
    if (hash) {
      result.checksum = hasher.finish();
      check_against_source(reader->details(), *result.checksum, source);
      write.checksum = result.checksum;
    }
    MemoryBody body(bytes);
    result.written = co_await destination.write(request.destination_key, body, std::move(write), context);
  } else {
    const store::Details details = reader->details();
    if (reader->size() != state.size)
      throw Error(ErrorClass::source_changed, "the object has another length than when it was listed")
          .during("read")
          .on(source.describe(request.source_key));
    if (write.properties != &made) write.properties = &details.properties;  // the reader goes with the body
    SourceBody body(source, request.source_key, state.pin, {0, state.size}, std::move(buffer),
                    hash ? std::optional(ChecksumAlgorithm::crc64nvme) : std::nullopt, own.meter());
    body.adopt(std::move(reader));
    result.written = co_await destination.write(request.destination_key, body, std::move(write), context);
    result.checksum = body.checksum_as_read();
    if (result.checksum) check_against_source(details, *result.checksum, source);
  }
  take_losses(result);
  co_return result;
}

Task<TransferResult> Transfer::directory(const TransferRequest& request, const SourceState& state,
                                         OpContext& context) {
  store::Store& source = request.source;
  const PropertyMapping mapping(options_.preserve, source.capabilities(), request.destination.capabilities());
  store::ReadOptions look;
  look.pin.version = state.pin.version;
  look.tags = mapping.wants_tags();
  const auto details = co_await source.stat(request.source_key, std::move(look), context);
  if (!details) throw gone(request);
  TransferResult result;
  result.how = Method::streamed;
  result.checksum = checksum_of(ChecksumAlgorithm::crc64nvme, {});
  store::Properties made;
  store::WriteOptions write = write_options(request, state);
  write.properties = mapping.map(*details, state.modified, request.destination_key, made, result.losses);
  MemoryBody nothing({});
  result.written =
      co_await request.destination.write(request.destination_key, nothing, std::move(write), context);
  take_losses(result);
  co_return result;
}

Task<> Transfer::check_arrival(store::Store& destination, const std::string& key, TransferResult& result,
                               OpContext& context) {
  if (auto difference = find_difference(result))
    co_await reject(destination, key, result.written, std::move(*difference), context);
  if (options_.verify == Verify::all) co_await read_back(destination, key, result, context);
}

Task<> Transfer::read_back(store::Store& destination, const std::string& key, TransferResult& result,
                           OpContext& context) {
  Lane& own = lane(context);
  store::Pin pin;
  pin.etag = result.written.etag;
  pin.version = result.written.version;
  const HashJob job{.store = destination,
                    .key = key,
                    .pin = pin,
                    .size = result.bytes,
                    .algorithm = result.checksum->algorithm(),
                    .parallel = parallel_for(result.bytes),
                    .drain_allowance = options_.drain_allowance,
                    .buffers = own.buffers,
                    .line = own.line};
  std::optional<Checksum> arrived;
  try {
    arrived = co_await hash_object(job, context);
  } catch (const Error& error) {
    // Told apart from a source that changes: this is the destination.
    if (error.error_class() != ErrorClass::source_changed) throw;
    throw Error(ErrorClass::data_loss, "the object was overwritten before it could be verified")
        .during("verify")
        .on(destination.describe(key))
        .caused_by(error);
  }
  if (!std::ranges::equal(arrived->bytes(), result.checksum->bytes()))
    co_await reject(destination, key, result.written, "read back, the bytes are not those that were read",
                    context);
  result.proof = Proof::read_back;
}

Task<Checksum> Transfer::hash_source(const TransferRequest& request, const SourceState& state,
                                     OpContext& context) {
  store::ReadOptions look;
  look.pin = state.pin;
  look.properties = false;
  const auto details = co_await request.source.stat(request.source_key, std::move(look), context);
  if (details)
    for (const Checksum& said : details->checksums)
      if (said.type() == ChecksumType::full_object) co_return said;
  Lane& own = lane(context);
  const HashJob job{.store = request.source,
                    .key = request.source_key,
                    .pin = state.pin,
                    .size = state.size,
                    .algorithm = ChecksumAlgorithm::crc64nvme,
                    .parallel = parallel_for(state.size),
                    .drain_allowance = options_.drain_allowance,
                    .buffers = own.buffers,
                    .line = own.line};
  co_return co_await hash_object(job, context);
}

Task<> Transfer::reject(store::Store& destination, std::string_view key, const store::Written& written,
                        std::string reason, OpContext& context) {
  Error error =
      Error(ErrorClass::data_loss, std::move(reason)).during("verify").on(destination.describe(key));
  OpContext cleanup = cleanup_context(context);
  try {
    co_await remove_written(destination, key, written, cleanup);
  } catch (const Error& failure) {
    error = error.with_hint("the wrong object could not be removed").caused_by(failure);
  }
  throw error;
}

Task<> Transfer::abandon(store::Upload& upload, std::string subject, OpContext& context) {
  OpContext cleanup = cleanup_context(context);
  try {
    co_await upload.abort(cleanup);
  } catch (const Error& error) {
    // What failed before is what the caller hears of; remains are found by a later run.
    context.log().log(LogLevel::warning, "an upload may have been left behind",
                      {{"run", context.label()},
                       {"key", std::string_view(subject)},
                       {"error", std::string_view(error.message())},
                       {"class", to_string(error.error_class())}});
  }
}

}  // namespace haul::transfer

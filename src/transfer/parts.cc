// Large objects: parts in parallel, each read, checked and written by itself.
#include <algorithm>
#include <exception>
#include <optional>

#include "transfer/lane.h"
#include "transfer/ordered_checksum.h"
#include "transfer/part_plan.h"
#include "transfer/part_workers.h"
#include "transfer/transfer.h"
#include "transfer/verification.h"

namespace haul::transfer {
namespace {

constexpr std::uint64_t kPartStreamBuffer = 1U << 20;
constexpr std::uint64_t kPieceBuffer = 256U << 10;  // stays in the second cache between socket and file

// The parts of one object between two stores. Lives in the frame of in_parts.
class PartSender {
 public:
  // `pieces`: whether parts are given piece by piece. `proven`: whether the source keeps the checksum of the
  // whole object in the upload's algorithm. `kept`: in which other one, where it does not.
  PartSender(const TransferRequest& request, const store::Pin& pin, store::Upload& upload,
             BufferPool& buffers, Meter meter, bool pieces, bool proven,
             std::optional<ChecksumAlgorithm> kept)
      : request_(request),
        pin_(pin),
        upload_(upload),
        buffers_(buffers),
        meter_(meter),
        pieces_(pieces),
        proven_(proven),
        kept_(kept) {}

  Task<> send(Part part, OpContext& context) {
    if (pieces_) return streamed(part, kPieceBuffer, context);
    return part.length <= buffers_.largest() ? from_memory(part, context)
                                             : streamed(part, kPartStreamBuffer, context);
  }

  const OrderedChecksum& sum() const noexcept { return sum_; }
  // Of the whole object in the source's algorithm; nothing if that was not asked for.
  std::optional<Checksum> kept_sum() const { return kept_ ? kept_sum_.whole() : std::nullopt; }

 private:
  Task<> from_memory(Part part, OpContext& context) {
    const Buffer buffer = co_await buffers_.take(part.length, context);
    store::ReadOptions read;
    read.range = {part.offset, part.length};
    read.pin = pin_;
    read.properties = false;
    const auto bytes = buffer.first(part.length);
    Hasher hasher(upload_.checksum_algorithm());
    {
      const auto reader = co_await request_.source.read(request_.source_key, std::move(read), context);
      co_await read_fully(*reader, bytes, &hasher, meter_, context);
    }  // the connection is free before the writing begins
    if (kept_) kept_sum_.add(part.number, checksum_of(*kept_, bytes), part.length);
    const Checksum as_read = hasher.finish();
    MemoryBody body(bytes, as_read);
    const Checksum sent = co_await upload_.write_part(part.number, part.offset, body, context);
    accept(part, as_read, sent);
  }

  // For parts that memory cannot sensibly hold, or that need not be held. Where the source keeps a checksum
  // the destination's of what it has written is compared with that in the end: to hash on the way as well
  // would tell only sooner.
  Task<> streamed(Part part, std::uint64_t piece, OpContext& context) {
    Buffer buffer = co_await buffers_.take(std::min({piece, part.length, buffers_.largest()}), context);
    SourceBody body(request_.source, request_.source_key, pin_, {part.offset, part.length}, std::move(buffer),
                    proven_ ? std::nullopt : std::optional(upload_.checksum_algorithm()), meter_, kept_);
    const Checksum sent = co_await upload_.write_part(part.number, part.offset, body, context);
    if (!body.read_to_its_end())
      throw Error(ErrorClass::data_loss, "the destination took a part without reading all of it")
          .during("write part")
          .on(request_.destination.describe(request_.destination_key));
    if (kept_) kept_sum_.add(part.number, *body.also(), part.length);
    accept(part, body.checksum_as_read().value_or(sent), sent);
  }

  void accept(const Part& part, const Checksum& read, const Checksum& sent) {
    if (!std::ranges::equal(read.bytes(), sent.bytes()))
      throw Error(ErrorClass::data_loss, "a part was sent with other bytes than were read")
          .during("write part")
          .on(request_.destination.describe(request_.destination_key));
    sum_.add(part.number, read, part.length);
  }

  const TransferRequest& request_;
  const store::Pin& pin_;
  store::Upload& upload_;
  BufferPool& buffers_;
  const Meter meter_;
  const bool pieces_, proven_;
  const std::optional<ChecksumAlgorithm> kept_;
  OrderedChecksum sum_, kept_sum_;
};

// A CRC that the source keeps of the whole object, where it keeps none of that algorithm.
std::optional<ChecksumAlgorithm> kept_instead_of(ChecksumAlgorithm algorithm, const store::Details& source) {
  if (source.checksums.find(algorithm) != nullptr) return std::nullopt;
  for (const Checksum& said : source.checksums)
    if (said.type() == ChecksumType::full_object && is_crc(said.algorithm())) return said.algorithm();
  return std::nullopt;
}

Error changed_since_listed(const TransferRequest& request) {
  return Error(ErrorClass::source_changed, "the object has changed since it was listed")
      .during("stat")
      .on(request.source.describe(request.source_key));
}

// Whether the object is still in the state that was listed, as far as both looks tell.
bool same_state(const SourceState& state, const store::Details& now) {
  if (state.size != now.size) return false;
  if (!state.pin.etag.empty() && !now.etag.empty()) return state.pin.etag == now.etag;
  return !state.pin.modified || *state.pin.modified == now.modified;
}

Task<bool> is_there(const TransferRequest& request, OpContext& context) {
  store::ReadOptions options;
  options.properties = false;
  const auto found = co_await request.destination.stat(request.destination_key, std::move(options), context);
  co_return found.has_value();
}

}  // namespace

Task<TransferResult> Transfer::in_parts(const TransferRequest& request, const SourceState& state,
                                        OpContext& context) {
  store::Store& destination = request.destination;
  Lane& own = lane(context);
  TransferResult result;
  result.how = Method::parts;
  // A condition is only decided when the upload is completed; gigabytes need not travel to learn it.
  if (request.mode == store::WriteMode::create_only && co_await is_there(request, context)) {
    result.condition_failed = result.written.condition_failed = true;
    co_return result;
  }
  const PropertyMapping mapping(options_.preserve, request.source.capabilities(), destination.capabilities());
  store::ReadOptions look;
  look.pin.version = state.pin.version;
  look.tags = mapping.wants_tags();
  const auto details = co_await request.source.stat(request.source_key, std::move(look), context);
  if (!details || !same_state(state, *details)) throw changed_since_listed(request);
  store::Pin pin = state.pin;
  if (pin.etag.empty()) pin.etag = details->etag;

  const PartPlan plan = plan_parts(state.size, destination.capabilities(), options_.part_size);
  store::Properties made;
  store::WriteOptions write = write_options(request, state);
  write.properties = mapping.map(*details, state.modified, request.destination_key, made, result.losses);
  const auto upload = co_await destination.begin_upload(request.destination_key, std::move(write), context);
  const auto kept = options_.verify == Verify::none ? std::nullopt
                                                    : kept_instead_of(upload->checksum_algorithm(), *details);
  std::exception_ptr failure;
  try {
    // A service would not wait for pieces that wait for the line.
    const bool rereads = request.source.capabilities().rereads && !own.meter().limited();
    const bool pieces = co_await upload->takes_pieces(rereads, context);
    PartSender sender(request, pin, *upload, own.buffers, own.meter(), pieces,
                      details->checksums.find(upload->checksum_algorithm()) != nullptr, kept);
    co_await for_each_part(
        plan, parallel_for(state.size), options_.drain_allowance,
        [&sender, &context](Part part) { return sender.send(part, context); }, context);
    result.checksum = sender.sum().whole();
    check_against_source(*details, *result.checksum, request.source);
    if (const auto sum = sender.kept_sum()) check_against_source(*details, *sum, request.source);
    result.written = co_await upload->complete(*result.checksum, context);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    co_await abandon(*upload, destination.describe(request.destination_key), context);
    std::rethrow_exception(failure);
  }
  result.condition_failed = result.written.condition_failed;
  for (const std::string& loss : result.written.losses)
    add_loss(result.losses, loss);
  co_return result;
}

}  // namespace haul::transfer

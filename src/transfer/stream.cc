// A stream whose length nobody knows: one write if it ends early, else parts as they fill.
#include <algorithm>
#include <exception>

#include "runtime/limiter.h"
#include "runtime/task_group.h"
#include "transfer/content_type.h"
#include "transfer/lane.h"
#include "transfer/ordered_checksum.h"
#include "transfer/part_plan.h"
#include "transfer/transfer.h"

namespace haul::transfer {
namespace {

// Fills the buffer as far as the stream goes.
Task<std::size_t> fill(StreamSource& source, std::span<std::byte> into, Meter meter, OpContext& context) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    if (context.stop().draining()) throw Error(ErrorClass::cancelled, "stopped").during("read stream");
    const auto room = into.subspan(filled, std::min(into.size() - filled, meter.piece()));
    const std::size_t count = co_await source.read_some(room, context);
    if (count == 0) break;
    filled += count;
    meter.count(count);
    if (meter.limited()) co_await meter.line->take(count, context);
  }
  co_return filled;
}

// Cuts the stream into parts one after the other and sends several at a time. Lives in the frame of stream().
class StreamSender {
 public:
  StreamSender(const StreamRequest& request, store::Upload& upload, BufferPool& buffers, Meter meter,
               std::uint64_t part_size, unsigned parallel)
      : request_(request),
        upload_(upload),
        buffers_(buffers),
        meter_(meter),
        part_size_(part_size),
        slots_({.initial = parallel, .maximum = parallel}) {}

  // `first` is full; all that follows is still in the stream.
  Task<> send_all(Buffer first, std::size_t length, OpContext& context) {
    TaskGroup group(context.executor());
    std::exception_ptr failure;
    try {
      co_await cut(std::move(first), length, group, context);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await group.join();  // a part that failed says more than the reading that broke off because of it
    if (failure) std::rethrow_exception(failure);
  }

  const OrderedChecksum& sum() const noexcept { return sum_; }
  std::uint64_t bytes() const noexcept { return offset_; }

 private:
  Task<> cut(Buffer buffer, std::size_t length, TaskGroup& group, OpContext& context) {
    const store::Capabilities& limits = request_.destination.capabilities();
    for (std::uint32_t number = 1; length != 0 && !group.failed(); ++number) {
      if (number > limits.max_parts)
        throw Error(ErrorClass::exhausted, "the stream is longer than its parts can hold")
            .on(request_.destination.describe(request_.destination_key))
            .with_hint("raise --part-size or --memory");
      Permit slot = co_await slots_.acquire(context);
      const bool last = length < part_size(number);
      group.spawn(send({number, offset_, length}, std::move(buffer), std::move(slot), context));
      offset_ += length;
      if (last) break;
      const std::uint64_t next = part_size(number + 1);
      buffer = co_await buffers_.take(next, context);
      length = co_await fill(request_.source, buffer.first(next), meter_, context);
    }
  }

  Task<> send(Part part, Buffer buffer, Permit slot, OpContext context) {
    const auto bytes = buffer.first(part.length);
    const Checksum read = checksum_of(upload_.checksum_algorithm(), bytes);
    MemoryBody body(bytes, read);
    const Checksum sent = co_await upload_.write_part(part.number, part.offset, body, context);
    if (!std::ranges::equal(read.bytes(), sent.bytes()))
      throw Error(ErrorClass::data_loss, "a part was sent with other bytes than were read")
          .during("write part")
          .on(request_.destination.describe(request_.destination_key));
    sum_.add(part.number, read, part.length);
  }

  std::uint64_t part_size(std::uint32_t number) const noexcept {
    return stream_part_size(number, request_.destination.capabilities(), part_size_, buffers_.largest());
  }

  const StreamRequest& request_;
  store::Upload& upload_;
  BufferPool& buffers_;
  const Meter meter_;
  const std::uint64_t part_size_;
  AdaptiveLimiter slots_;
  OrderedChecksum sum_;
  std::uint64_t offset_ = 0;
};

}  // namespace

Task<TransferResult> Transfer::stream(StreamRequest request, OpContext& context) {
  store::Store& destination = request.destination;
  const store::Capabilities& limits = destination.capabilities();
  Lane& own = lane(context);
  if (request.properties.content.type.empty() && limits.keeps_metadata)
    request.properties.content.type = guess_content_type(request.destination_key);

  TransferResult result;
  store::WriteOptions write;
  write.mode = request.mode;
  write.etag = request.if_etag;
  write.properties = &request.properties;
  write.storage_class = options_.storage_class;

  const std::uint64_t first = stream_part_size(1, limits, options_.part_size, own.buffers.largest());
  Buffer buffer = co_await own.buffers.take(first, context);
  const std::size_t length = co_await fill(request.source, buffer.first(first), own.meter(), context);
  if (length < first && length <= limits.max_single_write) {
    result.how = Method::streamed;
    result.bytes = write.size = length;
    const auto bytes = buffer.first(length);
    result.checksum = checksum_of(ChecksumAlgorithm::crc64nvme, bytes);
    write.checksum = result.checksum;
    MemoryBody body(bytes);
    result.written = co_await destination.write(request.destination_key, body, std::move(write), context);
  } else {
    result.how = Method::parts;
    const auto upload = co_await destination.begin_upload(request.destination_key, std::move(write), context);
    const unsigned parallel = options_.parallel_parts != 0 ? options_.parallel_parts : parallel_parts(0);
    StreamSender sender(request, *upload, own.buffers, own.meter(), options_.part_size, parallel);
    std::exception_ptr failure;
    try {
      co_await sender.send_all(std::move(buffer), length, context);
      result.bytes = sender.bytes();
      result.checksum = sender.sum().whole();
      result.written = co_await upload->complete(*result.checksum, context);
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure) {
      co_await abandon(*upload, destination.describe(request.destination_key), context);
      std::rethrow_exception(failure);
    }
  }
  result.condition_failed = result.written.condition_failed;
  result.losses = result.written.losses;
  if (!result.condition_failed && options_.verify != Verify::none)
    co_await check_arrival(destination, request.destination_key, result, context);
  co_return result;
}

}  // namespace haul::transfer

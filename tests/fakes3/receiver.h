// Takes in the body of a request: framing, digests, and the bytes themselves where they are kept.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "exchange.h"

namespace haul::fakes3 {

enum class Destination : std::uint8_t { drained, object, document };

class Receiver {
 public:
  /// For a new request. `destination` says what becomes of the bytes; with `object` they are stored as
  /// far as the server has room.
  void start(Server& server, const Request& request, Operation operation, Destination destination,
             Body& body);

  /// Everything that HTTP's framing promised is here.
  bool complete() const { return complete_; }
  bool broken() const { return broken_; }
  /// The server's memory limit was reached: the bytes were dropped.
  bool overflowed() const { return overflowed_; }
  std::uint64_t received() const { return received_; }

  /// Where the next bytes may be read to, so that they need not be copied; nothing if they have to be
  /// decoded.
  std::span<char> direct();
  /// Bytes were read into direct().
  void commit(std::size_t size);
  /// Bytes from the wire; returns how many belong to this body.
  std::size_t feed(std::string_view bytes);
  /// How many bytes may be read at most without reading into the next request; 0: unknown.
  std::uint64_t wire_left() const { return chunked_ ? 0 : left_; }

  /// Ends the digests. After this the body is ready.
  void finish();

 private:
  void decoded(std::string_view bytes);
  void store(std::string_view bytes);
  bool open_block(std::uint64_t size);
  void close_block();

  Server* server_ = nullptr;
  Body* body_ = nullptr;
  Destination destination_ = Destination::drained;
  bool chunked_ = false, aws_chunked_ = false, complete_ = false, broken_ = false, overflowed_ = false;
  std::uint64_t left_ = 0, received_ = 0, expected_ = 0;
  ChunkDecoder http_, aws_;
  std::shared_ptr<char[]> block_;
  std::uint64_t block_size_ = 0, block_used_ = 0;
};

}  // namespace haul::fakes3

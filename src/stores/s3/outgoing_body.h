// The body of a write with its checksum: known before, computed from memory, or computed on the way and sent
// behind the last byte (aws-chunked with an unsigned trailer, x-amz-content-sha256
// STREAMING-UNSIGNED-PAYLOAD-TRAILER).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "runtime/body.h"
#include "stores/s3/s3_bucket.h"

namespace haul::s3 {

// Computes a checksum of what passes through.
class HashingBody final : public Body {
 public:
  HashingBody(Body& inner, ChecksumAlgorithm algorithm);
  std::uint64_t size() const override { return inner_.size(); }
  bool replayable() const override { return inner_.replayable(); }
  Task<> rewind(OpContext& context) override;
  Task<std::span<const std::byte>> next(OpContext& context) override;
  std::optional<Checksum> checksum_as_read() const override { return whole_; }
  std::optional<ChecksumAlgorithm> hashes() const override { return hasher_.algorithm(); }

 private:
  void look_for_end();

  Body& inner_;
  Hasher hasher_;
  std::optional<Checksum> whole_;
};

// Frames another body, which hashes, in chunks and puts its checksum behind them.
class TrailerBody final : public Body {
 public:
  TrailerBody(Body& inner, ChecksumAlgorithm algorithm);
  std::uint64_t size() const override { return encoded_size_; }
  bool replayable() const override { return inner_.replayable(); }
  Task<> rewind(OpContext& context) override;
  Task<std::span<const std::byte>> next(OpContext& context) override;

 private:
  void begin_chunk();

  Body& inner_;
  const std::string_view header_;
  const std::size_t value_size_;
  std::uint64_t encoded_size_;
  std::uint64_t left_ = 0;        // bytes of the content that are still to come
  std::uint64_t chunk_left_ = 0;  // of those in the chunk that is open
  std::span<const std::byte> piece_;
  std::string frame_;
  bool started_ = false;
  bool ended_ = false;
};

// Attached to one call, and kept until the call has ended.
class OutgoingBody {
 public:
  // `algorithm`: what to compute if `known` is not given. Throws data_loss where `known` is not that of a
  // body in memory.
  OutgoingBody(const S3Bucket& bucket, Body& body, std::optional<ChecksumAlgorithm> algorithm,
               std::optional<Checksum> known);

  // Sets body, payload hash, checksum headers, Expect and whether latency tells anything.
  void attach(Call& call);
  // Likewise; `trailers`: a checksum that is not known beforehand goes behind the last byte.
  void attach(Call& call, bool trailers);

  // After the call has succeeded: of what was sent, if it was computed or known.
  std::optional<Checksum> checksum();

  // Whether the answer confirms the checksum. Throws data_loss if it contradicts.
  bool confirmed_by(const Document& answer);

 private:
  // Before the bytes or behind them.
  bool sends_checksum() const;

  const S3Bucket& bucket_;
  Body& body_;
  std::optional<ChecksumAlgorithm> algorithm_;
  std::optional<Checksum> known_;
  std::optional<HashingBody> hashing_;
  std::optional<TrailerBody> trailer_;
  std::string payload_hash_;
};

}  // namespace haul::s3

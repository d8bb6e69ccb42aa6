// One object from here to there, and the proof that it arrived.
//
// Three ways, chosen per object:
//   server side   the destination's service copies by itself (Store::can_copy_from)
//   streamed      one read, one write: small objects through one pooled buffer
//   parts         large objects in parallel parts, visible only when all have arrived and agree
// The source is pinned to the state that was listed. If it changes under way, the object is looked up and
// moved again as a whole, a few times; then it has failed as source_changed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/checksum.h"
#include "runtime/bandwidth.h"
#include "runtime/shard.h"
#include "store/store.h"
#include "transfer/property_mapping.h"
#include "transfer/source.h"

namespace haul::transfer {

enum class Verify : std::uint8_t {
  none,
  copied,  // each byte is checksummed as it is read, and compared with what the destination says of itself
  all,     // the same, and the destination is read back
};

enum class Method : std::uint8_t { server_side, streamed, parts };

// What is known of the equality of both sides; each includes the ones before.
enum class Proof : std::uint8_t {
  none,      // not asked for
  size,      // the destination can say no more of itself
  etag,      // both sides have the same MD5 etag
  checksum,  // the destination has compared, or told, a checksum of what arrived
  read_back,
};

std::string_view to_string(Method method) noexcept;
std::string_view to_string(Proof proof) noexcept;

struct TransferOptions {
  Verify verify = Verify::copied;
  Preserve preserve;
  bool server_side = true;                            // false: stream always
  std::string storage_class;                          // for what is written; empty: the store's setting
  std::uint64_t single_write_threshold = 8ULL << 20;  // larger objects travel in parts
  std::uint64_t part_size = 0;                        // 0: chosen from the object's size
  unsigned parallel_parts = 0;                        // per object; 0: grows with the object
  int source_attempts = 3;                            // for a source that changes under way
  std::uint64_t drain_allowance = 64ULL << 20;     // a drain lets an object with no more than this left end
  std::chrono::milliseconds cleanup_time{10'000};  // for aborting an upload, also while stopping
  Bandwidth* bandwidth = nullptr;                  // must outlive the Transfer
};

struct TransferRequest {
  store::Store& source;
  std::string source_key;
  std::string source_version;  // empty: the latest
  store::Store& destination;
  std::string destination_key;
  // As listed; its views must outlive the transfer. Nothing: the source is looked up first.
  std::optional<store::Entry> facts;
  store::WriteMode mode = store::WriteMode::overwrite;
  std::string if_etag;  // with WriteMode::if_etag
};

struct TransferResult {
  store::Written written;
  std::uint64_t bytes = 0;  // of the object
  Method how = Method::streamed;
  Proof proof = Proof::none;
  std::optional<Checksum> checksum;  // of the bytes that were read; nothing if they did not pass here
  std::vector<std::string> losses;   // "tags", "metadata", "owner" ...: asked for and not kept
  int attempts = 1;
  bool condition_failed = false;  // nothing was written (create_only, if_etag)
  Time source_modified{};         // of the state that was moved
  std::string source_etag;
};

// Bytes from somewhere that does not say how many: standard input.
class StreamSource {
 public:
  virtual ~StreamSource() = default;
  // Fills from the front of `into`, at least one byte; 0 at the end.
  virtual Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) = 0;
};

struct StreamRequest {
  StreamSource& source;
  store::Store& destination;
  std::string destination_key;
  store::Properties properties;  // without a content type one is guessed from the key
  store::WriteMode mode = store::WriteMode::overwrite;
  std::string if_etag;
};

// Moves objects under one set of options. Thread safety: object() and stream() may be called on any shard of
// the runtime that it was made for, which must outlive it; it must outlive the tasks.
class Transfer {
 public:
  Transfer(Runtime& runtime, TransferOptions options);
  ~Transfer();

  // Throws what the stores throw for good; source_changed if the source does not hold still; data_loss if
  // what arrived is not what was read (the wrong object has been removed then). not_found: no such source.
  Task<TransferResult> object(TransferRequest request, OpContext& context);

  // Writes a stream of unknown length. It is read once, so what fails after the first part fails for good.
  Task<TransferResult> stream(StreamRequest request, OpContext& context);

  const TransferOptions& options() const noexcept { return options_; }
  // Bytes that have passed through here so far, on all shards.
  std::uint64_t bytes_moved() const noexcept;

 private:
  struct Lane;  // what a shard has for itself

  Task<TransferResult> attempt(const TransferRequest& request, const SourceState& state, OpContext& context);
  Task<TransferResult> server_side(const TransferRequest& request, const SourceState& state,
                                   OpContext& context);
  Task<TransferResult> in_one_piece(const TransferRequest& request, const SourceState& state,
                                    OpContext& context);
  Task<TransferResult> directory(const TransferRequest& request, const SourceState& state,
                                 OpContext& context);
  Task<TransferResult> in_parts(const TransferRequest& request, const SourceState& state, OpContext& context);
  Task<SourceState> look_up(const TransferRequest& request, OpContext& context);

  // Throws data_loss, and removes what was written, if it is not what was read.
  Task<> check_arrival(store::Store& destination, const std::string& key, TransferResult& result,
                       OpContext& context);
  Task<> read_back(store::Store& destination, const std::string& key, TransferResult& result,
                   OpContext& context);
  // The checksum of a source whose bytes did not pass here.
  Task<Checksum> hash_source(const TransferRequest& request, const SourceState& state, OpContext& context);
  unsigned parallel_for(std::uint64_t size) const noexcept;
  Task<> reject(store::Store& destination, std::string_view key, const store::Written& written,
                std::string reason, OpContext& context);
  Task<> abandon(store::Upload& upload, std::string subject, OpContext& context);

  bool fits_one_write(std::uint64_t size, const store::Capabilities& destination) const noexcept;
  store::WriteOptions write_options(const TransferRequest& request, const SourceState& state) const;
  // For cleaning up: not stopped by what stops the transfer, and over in bounded time.
  OpContext cleanup_context(const OpContext& context) const;
  Lane& lane(const OpContext& context) const noexcept;

  const TransferOptions options_;
  const StopFlag never_stopped_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace haul::transfer

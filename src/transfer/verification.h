// What is known of an object that was written, compared with what was read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "store/store.h"
#include "transfer/buffer_pool.h"
#include "transfer/source.h"

namespace haul::transfer {

struct TransferResult;

// Compares what the destination says of itself with what was read, and sets result.proof. Nothing if they
// agree as far as can be told; else what differs. A store that says nothing of a size or checksum is not
// contradicted.
std::optional<std::string> find_difference(TransferResult& result);

// Throws data_loss if the source's store keeps another checksum with the object than that of the bytes read.
void check_against_source(const store::Details& details, const Checksum& read, const store::Store& source);

// How an object is read for its checksum alone.
struct HashJob {
  store::Store& store;
  std::string_view key;
  const store::Pin& pin;
  std::uint64_t size;
  ChecksumAlgorithm algorithm;
  unsigned parallel;
  std::uint64_t drain_allowance;
  BufferPool& buffers;
  Bandwidth* line;
};

// Reads the object, CRCs in parallel ranges. What the job refers to must outlive the await.
Task<Checksum> hash_object(const HashJob& job, OpContext& context);

// Removes an object that was written wrong, if it is still the one that was written.
Task<> remove_written(store::Store& destination, std::string_view key, const store::Written& written,
                      OpContext& context);

}  // namespace haul::transfer

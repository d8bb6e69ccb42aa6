// Bytes that are read from front to end, wherever they lie: what manifests are read from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "runtime/context.h"
#include "runtime/task.h"
#include "store/store.h"

namespace haul::listing {

// Belongs to one coroutine at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills from the front of `into`, at least one byte; 0 at the end. Throws what the place throws.
  virtual Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) = 0;
};

struct OpenedBytes {
  std::unique_ptr<ByteSource> bytes;
  std::string state;  // of the whole: another one means other bytes. Empty where that cannot be told (pipes)
};

// A file of this machine, from `offset` on. Throws as opening a file does.
Task<OpenedBytes> open_file(std::string path, std::uint64_t offset, OpContext& context);
// An object. Throws not_found and what Store::read() throws.
Task<OpenedBytes> open_object(std::shared_ptr<store::Store> store, std::string key, std::uint64_t offset,
                              OpContext& context);

// What `compressed` unpacks to by gzip, in one or several members. Throws data_loss, on `name`, for what is
// no gzip, is cut off, or has something else behind it.
std::unique_ptr<ByteSource> unzipped(std::unique_ptr<ByteSource> compressed, std::string name);

// The same bytes, which at their end must have had this length and MD5 (hexadecimal). Throws data_loss, on
// `name`, if not. Either may be missing.
std::unique_ptr<ByteSource> verified(std::unique_ptr<ByteSource> bytes, std::optional<std::uint64_t> size,
                                     std::string md5, std::string name);

// `first`, and then what `rest` still has, if there is one.
std::unique_ptr<ByteSource> put_back(std::string first, std::unique_ptr<ByteSource> rest);

// All of it. Throws exhausted, on `name`, beyond `most` bytes.
Task<std::string> read_whole(std::unique_ptr<ByteSource> bytes, std::size_t most, std::string name,
                             OpContext& context);

}  // namespace haul::listing

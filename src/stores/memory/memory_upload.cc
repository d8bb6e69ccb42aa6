#include "stores/memory/memory_upload.h"

#include <array>

#include "base/digest.h"
#include "base/encoding.h"

namespace haul::memory {

MemoryUpload::MemoryUpload(MemoryStore& store, std::string key, const store::WriteOptions& options)
    : store_(store), key_(std::move(key)), options_(options) {
  if (options.properties != nullptr) properties_ = *options.properties;
  options_.properties = &properties_;
  const std::lock_guard lock(store_.mutex_);
  ++store_.pending_uploads_;
}

void MemoryUpload::end() {
  if (ended_) throw store_.failure(ErrorClass::not_found, "the upload has ended already", "upload", key_);
  ended_ = true;
  const std::lock_guard lock(store_.mutex_);
  --store_.pending_uploads_;
}

Task<Checksum> MemoryUpload::write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                                        OpContext& context) {
  context.check();
  const auto& limits = store_.options_.capabilities;
  if (ended_) throw store_.failure(ErrorClass::not_found, "the upload has ended already", "upload", key_);
  if (number < 1 || number > limits.max_parts || part.size() > limits.max_part) {
    throw store_.failure(ErrorClass::invalid_argument,
                         "part " + std::to_string(number) + " is beyond what the store takes", "upload",
                         key_);
  }
  std::string content = co_await drain(part, context);
  const Checksum sum = checksum_of(checksum_algorithm(), as_bytes(content));
  parts_.insert_or_assign(number, Part{offset, std::move(content)});
  co_return sum;
}

Task<store::Written> MemoryUpload::complete(const Checksum& whole, OpContext& context) {
  context.check();
  MemoryStore::State state;
  Digest md5(DigestAlgorithm::md5);
  for (const auto& [number, part] : parts_) {
    if (part.offset != state.content.size()) {
      throw store_.failure(ErrorClass::invalid_argument,
                           "part " + std::to_string(number) + " does not follow the one before it", "upload",
                           key_);
    }
    const bool is_last = number == parts_.rbegin()->first;
    if (!is_last && part.content.size() < store_.options_.capabilities.min_part) {
      throw store_.failure(ErrorClass::invalid_argument,
                           "part " + std::to_string(number) + " is smaller than the store takes", "upload",
                           key_);
    }
    state.content += part.content;
    std::array<std::byte, 16> digest;
    Digest of_part(DigestAlgorithm::md5);
    of_part.update(as_bytes(part.content));
    of_part.finish(digest);
    md5.update(digest);
  }
  std::array<std::byte, 16> digest;
  md5.finish(digest);
  state.etag = to_hex(digest) + "-" + std::to_string(parts_.size());
  state.part_count = static_cast<unsigned>(parts_.size());
  state.modified = context.env().wall_now();
  try {
    verify_content(state.content, whole);
  } catch (const Error& error) {
    throw error.during("upload").on(store_.describe(key_));
  }
  end();
  store::Written written = store_.commit(key_, std::move(state), options_);
  written.server_verified = !written.condition_failed;
  co_return written;
}

Task<> MemoryUpload::abort(OpContext&) {
  end();
  parts_.clear();
  co_return;
}

}  // namespace haul::memory

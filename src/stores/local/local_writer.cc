#include "stores/local/local_writer.h"

#include <algorithm>

#include "stores/local/attributes.h"

namespace haul::local {
namespace {

// Bodies up to this size are gathered and written in one go on the pool.
constexpr std::uint64_t kWrittenAtOnce = 256 * 1024;
// Pieces of larger ones are written as they come if they are at least this long, else gathered: a system call
// and a change of threads for every few kilobytes would cost more than the copy.
constexpr std::size_t kWorthWriting = 128 * 1024;
constexpr std::size_t kGathered = 512 * 1024;

ArrivalOptions arrival_options(const store::WriteOptions& options) {
  return {.mode = options.mode, .properties = options.properties};
}

bool has_own_mode(const Place& place, const store::Properties* properties) {
  return properties != nullptr && properties->posix && properties->posix->mode && place.options.preserve.mode;
}

// Computes what is needed of a content as it passes: the CRC that costs nothing, and what was promised.
class ContentCheck {
 public:
  explicit ContentCheck(const store::WriteOptions& options) : crc_(ChecksumAlgorithm::crc64nvme) {
    if (!options.checksum || options.checksum->type() != ChecksumType::full_object) return;
    promised_ = options.checksum;
    if (promised_->algorithm() != ChecksumAlgorithm::crc64nvme) other_.emplace(promised_->algorithm());
  }

  void update(ByteView bytes) {
    crc_.update(bytes);
    if (other_) other_->update(bytes);
  }

  // Throws data_loss if the content is not what was promised.
  void finish(std::uint64_t size, store::Written& written) {
    if (crc_.length() != size) {
      throw Error(ErrorClass::data_loss, "the body gave " + std::to_string(crc_.length()) +
                                             " bytes where it promised " + std::to_string(size));
    }
    written.size = size;
    written.checksums.put(crc_.finish());
    if (other_) written.checksums.put(other_->finish());
    if (!promised_) return;
    if (*written.checksums.find(promised_->algorithm()) != *promised_)
      throw Error(ErrorClass::data_loss, "the content that arrived has another checksum than was promised");
    written.server_verified = true;
  }

 private:
  Hasher crc_;
  std::optional<Hasher> other_;
  std::optional<Checksum> promised_;
};

struct WriteJob {
  std::shared_ptr<Place> place;
  FilePath path;
  store::WriteOptions options;
  std::uint64_t chance;
};

store::Written write_link(const WriteJob& job, ByteView content) {
  store::Written written;
  written.size = content.size();
  written.condition_failed =
      !restore_link(*job.place, job.path, std::string(as_text(content)), job.chance, job.options.mode);
  if (!written.condition_failed) name_losses(*job.options.properties, written.losses);
  return written;
}

// A content that is in memory, from the first system call to the last.
store::Written write_at_once(const WriteJob& job, ByteView content, std::uint64_t size) {
  ContentCheck check(job.options);
  check.update(content);
  store::Written written;
  check.finish(size, written);
  const ArrivalOptions options = arrival_options(job.options);
  if (job.path.directory) {
    written.condition_failed = !arrive_directory(*job.place, job.path, options, written.losses);
    return written;
  }
  if (was_symlink(options.properties)) {
    if (job.place->options.restore_links != LinkRestore::never) return write_link(job, content);
    written.losses.emplace_back("symlink");
  }
  Arrival arrival(job.place, job.path, job.chance, Arrival::Lock::none,
                  has_own_mode(*job.place, options.properties));
  arrival.write_at(0, content);
  written.condition_failed = !arrival.arrive(options, written.losses);
  return written;
}

Task<std::string> gather(Body& body, OpContext& context) {
  std::string content;
  content.reserve(body.size());
  for (auto piece = co_await body.next(context); !piece.empty(); piece = co_await body.next(context))
    content += as_text(piece);
  co_return content;
}

Task<> append(Arrival& arrival, std::uint64_t& offset, ContentCheck& check, ByteView bytes,
              OpContext& context) {
  if (bytes.empty()) co_return;
  co_await context.blocking([&arrival, &check, bytes, at = offset] {
    check.update(bytes);
    arrival.write_at(at, bytes);
  });
  offset += bytes.size();
}

Task<> append_all(Arrival& arrival, std::uint64_t& offset, ContentCheck& check, Body& body,
                  OpContext& context) {
  std::string gathered;
  for (auto piece = co_await body.next(context); !piece.empty(); piece = co_await body.next(context)) {
    if (gathered.empty() && piece.size() >= kWorthWriting) {
      co_await append(arrival, offset, check, piece, context);
      continue;
    }
    gathered += as_text(piece);
    if (gathered.size() < kGathered) continue;
    co_await append(arrival, offset, check, as_bytes(gathered), context);
    gathered.clear();
  }
  co_await append(arrival, offset, check, as_bytes(gathered), context);
}

Task<store::Written> write_streaming(const WriteJob& job, Body& body, OpContext& context) {
  Arrival arrival = co_await context.blocking([&job] {
    Arrival made(job.place, job.path, job.chance, Arrival::Lock::held,
                 has_own_mode(*job.place, job.options.properties));
    return made;
  });
  ContentCheck check(job.options);
  std::uint64_t offset = 0;
  co_await append_all(arrival, offset, check, body, context);
  co_return co_await context.blocking([&arrival, &job, &check, size = body.size()] {
    store::Written written;
    check.finish(size, written);
    if (was_symlink(job.options.properties)) written.losses.emplace_back("symlink");
    written.condition_failed = !arrival.arrive(arrival_options(job.options), written.losses);
    return written;
  });
}

Task<store::Written> write_once(const WriteJob& job, Body& body, bool again, OpContext& context) {
  if (again) co_await body.rewind(context);
  const ByteView memory = body.memory();
  if (!memory.empty() || body.size() <= kWrittenAtOnce) {
    std::string gathered;
    if (memory.empty() && body.size() > 0) gathered = co_await gather(body, context);
    const ByteView content = memory.empty() ? as_bytes(gathered) : memory;
    co_return co_await context.blocking(
        [&job, content, size = body.size()] { return write_at_once(job, content, size); });
  }
  co_return co_await write_streaming(job, body, context);
}

}  // namespace

void check_writable(const Place& place, std::string_view key, const store::WriteOptions& options) {
  const auto refuse = [&](ErrorClass error_class, std::string_view why) {
    throw Error(error_class, std::string(why)).during("write").on(place.root.describe(key));
  };
  if (const std::string_view why = why_not_a_file(key); !why.empty())
    refuse(ErrorClass::invalid_argument, why);
  if (options.mode == store::WriteMode::if_etag)
    refuse(ErrorClass::unsupported, "files have no etags that a condition could name");
}

Task<store::Written> write_body(std::shared_ptr<Place> place, std::string key, Body& body,
                                store::WriteOptions options, OpContext& context) {
  context.check();
  check_writable(*place, key, options);
  if (key.ends_with('/') && body.size() > 0) {
    throw Error(ErrorClass::invalid_argument,
                "a key that ends in '/' is a directory here and holds no content")
        .during("write")
        .on(place->root.describe(key));
  }
  const WriteJob job{std::move(place), to_path(key), std::move(options), context.env().random()};
  const Replay replay = body.replayable() ? Replay::safe : Replay::unsafe;
  bool again = false;
  try {
    co_return co_await with_retry(context, job.place->options.retry, replay, [&job, &body, &again, &context] {
      return write_once(job, body, std::exchange(again, true), context);
    });
  } catch (const Error& error) {
    if (!error.operation().empty()) throw;
    throw error.during("write").on(job.place->root.describe(job.path.raw));
  }
}

LocalUpload::LocalUpload(std::shared_ptr<Place> place, const std::string& key,
                         const store::WriteOptions& options, std::uint64_t chance)
    : place_(place),
      options_(options),
      arrival_(place, to_path(key), chance, Arrival::Lock::held, has_own_mode(*place, options.properties)) {
  if (options.properties != nullptr) {
    properties_ = *options.properties;
    options_.properties = &properties_;
  }
  arrival_.reserve(options.size);
}

Error LocalUpload::failure(ErrorClass error_class, std::string message) const {
  return Error(error_class, std::move(message))
      .during("upload")
      .on(place_->root.describe(arrival_.path().raw));
}

Task<Checksum> LocalUpload::write_part(std::uint32_t number, std::uint64_t offset, Body& part,
                                       OpContext& context) {
  context.check();
  if (ended_) throw failure(ErrorClass::not_found, "the upload has ended already");
  const Replay replay = part.replayable() ? Replay::safe : Replay::unsafe;
  bool again = false;
  const Checksum sum =
      co_await with_retry(context, place_->options.retry, replay, [this, offset, &part, &again, &context] {
        return write_part_once(offset, part, std::exchange(again, true), context);
      });
  parts_.insert_or_assign(number, Part{offset, part.size(), sum});
  co_return sum;
}

Task<Checksum> LocalUpload::write_part_once(std::uint64_t offset, Body& part, bool again,
                                            OpContext& context) {
  if (again) co_await part.rewind(context);
  ContentCheck check(store::WriteOptions{});
  std::uint64_t at = offset;
  if (const ByteView memory = part.memory(); !memory.empty()) {
    co_await append(arrival_, at, check, memory, context);
  } else {
    co_await append_all(arrival_, at, check, part, context);
  }
  if (at - offset != part.size())
    throw failure(ErrorClass::data_loss, "the part gave another number of bytes than it promised");
  store::Written written;
  check.finish(part.size(), written);
  co_return *written.checksums.find(checksum_algorithm());
}

// The size of the whole. Throws if parts are missing or the content is not that of the source.
std::uint64_t LocalUpload::verify(const Checksum& whole) {
  std::uint64_t size = 0;
  Checksum sum = checksum_of(checksum_algorithm(), {});
  for (const auto& [number, part] : parts_) {
    if (part.offset != size) {
      throw failure(ErrorClass::invalid_argument,
                    "part " + std::to_string(number) + " does not follow the one before it");
    }
    sum = combine(sum, part.sum, part.size);
    size += part.size;
  }
  if (whole.type() != ChecksumType::full_object) return size;
  if (whole.algorithm() != sum.algorithm()) {
    Hasher hasher(whole.algorithm());
    std::string buffer(1 << 20, '\0');
    for (std::uint64_t at = 0; at < size;) {
      const std::span<std::byte> room = std::as_writable_bytes(std::span(buffer));
      const std::size_t count =
          arrival_.read_at(at, room.first(std::min<std::uint64_t>(room.size(), size - at)));
      if (count == 0) throw failure(ErrorClass::data_loss, "the temporary file ends early");
      hasher.update(room.first(count));
      at += count;
    }
    sum = hasher.finish();
  }
  if (sum != whole) throw failure(ErrorClass::data_loss, "what arrived has another checksum than its source");
  return size;
}

Task<store::Written> LocalUpload::complete(const Checksum& whole, OpContext& context) {
  context.check();
  if (ended_) throw failure(ErrorClass::not_found, "the upload has ended already");
  store::Written written = co_await context.blocking([this, whole] {
    store::Written result;
    result.size = verify(whole);
    result.server_verified = true;
    result.checksums.put(whole);
    // A part sent again may have been longer before.
    arrival_.truncate(result.size);
    if (was_symlink(options_.properties)) result.losses.emplace_back("symlink");
    result.condition_failed = !arrival_.arrive(arrival_options(options_), result.losses);
    return result;
  });
  ended_ = true;
  co_return written;
}

Task<> LocalUpload::abort(OpContext& context) {
  ended_ = true;
  co_await context.blocking([this] { arrival_.discard(); });
}

}  // namespace haul::local

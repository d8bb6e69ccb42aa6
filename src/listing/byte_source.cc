#include "listing/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/encoding.h"
#include "base/utf8.h"

namespace haul::listing {
namespace {

class FileBytes final : public ByteSource {
 public:
  FileBytes(std::string path, std::uint64_t offset) : path_(std::move(path)) {
    do {
      file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    } while (file_ < 0 && errno == EINTR);
    if (file_ < 0) throw failure();
    struct stat facts{};
    if (::fstat(file_, &facts) != 0 ||
        (offset != 0 && ::lseek(file_, static_cast<off_t>(offset), SEEK_SET) < 0)) {
      const Error error = failure();
      ::close(file_);
      throw error;
    }
    if (S_ISREG(facts.st_mode))
      state_ = fmt::format("{}-{}.{:09}", facts.st_size, facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
  }
  ~FileBytes() override { ::close(file_); }
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    co_return co_await context.blocking([this, into] { return read(into); });
  }
  const std::string& state() const noexcept { return state_; }

 private:
  std::size_t read(std::span<std::byte> into) const {
    ssize_t got = -1;
    do {
      got = ::read(file_, into.data(), into.size());
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw failure();
    return static_cast<std::size_t>(got);
  }
  Error failure() const { return errno_error(errno, "read manifest", visible(path_)); }

  const std::string path_;
  std::string state_;
  int file_ = -1;
};

class ObjectBytes final : public ByteSource {
 public:
  ObjectBytes(std::shared_ptr<store::Store> store, std::unique_ptr<store::Reader> reader)
      : store_(std::move(store)), reader_(std::move(reader)) {}

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    co_return co_await reader_->read_some(into, context);
  }

 private:
  std::shared_ptr<store::Store> store_;
  std::unique_ptr<store::Reader> reader_;
};

class NoBytes final : public ByteSource {
  Task<std::size_t> read_some(std::span<std::byte>, OpContext&) override { co_return 0; }
};

class Unzipped final : public ByteSource {
 public:
  Unzipped(std::unique_ptr<ByteSource> inner, std::string name)
      : inner_(std::move(inner)), name_(std::move(name)), packed_(128U << 10) {
    constexpr int kGzip = 15 + 16;  // zlib's way to say: the largest window, with gzip's header
    if (::inflateInit2(&stream_, kGzip) != Z_OK)
      throw Error(ErrorClass::exhausted, "no memory to unpack").on(name_);
  }
  ~Unzipped() override { ::inflateEnd(&stream_); }
  Unzipped(const Unzipped&) = delete;
  Unzipped& operator=(const Unzipped&) = delete;

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    while (true) {
      if (stream_.avail_in == 0 && !ended_) {
        const std::size_t got = co_await inner_->read_some(packed_, context);
        ended_ = got == 0;
        stream_.next_in = reinterpret_cast<Bytef*>(packed_.data());
        stream_.avail_in = static_cast<uInt>(got);
      }
      if (between_ && stream_.avail_in == 0 && ended_) co_return 0;
      if (const std::size_t made = unpack(into); made != 0) co_return made;
      if (ended_ && stream_.avail_in == 0 && !between_)
        throw Error(ErrorClass::data_loss, "the compressed data is cut off").on(name_);
    }
  }

 private:
  std::size_t unpack(std::span<std::byte> into) {
    if (between_ && stream_.avail_in != 0) {
      ::inflateReset(&stream_);
      between_ = false;
    }
    stream_.next_out = reinterpret_cast<Bytef*>(into.data());
    stream_.avail_out = static_cast<uInt>(into.size());
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    if (result == Z_STREAM_END)
      between_ = true;
    else if (result != Z_OK && result != Z_BUF_ERROR)
      throw Error(ErrorClass::data_loss, fmt::format("the compressed data is damaged: {}",
                                                     stream_.msg != nullptr ? stream_.msg : ::zError(result)))
          .on(name_);
    return into.size() - stream_.avail_out;
  }

  std::unique_ptr<ByteSource> inner_;
  const std::string name_;
  std::vector<std::byte> packed_;
  z_stream stream_{};
  bool ended_ = false;    // of inner_
  bool between_ = false;  // behind a member that is complete
};

class Verified final : public ByteSource {
 public:
  Verified(std::unique_ptr<ByteSource> inner, std::optional<std::uint64_t> size, std::string md5,
           std::string name)
      : inner_(std::move(inner)), size_(size), md5_(std::move(md5)), name_(std::move(name)) {
    if (!md5_.empty()) digest_.emplace(DigestAlgorithm::md5);
  }

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    const std::size_t got = co_await inner_->read_some(into, context);
    seen_ += got;
    if (got == 0)
      compare();
    else if (digest_)
      digest_->update(into.first(got));
    co_return got;
  }

 private:
  void compare() {
    if (size_ && *size_ != seen_)
      throw Error(ErrorClass::data_loss, fmt::format("has {} bytes, and its manifest says {}", seen_, *size_))
          .on(name_);
    if (!digest_) return;
    std::array<std::byte, 16> found;
    digest_->finish(found);
    digest_.reset();
    std::array<std::byte, 16> expected;
    if (!decode_hex(md5_, expected) || expected != found)
      throw Error(ErrorClass::data_loss,
                  fmt::format("its MD5 is {}, and its manifest says {}", to_hex(found), visible(md5_)))
          .on(name_)
          .with_hint("fetch it again, or wait for the next inventory");
  }

  std::unique_ptr<ByteSource> inner_;
  const std::optional<std::uint64_t> size_;
  const std::string md5_, name_;
  std::optional<Digest> digest_;
  std::uint64_t seen_ = 0;
};

class PutBack final : public ByteSource {
 public:
  PutBack(std::string first, std::unique_ptr<ByteSource> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    if (given_ == first_.size()) co_return rest_ ? co_await rest_->read_some(into, context) : 0;
    const std::size_t n = std::min(into.size(), first_.size() - given_);
    std::memcpy(into.data(), first_.data() + given_, n);
    given_ += n;
    co_return n;
  }

 private:
  std::string first_;
  std::size_t given_ = 0;
  std::unique_ptr<ByteSource> rest_;
};

}  // namespace

Task<OpenedBytes> open_file(std::string path, std::uint64_t offset, OpContext& context) {
  auto bytes =
      co_await context.blocking([&path, offset] { return std::make_unique<FileBytes>(path, offset); });
  OpenedBytes opened;
  opened.state = bytes->state();
  opened.bytes = std::move(bytes);
  co_return opened;
}

Task<OpenedBytes> open_object(std::shared_ptr<store::Store> store, std::string key, std::uint64_t offset,
                              OpContext& context) {
  OpenedBytes opened;
  store::ReadOptions options;
  options.properties = false;
  if (offset != 0) {
    // A range has an end, and an object that is no longer has none there.
    const auto details = co_await store->stat(key, {}, context);
    if (!details) throw Error(ErrorClass::not_found, "there is no such object").on(store->describe(key));
    opened.state = fmt::format("{}-{}", details->size, details->etag);
    if (details->size <= offset) {
      opened.bytes = std::make_unique<NoBytes>();
      co_return opened;
    }
    options.range = {.offset = offset, .length = details->size - offset};
    options.pin.etag = details->etag;
  }
  auto reader = co_await store->read(std::move(key), std::move(options), context);
  opened.state = fmt::format("{}-{}", reader->details().size, reader->details().etag);
  opened.bytes = std::make_unique<ObjectBytes>(std::move(store), std::move(reader));
  co_return opened;
}

std::unique_ptr<ByteSource> unzipped(std::unique_ptr<ByteSource> compressed, std::string name) {
  return std::make_unique<Unzipped>(std::move(compressed), std::move(name));
}

std::unique_ptr<ByteSource> verified(std::unique_ptr<ByteSource> bytes, std::optional<std::uint64_t> size,
                                     std::string md5, std::string name) {
  return std::make_unique<Verified>(std::move(bytes), size, std::move(md5), std::move(name));
}

std::unique_ptr<ByteSource> put_back(std::string first, std::unique_ptr<ByteSource> rest) {
  return std::make_unique<PutBack>(std::move(first), std::move(rest));
}

Task<std::string> read_whole(std::unique_ptr<ByteSource> bytes, std::size_t most, std::string name,
                             OpContext& context) {
  std::string all;
  std::size_t filled = 0;
  while (true) {
    all.resize(std::max<std::size_t>(2 * filled, 64U << 10));
    const std::size_t got =
        co_await bytes->read_some(std::as_writable_bytes(std::span(all).subspan(filled)), context);
    filled += got;
    if (filled > most)
      throw Error(ErrorClass::exhausted, fmt::format("has more than {} bytes", most)).on(name);
    if (got == 0) break;
  }
  all.resize(filled);
  co_return all;
}

}  // namespace haul::listing

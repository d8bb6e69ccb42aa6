#include "stores/local/local_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "stores/local/attributes.h"

namespace haul::local {
namespace {

// One read is at most this long, so that a wish to stop is heard soon.
constexpr std::size_t kLongestRead = 8 << 20;

bool is_absence(int error) noexcept {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

Error changed(const Place& place, const FilePath& path) {
  return Error(ErrorClass::source_changed, "the file has changed since it was listed or opened")
      .during("read")
      .on(place.root.describe(path.raw));
}

class LocalReader final : public store::Reader {
 public:
  LocalReader(std::shared_ptr<Place> place, FilePath path)
      : place_(std::move(place)), path_(std::move(path)) {}

  const store::Details& details() const override { return details_; }
  std::uint64_t size() const override { return size_; }

  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context) override {
    context.check();
    into = into.first(std::min<std::uint64_t>({into.size(), size_ - given_, kLongestRead}));
    if (into.empty()) co_return 0;
    if (content_) {
      std::memcpy(into.data(), content_.get() + given_, into.size());
    } else {
      co_await with_retry(context, place_->options.retry, Replay::safe, [this, into, &context] {
        return context.blocking([this, into] { fill(into, given_); });
      });
    }
    given_ += into.size();
    co_return into.size();
  }

  void open(const std::string& key, const store::ReadOptions& options);

 private:
  void fill(std::span<std::byte> into, std::uint64_t at);
  void read_link(const store::ReadOptions& options);
  void choose_range(const store::ReadOptions& options);
  Error failure(int error, std::string_view operation) const {
    return place_->root.failure(error, operation, path_.raw);
  }

  std::shared_ptr<Place> place_;
  FilePath path_;
  store::Details details_;
  struct stat before_{};
  Descriptor file_;  // closed with the last byte
  std::uint64_t begin_ = 0, size_ = 0, given_ = 0;
  std::unique_ptr<std::byte[]> content_;  // of small files and links
};

void LocalReader::open(const std::string& key, const store::ReadOptions& options) {
  // Not blocking, since opening a pipe would wait for a writer; files do not care.
  Opened opened = place_->root.open(path_.raw, O_RDONLY | O_NOCTTY | O_NONBLOCK, place_->reading());
  if (opened.error == ELOOP && place_->options.symlinks == SymlinkMode::preserve) return read_link(options);
  if (opened.error == ENXIO)
    throw failure(EINVAL, "open").with_hint("it is a socket or a device, not a file");
  if (opened.error == ENOTDIR) throw failure(ENOENT, "open");
  if (!opened) throw failure(opened.error, "open");
  file_ = std::move(opened.descriptor);
  if (::fstat(file_.get(), &before_) != 0) throw failure(errno, "stat");
  if (S_ISDIR(before_.st_mode)) throw failure(ENOENT, "open").with_hint("it is a directory");
  if (!S_ISREG(before_.st_mode))
    throw failure(EINVAL, "open").with_hint("it is a pipe or a device, not a file");
  details_.key = key;
  describe_file(before_, options.properties, details_);
  choose_range(options);
  if (size_ > kReadWithOpen) {
    ::posix_fadvise(file_.get(), static_cast<off_t>(begin_), static_cast<off_t>(size_),
                    POSIX_FADV_SEQUENTIAL);
    return;
  }
  content_ = std::make_unique_for_overwrite<std::byte[]>(std::max<std::uint64_t>(size_, 1));
  fill({content_.get(), size_}, 0);
}

void LocalReader::choose_range(const store::ReadOptions& options) {
  const auto& pin = options.pin;
  if ((pin.size && *pin.size != details_.size) || (pin.modified && *pin.modified != details_.modified))
    throw changed(*place_, path_);
  size_ = details_.size;
  if (!options.range) return;
  begin_ = options.range->offset;
  if (begin_ > 0 && begin_ >= size_) {
    throw Error(ErrorClass::invalid_argument, "the range begins behind the end of the file")
        .during("read")
        .on(place_->root.describe(path_.raw));
  }
  size_ = std::min(size_ - begin_, options.range->length);
}

// Reads all of `into`, which begins `at` bytes into the range; with the last byte looks whether the file is
// still the same.
void LocalReader::fill(std::span<std::byte> into, std::uint64_t at) {
  while (!into.empty()) {
    const ssize_t count = uninterrupted(
        [&] { return ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(begin_ + at)); });
    if (count < 0) throw failure(errno, "read");
    if (count == 0) throw changed(*place_, path_);  // it has become shorter
    into = into.subspan(static_cast<std::size_t>(count));
    at += static_cast<std::uint64_t>(count);
  }
  if (at < size_) return;
  struct stat after;
  if (::fstat(file_.get(), &after) != 0) throw failure(errno, "stat");
  if (!same_state(before_, after)) throw changed(*place_, path_);
  file_.close();
}

void LocalReader::read_link(const store::ReadOptions& options) {
  Opened link = place_->root.open(path_.raw, O_PATH | O_NOFOLLOW);
  if (!link) throw failure(link.error, "open");
  if (::fstat(link.descriptor.get(), &before_) != 0) throw failure(errno, "stat");
  std::string target(kLongestPath + 1, '\0');
  const ssize_t count = ::readlinkat(link.descriptor.get(), "", target.data(), target.size());
  if (count < 0) throw failure(errno, "read link");
  details_.key = path_.raw;
  before_.st_size = count;
  describe_file(before_, options.properties, details_);
  choose_range(options);
  content_ = std::make_unique_for_overwrite<std::byte[]>(std::max<std::uint64_t>(size_, 1));
  std::memcpy(content_.get(), target.data() + begin_, size_);
}

}  // namespace

std::unique_ptr<store::Reader> open_reader(std::shared_ptr<Place> place, const std::string& key,
                                           const store::ReadOptions& options) {
  auto reader = std::make_unique<LocalReader>(std::move(place), to_path(key));
  reader->open(key, options);
  return reader;
}

std::optional<store::Details> look_up(const Place& place, const std::string& key, bool properties) {
  const FilePath path = to_path(key);
  const bool follow = place.reading() == Links::follow;
  const Opened opened = place.root.open(path.raw, O_PATH | (follow ? 0 : O_NOFOLLOW), place.reading());
  if (is_absence(opened.error)) return std::nullopt;
  if (!opened) throw place.root.failure(opened.error, "stat", path.raw);
  struct stat status;
  if (::fstat(opened.descriptor.get(), &status) != 0) throw place.root.failure(errno, "stat", path.raw);
  const bool link_counts = place.options.symlinks == SymlinkMode::preserve && S_ISLNK(status.st_mode);
  const bool exists = path.directory ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode) || link_counts;
  if (!exists) return std::nullopt;
  store::Details details;
  details.key = key;
  describe_file(status, properties, details);
  return details;
}

}  // namespace haul::local

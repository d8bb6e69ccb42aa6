#include "engine/embedded/manifest_segments.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/crc.h"
#include "base/error.h"
#include "base/utf8.h"

namespace haul::engine {
namespace {

Error file_error(std::string_view operation, const std::string& path) {
  return errno_error(errno, operation, visible(path));
}

class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int get() const noexcept { return descriptor_; }
  bool ok() const noexcept { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

void write_all(int file, std::string_view bytes, std::uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_error("write manifest", path);
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
}

}  // namespace

ManifestSegments::ManifestSegments(std::string directory, std::uint64_t segment_bytes, const ManifestEnd& end)
    : directory_(std::move(directory)), segment_bytes_(segment_bytes) {
  cut(end);
  // Of a segment that was begun and never acknowledged.
  remove(end.segment + 1);
}

ManifestSegments::~ManifestSegments() {
  close();
}

std::string ManifestSegments::path_of(std::uint32_t segment) const {
  return fmt::format("{}/manifest-{:05}.seg", directory_, segment);
}

void ManifestSegments::open() {
  const std::string path = path_of(end_.segment);
  const OpenFile before(path, O_RDONLY);
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) throw file_error("open manifest", path);
  if (!before.ok()) sync_directory(directory_);
}

void ManifestSegments::close() noexcept {
  if (file_ >= 0) ::close(std::exchange(file_, -1));
}

ManifestSlice ManifestSegments::append(std::string_view bytes) {
  if (end_.size >= segment_bytes_) {
    sync();
    close();
    end_ = {end_.segment + 1, 0};
  }
  if (file_ < 0) open();
  dirty_ = true;
  write_all(file_, bytes, end_.size, path_of(end_.segment));
  const ManifestSlice slice{.segment = end_.segment,
                            .length = static_cast<std::uint32_t>(bytes.size()),
                            .offset = end_.size,
                            .crc = crc32c(as_bytes(bytes))};
  end_.size += bytes.size();
  return slice;
}

void ManifestSegments::sync() {
  if (!dirty_) return;
  if (::fdatasync(file_) != 0) throw file_error("write manifest", path_of(end_.segment));
  dirty_ = false;
}

void ManifestSegments::cut(const ManifestEnd& end) {
  const std::uint32_t last = end_.segment;
  close();
  dirty_ = false;
  end_ = end;
  for (std::uint32_t segment = end.segment + 1; segment <= last; ++segment)
    remove(segment);
  const OpenFile file(path_of(end.segment), O_WRONLY);
  if (!file.ok()) {
    if (errno == ENOENT) return;  // removed, since all of its chunks are done
    throw file_error("open manifest", path_of(end.segment));
  }
  if (::lseek(file.get(), 0, SEEK_END) > static_cast<off_t>(end.size) &&
      ::ftruncate(file.get(), static_cast<off_t>(end.size)) != 0)
    throw file_error("cut manifest", path_of(end.segment));
}

std::string ManifestSegments::read(const ManifestSlice& slice) const {
  const std::string path = path_of(slice.segment);
  const auto lost = [&path](const char* what) {
    return Error(ErrorClass::data_loss, what).during("read manifest").on(visible(path));
  };
  const OpenFile file(path, O_RDONLY);
  if (!file.ok()) {
    if (errno == ENOENT) throw lost("a segment of the manifest is gone");
    throw file_error("open manifest", path);
  }
  std::string bytes(slice.length, '\0');
  for (std::size_t have = 0; have < bytes.size();) {
    const ssize_t read = ::pread(file.get(), bytes.data() + have, bytes.size() - have,
                                 static_cast<off_t>(slice.offset + have));
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) throw file_error("read manifest", path);
    if (read == 0) throw lost("a segment of the manifest is shorter than it was");
    have += static_cast<std::size_t>(read);
  }
  if (crc32c(as_bytes(bytes)) != slice.crc) throw lost("a chunk of the manifest is not what was written");
  return bytes;
}

void ManifestSegments::remove(std::uint32_t segment) {
  if (::unlink(path_of(segment).c_str()) != 0 && errno != ENOENT)
    throw file_error("remove manifest", path_of(segment));
}

void sync_directory(const std::string& path) {
  const OpenFile directory(path, O_RDONLY | O_DIRECTORY);
  if (!directory.ok()) throw file_error("open", path);
  if (::fsync(directory.get()) != 0) throw file_error("sync", path);
}

}  // namespace haul::engine

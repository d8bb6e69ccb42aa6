#include "job/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/utf8.h"

namespace haul::job {
namespace {

constexpr std::size_t kFilePiece = 256U << 10;

[[noreturn]] void throw_file_error(std::string_view operation, const std::string& path) {
  throw errno_error(errno, operation, visible(path));
}

template <class Call>
auto again_if_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

struct Opened {
  int descriptor;
  explicit Opened(int opened) : descriptor(opened) {}
  ~Opened() {
    if (descriptor >= 0) ::close(descriptor);
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

}  // namespace

DurableFile::DurableFile(std::string path) : path_(std::move(path)) {
  descriptor_ =
      again_if_interrupted([&] { return ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644); });
  if (descriptor_ < 0) throw_file_error("open", path_);
}

DurableFile::~DurableFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}

DurableFile& DurableFile::operator=(DurableFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

std::uint64_t DurableFile::size() const {
  struct stat facts{};
  if (::fstat(descriptor_, &facts) != 0) throw_file_error("stat", path_);
  return static_cast<std::uint64_t>(facts.st_size);
}

void DurableFile::write_at(std::uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = again_if_interrupted(
        [&] { return ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (n < 0) throw_file_error("write", path_);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += static_cast<std::uint64_t>(n);
  }
}

void DurableFile::truncate(std::uint64_t size) {
  if (again_if_interrupted([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) != 0)
    throw_file_error("truncate", path_);
}

void DurableFile::sync() {
  if (again_if_interrupted([&] { return ::fdatasync(descriptor_); }) != 0) throw_file_error("sync", path_);
}

bool read_pieces(const std::string& path, std::uint64_t limit,
                 const std::function<void(std::string_view)>& take) {
  const Opened file(again_if_interrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); }));
  if (file.descriptor < 0) {
    if (errno == ENOENT) return false;
    throw_file_error("open", path);
  }
  std::vector<char> piece(std::min<std::uint64_t>(kFilePiece, std::max<std::uint64_t>(limit, 1)));
  while (limit != 0) {
    const std::size_t wanted = std::min<std::uint64_t>(piece.size(), limit);
    const ssize_t n = again_if_interrupted([&] { return ::read(file.descriptor, piece.data(), wanted); });
    if (n < 0) throw_file_error("read", path);
    if (n == 0) break;
    take({piece.data(), static_cast<std::size_t>(n)});
    limit -= static_cast<std::uint64_t>(n);
  }
  return true;
}

void write_durably(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  {
    DurableFile file(temporary);
    file.truncate(0);
    file.write_at(0, content);
    file.sync();
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) throw_file_error("rename", temporary);
  sync_directory(std::filesystem::path(path).parent_path().string());
}

void sync_directory(const std::string& path) {
  const Opened directory(again_if_interrupted(
      [&] { return ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  if (directory.descriptor < 0) throw_file_error("open", path);
  if (again_if_interrupted([&] { return ::fsync(directory.descriptor); }) != 0)
    throw_file_error("sync", path);
}

}  // namespace haul::job

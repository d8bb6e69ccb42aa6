#include "stores/local/arrival.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdio>

#include "stores/local/attributes.h"

namespace haul::local {
namespace {

constexpr int kParent = O_PATH | O_DIRECTORY;

bool is_directory(int parent, const std::string& name) noexcept {
  struct stat status;
  return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

Error cannot_be(const Place& place, const FilePath& path, std::string why) {
  return Error(ErrorClass::invalid_argument, std::move(why))
      .during("write")
      .on(place.root.describe(path.raw));
}

Error parent_failure(const Place& place, const FilePath& path, int error) {
  if (error == ENOTDIR) {
    return cannot_be(place, path, "a part of the path is a file already, and cannot be a directory too")
        .with_hint("objects `a` and `a/b` cannot both be files");
  }
  if (error == ELOOP) {
    return cannot_be(place, path,
                     "a part of the path is a symbolic link, and nothing is written through links");
  }
  return place.root.failure(error, "create directory", path.parent());
}

int sync_directory(int parent) noexcept {
  // A path descriptor cannot be synced; the directory itself is opened again through it.
  const Descriptor directory(::openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno;
  return uninterrupted([&] { return ::fsync(directory.get()); }) == 0 ? 0 : errno;
}

// Renames, or gives an errno. EEXIST only with create_only.
int rename_to(int parent, const std::string& from, const std::string& to, store::WriteMode mode) noexcept {
  if (mode != store::WriteMode::create_only)
    return ::renameat(parent, from.c_str(), parent, to.c_str()) == 0 ? 0 : errno;
  if (::renameat2(parent, from.c_str(), parent, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;
  // File systems without RENAME_NOREPLACE can still link, which never replaces.
  if (::linkat(parent, from.c_str(), parent, to.c_str(), 0) != 0) return errno;
  ::unlinkat(parent, from.c_str(), 0);
  return 0;
}

}  // namespace

Descriptor open_parent_for_writing(Place& place, const FilePath& path) {
  const std::string_view parent = path.parent();
  if (parent.empty() && place.root.exists()) return {};
  Opened opened = place.root.open(parent, kParent);
  if (opened.error == ENOENT) opened = place.root.make_directories(parent);
  if (!opened) throw parent_failure(place, path, opened.error);
  return std::move(opened.descriptor);
}

Arrival::Arrival(std::shared_ptr<Place> place, FilePath path, std::uint64_t chance, Lock lock,
                 bool restricted)
    : place_(std::move(place)), path_(std::move(path)), parent_(open_parent_for_writing(*place_, path_)) {
  temporary_ = temporary_name(path_.name(), chance);
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  // A file that is to have a mode of its own is nobody else's business before it has it.
  const mode_t mode = restricted ? 0600 : 0666;
  file_ = Descriptor(uninterrupted([&] { return ::openat(parent_fd(), temporary_.c_str(), kFlags, mode); }));
  if (!file_) throw failure(errno, "create");
  // Where locks are not to be had, nobody else gets one either, and the file is left alone.
  if (lock == Lock::held) uninterrupted([&] { return ::flock(file_.get(), LOCK_EX | LOCK_NB); });
}

Arrival::~Arrival() {
  discard();
}

Error Arrival::failure(int error_number, std::string_view operation) const {
  return place_->root.failure(error_number, operation, path_.raw);
}

void Arrival::discard() noexcept {
  if (temporary_.empty() || !place_) return;
  ::unlinkat(parent_fd(), temporary_.c_str(), 0);
  temporary_.clear();
  file_.close();
}

void Arrival::reserve(std::uint64_t size) {
  if (size == 0) return;
  // Disks note the room and are done; a file system in memory fills it with zeros first.
  struct statfs where{};
  if (::fstatfs(file_.get(), &where) == 0 && where.f_type == TMPFS_MAGIC) return;
  const int result = uninterrupted(
      [&] { return ::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); });
  if (result != 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)) throw failure(errno, "reserve");
}

void Arrival::write_at(std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = uninterrupted(
        [&] { return ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); });
    if (count < 0) throw failure(errno, "write");
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
}

void Arrival::truncate(std::uint64_t size) {
  if (uninterrupted([&] { return ::ftruncate(file_.get(), static_cast<off_t>(size)); }) != 0)
    throw failure(errno, "truncate");
}

std::size_t Arrival::read_at(std::uint64_t offset, std::span<std::byte> into) {
  const ssize_t count = uninterrupted(
      [&] { return ::pread(file_.get(), into.data(), into.size(), static_cast<off_t>(offset)); });
  if (count < 0) throw failure(errno, "read back");
  return static_cast<std::size_t>(count);
}

bool Arrival::arrive(const ArrivalOptions& options, std::vector<std::string>& losses) {
  if (options.properties != nullptr) {
    const int error = apply_properties(file_.get(), *options.properties, place_->options.preserve, losses);
    if (error != 0) throw failure(error, "set attributes");
  }
  if (place_->options.durability != Durability::none &&
      uninterrupted([&] { return ::fsync(file_.get()); }) != 0) {
    throw failure(errno, "sync");
  }
  // Closed before it gets its name, since network file systems report failed writes only here. Without its
  // lock the file is safe for the moment: its attributes have just been set, so it is not old.
  if (const int error = file_.close()) throw failure(error, "close");
  const bool arrived = rename_into_place(options.mode);
  if (arrived)
    temporary_.clear();
  else
    discard();
  if (arrived && place_->options.durability == Durability::file_and_directory) {
    if (const int error = sync_directory(parent_fd())) throw failure(error, "sync directory");
  }
  return arrived;
}

bool Arrival::rename_into_place(store::WriteMode mode) {
  const std::string name(path_.name());
  const int error = rename_to(parent_fd(), temporary_, name, mode);
  if (error == 0) return true;
  if (error == EISDIR || error == ENOTEMPTY || (error == EEXIST && is_directory(parent_fd(), name))) {
    throw cannot_be(*place_, path_, "there is a directory of this name")
        .with_hint("objects `a` and `a/b` cannot both be files");
  }
  if (error == EEXIST) return false;
  Error failed = failure(error, "rename");
  // Somebody took the temporary file or its directory away: writing once more helps.
  throw error == ENOENT ? failed.with_retryable(true) : failed;
}

bool restore_link(Place& place, const FilePath& path, const std::string& target, std::uint64_t chance,
                  store::WriteMode mode) {
  if (target.empty() || target.size() > kLongestPath || target.find('\0') != std::string::npos)
    throw cannot_be(place, path, "the content is not the target of a symbolic link");
  if (place.options.restore_links == LinkRestore::inside_root && !link_stays_inside(path.raw, target)) {
    throw cannot_be(place, path, "the symbolic link points out of the destination")
        .with_hint("allow any link, or leave links out");
  }
  const Descriptor parent = open_parent_for_writing(place, path);
  const int at = parent ? parent.get() : place.root.fd();
  const std::string temporary = temporary_name(path.name(), chance);
  if (::symlinkat(target.c_str(), at, temporary.c_str()) != 0)
    throw place.root.failure(errno, "create link", path.raw);
  const std::string name(path.name());
  const int error = rename_to(at, temporary, name, mode);
  if (error == 0) return true;
  ::unlinkat(at, temporary.c_str(), 0);
  if (error == EEXIST && !is_directory(at, name)) return false;
  if (error == EEXIST || error == EISDIR) throw cannot_be(place, path, "there is a directory of this name");
  throw place.root.failure(error, "rename", path.raw);
}

bool arrive_directory(Place& place, const FilePath& path, const ArrivalOptions& options,
                      std::vector<std::string>& losses) {
  if (options.mode == store::WriteMode::create_only && place.root.open(path.raw, kParent)) return false;
  Opened opened = place.root.make_directories(path.raw);
  if (opened.error == ENOTDIR || opened.error == ELOOP) throw parent_failure(place, path, opened.error);
  if (!opened) throw place.root.failure(opened.error, "create directory", path.raw);
  if (options.properties == nullptr) return true;
  // Attributes cannot be set through a path descriptor.
  const Descriptor directory(::openat(opened.descriptor.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) throw place.root.failure(errno, "open directory", path.raw);
  const int error = apply_properties(directory.get(), *options.properties, place.options.preserve, losses);
  if (error != 0) throw place.root.failure(error, "set attributes", path.raw);
  return true;
}

bool remove_if_abandoned(int directory, const char* name, Time before) noexcept {
  const Descriptor file(::openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  if (to_time(status.st_ctim) >= before || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  return ::unlinkat(directory, name, 0) == 0;
}

}  // namespace haul::local

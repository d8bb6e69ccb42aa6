#include "stores/local/root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cstring>

#include "base/utf8.h"
#include "stores/local/file_key.h"

namespace haul::local {
namespace {

constexpr int kDirectory = O_PATH | O_DIRECTORY | O_CLOEXEC;

int open_at_2(int directory, const char* path, int flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = resolve;
  // EAGAIN: a rename happened meanwhile and the kernel could not prove that the path stays beneath.
  for (int attempt = 0;; ++attempt) {
    const long fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && (errno != EAGAIN || attempt > 100))) return static_cast<int>(fd);
  }
}

Opened opened(int fd) {
  return fd >= 0 ? Opened{Descriptor(fd), 0} : Opened{Descriptor(), errno};
}

// The component that ends at the first slash, as a C string.
struct Component {
  std::array<char, kLongestName + 1> text;
  bool fits;
  explicit Component(std::string_view name) : fits(name.size() <= kLongestName) {
    if (fits) text[name.copy(text.data(), name.size())] = '\0';
  }
};

// A link refused by O_DIRECTORY | O_NOFOLLOW looks like a file in the way: tells them apart as openat2 does.
int why_no_directory(int parent, const Component& name) {
  struct stat status;
  if (::fstatat(parent, name.text.data(), &status, AT_SYMLINK_NOFOLLOW) != 0) return ENOTDIR;
  if (S_ISDIR(status.st_mode)) return EAGAIN;  // it has just become one
  return S_ISLNK(status.st_mode) ? ELOOP : ENOTDIR;
}

int make_tree(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) return errno;
    if (slash == std::string::npos) return 0;
  }
}

}  // namespace

Root::Root(std::string path, MissingRoot missing, Resolution resolution)
    : path_(path.empty() ? "." : std::move(path)) {
  const int fd = uninterrupted([&] { return ::open(path_.c_str(), kDirectory); });
  if (fd < 0 && (errno != ENOENT || missing == MissingRoot::error)) throw failure(errno, "open", "");
  descriptor_ = Descriptor(fd);
  fd_ = fd;
  if (resolution == Resolution::by_component) return;
  // Old kernels answer ENOSYS, some sandboxes EPERM, to a call they do not know.
  const Descriptor probe(open_at_2(AT_FDCWD, "/", kDirectory, RESOLVE_NO_MAGICLINKS));
  has_openat2_ = static_cast<bool>(probe);
}

Opened Root::open(std::string_view path, int flags, Links links) const {
  if (!exists()) return {Descriptor(), ENOENT};
  if (path.empty()) path = ".";
  if (links == Links::follow) {
    const std::string text(path);
    if (has_openat2_) return opened(open_at_2(fd(), text.c_str(), flags, RESOLVE_NO_MAGICLINKS));
    return opened(uninterrupted([&] { return ::openat(fd(), text.c_str(), flags | O_CLOEXEC); }));
  }
  if (!has_openat2_) return open_by_component(path, flags);
  const std::string text(path);
  // With O_PATH | O_NOFOLLOW a link as the last component is opened itself; the kernel still refuses others.
  return opened(
      open_at_2(fd(), text.c_str(), flags, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS));
}

Opened Root::open_by_component(std::string_view path, int flags) const {
  Descriptor held;
  for (int at = fd();;) {
    const std::size_t slash = path.find('/');
    const Component component(path.substr(0, slash));
    if (!component.fits) return {Descriptor(), ENAMETOOLONG};
    if (component.text[0] == '\0' || std::strcmp(component.text.data(), "..") == 0)
      return {Descriptor(), EXDEV};
    const bool is_last = slash == std::string_view::npos;
    const int wanted = (is_last ? flags | O_CLOEXEC : kDirectory) | O_NOFOLLOW;
    Opened next = opened(uninterrupted([&] { return ::openat(at, component.text.data(), wanted); }));
    if (next.error == ENOTDIR) next.error = why_no_directory(at, component);
    if (is_last || !next) return next;
    held = std::move(next.descriptor);
    at = held.get();
    path.remove_prefix(slash + 1);
  }
}

void Root::create() {
  const std::lock_guard lock(creating_);
  if (exists()) return;
  if (const int error = make_tree(path_)) throw failure(error, "create directory", "");
  const int fd = uninterrupted([&] { return ::open(path_.c_str(), kDirectory); });
  if (fd < 0) throw failure(errno, "open", "");
  descriptor_ = Descriptor(fd);
  fd_.store(fd, std::memory_order_release);
}

Opened Root::make_directories(std::string_view path) {
  if (!exists()) create();
  if (path.empty()) return open("", kDirectory);
  Descriptor held;
  for (int at = fd();;) {
    const std::size_t slash = path.find('/');
    const Component component(path.substr(0, slash));
    if (!component.fits) return {Descriptor(), ENAMETOOLONG};
    if (::mkdirat(at, component.text.data(), 0777) != 0 && errno != EEXIST) return {Descriptor(), errno};
    Opened next =
        opened(uninterrupted([&] { return ::openat(at, component.text.data(), kDirectory | O_NOFOLLOW); }));
    if (next.error == ENOTDIR) next.error = why_no_directory(at, component);
    if (slash == std::string_view::npos || !next) return next;
    held = std::move(next.descriptor);
    at = held.get();
    path.remove_prefix(slash + 1);
  }
}

std::string Root::describe(std::string_view path) const {
  if (path.empty()) return visible(path_);
  return visible(path_) + (path_.back() == '/' ? "" : "/") + visible(path);
}

Error Root::failure(int error_number, std::string_view operation, std::string_view path) const {
  Error error = errno_error(error_number, operation, describe(path));
  // Descriptors come free as other objects are done with: worth waiting for.
  if (error_number == EMFILE || error_number == ENFILE) return error.with_retryable(true);
  return error;
}

}  // namespace haul::local

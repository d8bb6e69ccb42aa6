#include "stores/local/attributes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "store/posix_metadata.h"

namespace haul::local {
namespace {

timespec to_timespec(const std::optional<Time>& time) noexcept {
  if (!time) return {.tv_sec = 0, .tv_nsec = UTIME_OMIT};
  // Rounded down, so that times before 1970 keep a positive fraction.
  const auto seconds = std::chrono::floor<std::chrono::seconds>(*time);
  return {.tv_sec = seconds.time_since_epoch().count(), .tv_nsec = (*time - seconds).count()};
}

constexpr mode_t kPermissions = 0777;
constexpr mode_t kSetId = S_ISUID | S_ISGID | S_ISVTX;

}  // namespace

Time to_time(const timespec& time) noexcept {
  return Time(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

store::PosixAttributes posix_of(const struct stat& status) {
  return {.mode = status.st_mode,
          .uid = status.st_uid,
          .gid = status.st_gid,
          .mtime = to_time(status.st_mtim),
          .atime = to_time(status.st_atim)};
}

void describe_file(const struct stat& status, bool properties, store::Details& details) {
  details.size = S_ISDIR(status.st_mode) ? 0 : static_cast<std::uint64_t>(status.st_size);
  details.modified = to_time(status.st_mtim);
  details.changed = to_time(status.st_ctim);
  details.kind = S_ISDIR(status.st_mode)   ? store::EntryKind::directory
                 : S_ISLNK(status.st_mode) ? store::EntryKind::symlink
                                           : store::EntryKind::object;
  if (properties) details.properties.posix = posix_of(status);
}

bool same_state(const struct stat& before, const struct stat& after) noexcept {
  return before.st_size == after.st_size && to_time(before.st_mtim) == to_time(after.st_mtim) &&
         to_time(before.st_ctim) == to_time(after.st_ctim);
}

bool was_symlink(const store::Properties* properties) noexcept {
  return properties != nullptr && properties->posix && properties->posix->mode &&
         S_ISLNK(*properties->posix->mode);
}

void name_losses(const store::Properties& properties, std::vector<std::string>& losses) {
  if (!std::ranges::all_of(properties.metadata,
                           [](const auto& item) { return store::is_posix_name(item.first); }))
    losses.emplace_back("metadata");
  if (properties.content != store::ContentHeaders{}) losses.emplace_back("content headers");
  if (properties.tags && !properties.tags->empty()) losses.emplace_back("tags");
}

int apply_properties(int fd, const store::Properties& properties, const Preserve& preserve,
                     std::vector<std::string>& losses) {
  name_losses(properties, losses);
  if (!properties.posix) return 0;
  const auto& posix = *properties.posix;
  bool owned = false;
  if (preserve.owner && (posix.uid || posix.gid)) {
    owned = ::fchown(fd, posix.uid.value_or(static_cast<uid_t>(-1)),
                     posix.gid.value_or(static_cast<gid_t>(-1))) == 0;
    if (!owned && errno != EPERM && errno != EINVAL && errno != ENOTSUP) return errno;
    if (!owned) losses.emplace_back("owner");
  }
  // After the owner, since changing that clears the set-id bits; and those only for the right owner.
  if (preserve.mode && posix.mode && !S_ISLNK(*posix.mode)) {
    const mode_t mode = *posix.mode & (owned ? kPermissions | kSetId : kPermissions);
    if (::fchmod(fd, mode) != 0) {
      if (errno != EPERM && errno != ENOTSUP) return errno;
      losses.emplace_back("mode");
    }
  }
  if (preserve.times && (posix.mtime || posix.atime)) {
    const std::array<timespec, 2> times{to_timespec(posix.atime), to_timespec(posix.mtime)};
    if (::futimens(fd, times.data()) != 0) {
      if (errno != EPERM && errno != EINVAL) return errno;
      losses.emplace_back("times");
    }
  }
  return 0;
}

}  // namespace haul::local

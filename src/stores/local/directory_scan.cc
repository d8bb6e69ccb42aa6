#include "stores/local/directory_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>
#include <functional>

#include "base/utf8.h"
#include "stores/local/file_key.h"

namespace haul::local {
namespace {

constexpr std::size_t kDirectoryBuffer = 64 * 1024;

NameKind kind_of(mode_t mode) noexcept {
  if (S_ISREG(mode)) return NameKind::file;
  if (S_ISDIR(mode)) return NameKind::directory;
  return S_ISLNK(mode) ? NameKind::symlink : NameKind::special;
}

// What a link leads to, where links are followed.
NameKind kind_behind_link(int directory, const char* name) noexcept {
  struct stat status;
  if (::fstatat(directory, name, &status, 0) != 0) return errno == ELOOP ? NameKind::loop : NameKind::symlink;
  const NameKind kind = kind_of(status.st_mode);
  return kind == NameKind::file ? NameKind::followed_file : kind;
}

NameKind kind_of(int directory, const dirent64& entry, SymlinkMode links) noexcept {
  NameKind kind = NameKind::special;
  switch (entry.d_type) {
    case DT_REG: kind = NameKind::file; break;
    case DT_DIR: kind = NameKind::directory; break;
    case DT_LNK: kind = NameKind::symlink; break;
    case DT_UNKNOWN: {
      struct stat status;
      // What vanishes meanwhile is found gone when it is looked at.
      if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return NameKind::file;
      kind = kind_of(status.st_mode);
      break;
    }
    default: break;
  }
  return kind == NameKind::symlink && links == SymlinkMode::follow ? kind_behind_link(directory, entry.d_name)
                                                                   : kind;
}

// Gives names the form that keys have, reusing its memory.
class KeyForm {
 public:
  std::string_view of(std::string_view name, bool directory, bool& escaped) {
    escaped = false;
    if (name.find('\xee') == std::string_view::npos && is_utf8(name)) {
      if (!directory) return name;
      key_.assign(name);
    } else {
      key_ = escape_name(name);
      escaped = key_ != name;
    }
    if (directory) key_ += '/';
    return key_;
  }

 private:
  std::string key_;
};

}  // namespace

std::optional<ScannedDirectory> scan_directory(const Place& place, Descriptor directory,
                                               std::string_view where, const NameRange& range,
                                               const ScanLimits& limits, const std::function<void()>& check) {
  const int fd = directory.get();
  ScannedDirectory scanned{std::make_shared<Descriptor>(std::move(directory)),
                           SortedNames(limits.names_memory, place.options.spill_directory)};
  alignas(dirent64) char buffer[kDirectoryBuffer];
  KeyForm form;
  std::uint64_t bytes = 0;
  for (;;) {
    check();
    const ssize_t filled = uninterrupted([&] { return ::getdents64(fd, buffer, sizeof buffer); });
    if (filled < 0) throw place.root.failure(errno, "list", where);
    if (filled == 0) break;
    for (ssize_t at = 0; at < filled;) {
      const auto& entry = *reinterpret_cast<const dirent64*>(buffer + at);
      at += entry.d_reclen;
      const std::string_view name(entry.d_name);
      if (name == "." || name == ".." || is_temporary_name(name)) continue;
      const NameKind kind = kind_of(fd, entry, place.options.symlinks);
      bool escaped = false;
      const std::string_view key = form.of(name, kind == NameKind::directory, escaped);
      if (!range.may_hold(key)) continue;
      scanned.names.add(key, kind, escaped);
      bytes += key.size();
    }
    if (limits.give_up_beyond != 0 && bytes > limits.give_up_beyond) return std::nullopt;
  }
  scanned.names.sort();
  return scanned;
}

}  // namespace haul::local

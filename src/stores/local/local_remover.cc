#include "stores/local/local_remover.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <functional>
#include <map>
#include <unordered_set>

#include "stores/local/arrival.h"
#include "stores/local/attributes.h"

namespace haul::local {
namespace {

// Calls each(entry) for what lies in the directory, as far as it can be read.
template <class Each>
void for_each_name(int directory, Each each) {
  alignas(dirent64) char buffer[32 * 1024];
  for (ssize_t filled; (filled = ::getdents64(directory, buffer, sizeof buffer)) > 0;) {
    for (ssize_t at = 0; at < filled;) {
      const auto& entry = *reinterpret_cast<const dirent64*>(buffer + at);
      at += entry.d_reclen;
      const std::string_view name(entry.d_name);
      if (name != "." && name != "..") each(entry);
    }
  }
}

bool is_gone(int error) noexcept {
  return error == ENOENT || error == ENOTDIR;
}

// Removes the directories above `path` that are empty now, never the root. Whatever stops it is no failure.
void prune(const Place& place, std::string_view path) {
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos; slash = path.rfind('/')) {
    path = path.substr(0, slash);
    const FilePath directory{std::string(path), true};
    const Opened parent = place.root.open(directory.parent(), O_PATH | O_DIRECTORY);
    if (!parent) return;
    if (::unlinkat(parent.descriptor.get(), std::string(directory.name()).c_str(), AT_REMOVEDIR) != 0) return;
  }
}

enum class Found { object, no_object, changed };

// What lies there. Where it cannot be looked at, it is taken for the object: unlinking says why.
Found look(const Place& place, int parent, const char* name, const store::RemoveItem& item) noexcept {
  struct stat status;
  const int flags = place.options.symlinks == SymlinkMode::follow ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(parent, name, &status, flags) != 0) return Found::object;
  if (!S_ISREG(status.st_mode) && !(S_ISLNK(status.st_mode) && place.options.symlinks != SymlinkMode::skip))
    return Found::no_object;
  const bool same_size = !item.size || *item.size == static_cast<std::uint64_t>(status.st_size);
  const bool same_time = !item.modified || *item.modified == to_time(status.st_mtim);
  return same_size && same_time ? Found::object : Found::changed;
}

}  // namespace

std::optional<Error> remove_item(const Place& place, const store::RemoveItem& item) {
  const std::string_view key = item.key;
  if (!why_not_a_file(key).empty()) return std::nullopt;  // there can be no such object
  const FilePath path = to_path(key);
  const Opened parent = place.root.open(path.parent(), O_PATH | O_DIRECTORY);
  if (is_gone(parent.error)) return std::nullopt;
  if (!parent) return place.root.failure(parent.error, "remove", path.raw);
  const std::string name(path.name());
  const int at = parent.descriptor.get();
  // Only what the listing calls an object: a link that is not followed, a pipe or a directory stays.
  const Found found = path.directory ? Found::object : look(place, at, name.c_str(), item);
  if (found == Found::no_object) return std::nullopt;
  if (found == Found::changed) {
    return Error(ErrorClass::source_changed, "the file was changed after it was looked at, so it stays")
        .during("remove")
        .on(place.root.describe(path.raw));
  }
  if (::unlinkat(at, name.c_str(), path.directory ? AT_REMOVEDIR : 0) != 0 && !is_gone(errno)) {
    if (errno == ENOTEMPTY || errno == EEXIST) {
      return Error(ErrorClass::precondition_failed, "the directory is not empty")
          .during("remove")
          .on(place.root.describe(path.raw));
    }
    return place.root.failure(errno, "remove", path.raw);
  }
  if (place.options.prune_empty_directories) prune(place, path.raw);
  return std::nullopt;
}

std::uint64_t remove_abandoned(const Place& place, Time before, const std::function<void()>& check) {
  std::uint64_t removed = 0;
  std::vector<std::string> todo{""};
  while (!todo.empty()) {
    check();
    const std::string path = std::move(todo.back());
    todo.pop_back();
    const Opened directory = place.root.open(path, O_RDONLY | O_DIRECTORY);
    if (!directory) continue;
    const int fd = directory.descriptor.get();
    for_each_name(fd, [&](const dirent64& entry) {
      const std::string_view name(entry.d_name);
      if (is_temporary_name(name)) {
        if (remove_if_abandoned(fd, entry.d_name, before)) ++removed;
      } else if (entry.d_type == DT_DIR || entry.d_type == DT_UNKNOWN) {
        todo.push_back(path.empty() ? std::string(name) : path + "/" + std::string(name));
      }
    });
  }
  return removed;
}

std::uint64_t remove_remains(const Place& place, std::span<const std::string_view> keys, Time before) {
  std::map<std::string, std::unordered_set<std::string>, std::less<>> names;  // by directory
  for (const std::string_view key : keys) {
    if (!why_not_a_file(key).empty()) continue;
    const FilePath path = to_path(key);
    names[std::string(path.parent())].emplace(path.name());
  }
  std::uint64_t removed = 0;
  for (const auto& [parent, wanted] : names) {
    const Opened directory = place.root.open(parent, O_RDONLY | O_DIRECTORY);
    if (!directory) continue;
    const int fd = directory.descriptor.get();
    for_each_name(fd, [&](const dirent64& entry) {
      if (!is_temporary_name(entry.d_name)) return;
      // Without a name in it, it was too long to be in it.
      const std::string_view of = name_of_temporary(entry.d_name);
      if (!of.empty() && !wanted.contains(std::string(of))) return;
      if (remove_if_abandoned(fd, entry.d_name, before)) ++removed;
    });
  }
  return removed;
}

}  // namespace haul::local

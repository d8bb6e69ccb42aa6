// The directory below which a local store lives, and the only ways into it.
//
// Every path is resolved by the kernel beneath the root's descriptor (openat2 with RESOLVE_BENEATH and
// RESOLVE_NO_MAGICLINKS), so that no `..`, no absolute path and no link swapped in at any moment leads out.
// Kernels and sandboxes without openat2 get the same by opening component by component without following.
// What is to be created, renamed or removed is named relative to an opened parent directory, since those
// system calls take no resolve flags.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "stores/local/descriptor.h"

namespace haul::local {

enum class Links : std::uint8_t {
  refuse,  // a link anywhere in the path fails with ELOOP
  follow,  // links are followed, out of the root too: only ever for reading, and only where the user asked
};

enum class Resolution : std::uint8_t { automatic, by_component };

enum class MissingRoot : std::uint8_t { error, create_on_write };

// A descriptor or an errno.
struct Opened {
  Descriptor descriptor;
  int error = 0;
  explicit operator bool() const noexcept { return error == 0; }
};

// Thread safety: all methods may be called from any thread. All may block.
class Root {
 public:
  // Links in `path` itself are the user's and are followed. Throws if it is no directory, or missing and
  // `missing` is error.
  Root(std::string path, MissingRoot missing, Resolution resolution);

  const std::string& path() const noexcept { return path_; }
  bool exists() const noexcept { return fd() >= 0; }
  int fd() const noexcept { return fd_.load(std::memory_order_acquire); }  // -1 while it does not exist

  // `path` below the root, empty for the root itself. O_CLOEXEC is added.
  Opened open(std::string_view path, int flags, Links links = Links::refuse) const;

  // Makes the root and all directories of `path` that are missing, and opens the last.
  Opened make_directories(std::string_view path);

  // The failure of a system call on `path`, with the reason where errno alone misleads. `path` may be a key.
  Error failure(int error_number, std::string_view operation, std::string_view path) const;
  std::string describe(std::string_view path) const;

 private:
  Opened open_by_component(std::string_view path, int flags) const;
  void create();

  const std::string path_;
  std::mutex creating_;  // guards the opening of descriptor_ when the root comes late
  Descriptor descriptor_;
  std::atomic<int> fd_{-1};
  bool has_openat2_ = false;
};

}  // namespace haul::local

// How a local store behaves, as the user set it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/retry.h"
#include "stores/local/root.h"

namespace haul::local {

enum class SymlinkMode : std::uint8_t {
  skip,      // not listed, but counted as skipped; a path through one is refused
  follow,    // what a link points to is listed and read in its place, also outside of the root; directories
             // that contain themselves by a link, and links to nothing, are skipped and counted
  preserve,  // listed as EntryKind::symlink; the content is the target
};

// Whether writing an object that was a symbolic link (by its mode) makes a link again. Where it does not, a
// file with the target as its content is written, and "symlink" is named as lost.
enum class LinkRestore : std::uint8_t {
  never,
  inside_root,  // only links whose text stays below the root; others fail
  any,
};

// When data are forced to the disk. Without, a power cut may take what the kernel has not written yet; a
// killed process loses nothing either way. make_durable() forces all at once, at far less cost per file.
enum class Durability : std::uint8_t { none, file, file_and_directory };

// When other threads of the pool help a listing along: where the file system proves slow, or from the start,
// for whoever knows that it is far away.
enum class Help : std::uint8_t { where_slow, always };

struct Preserve {
  bool mode = true;    // permission bits; the set-id bits only together with the owner
  bool times = true;   // mtime, and atime where known
  bool owner = false;  // needs root; without it "owner" is named as lost
};

struct LocalOptions {
  std::string root;
  MissingRoot missing_root = MissingRoot::error;
  SymlinkMode symlinks = SymlinkMode::skip;
  LinkRestore restore_links = LinkRestore::never;
  Durability durability = Durability::none;
  Preserve preserve;
  bool prune_empty_directories = false;  // remove() also removes directories that it emptied, never the root

  Help help = Help::where_slow;

  // Memory for the names of one directory while a listing sorts them; what goes beyond is sorted in runs in
  // an unnamed file in spill_directory. A listing holds the names of the directories it is inside of, so the
  // whole is this times the number of huge directories that contain each other: in practice, once.
  std::uint64_t names_memory = 32ULL << 20;
  std::string spill_directory = "/tmp";

  // Temporary files that nobody writes to any more are removed from this age on.
  std::chrono::seconds abandoned_after{15 * 60};

  RetryPolicy retry{.max_attempts = 6,
                    .base = std::chrono::milliseconds(50),
                    .throttled_base = std::chrono::milliseconds(250),
                    .cap = std::chrono::milliseconds(2000)};
  Resolution resolution = Resolution::automatic;
};

// What the store and all that it hands out share.
struct Place {
  explicit Place(LocalOptions given)
      : options(std::move(given)), root(options.root, options.missing_root, options.resolution) {}
  const LocalOptions options;
  Root root;

  Links reading() const noexcept {
    return options.symlinks == SymlinkMode::follow ? Links::follow : Links::refuse;
  }
};

}  // namespace haul::local

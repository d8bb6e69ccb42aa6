// One line of a listing, and pages of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/env.h"
#include "base/error.h"

namespace haul::store {

// A key as bytes. On object stores the full key, on file stores the path below the root, `/` between
// components, never a leading one; a directory's key ends in `/`. Names that are not UTF-8 are escaped
// reversibly (base/utf8.h).
using Key = std::string;

enum class EntryKind : std::uint8_t {
  object,         // an object, or a regular file
  directory,      // a directory (only listed when asked for)
  symlink,        // only listed when links are preserved; its content is the link's target
  delete_marker,  // only in listings of all versions
};

// What a listing says for free. Views point into the page's memory.
struct Entry {
  std::string_view key;
  std::uint64_t size = 0;
  Time modified{};                           // S3: LastModified; files: mtime
  Time changed{};                            // files: ctime; else the same as `modified`
  std::string_view etag;                     // without quotes; empty if there is none
  std::string_view version;                  // empty unless listed by version
  std::string_view storage_class;            // empty: the store's standard class
  std::string_view row;                      // what a catalogue's selection gave beside the key; opaque here
  std::uint32_t mode = 0, uid = 0, gid = 0;  // files only (st_mode with type bits)
  EntryKind kind = EntryKind::object;
  bool latest = true;
  bool facts_known = true;  // false: a list gave the key (and perhaps the version) alone
};

// An object that a listing found and does not list, with the reason for the accounts.
enum class SkipReason : std::uint8_t { symlink, special_file, symlink_loop };
struct SkippedEntry {
  std::string_view key;
  SkipReason reason;
};

// A part of the tree that could not be listed (an unreadable directory). Its presence makes a listing
// incomplete: nothing may be deleted on the strength of it.
struct ListFailure {
  std::string_view key;
  Error error;
};

// Move-only. Views of the entries point into `text` and `buffer` and live as long as the page.
struct ListPage {
  std::vector<Entry> entries;
  std::vector<std::string_view> common_prefixes;  // only with a delimiter
  std::vector<SkippedEntry> skipped;
  std::vector<ListFailure> failures;
  std::vector<ListFailure> broken;  // lines of a list, or rows, that name no object: each a failed object
  bool last = false;                // nothing follows

  TextArena text;
  std::string buffer;  // an answer's body, decoded in place

  ListPage() = default;
  ListPage(ListPage&&) = default;
  ListPage& operator=(ListPage&&) = default;
  ListPage(const ListPage&) = delete;
  ListPage& operator=(const ListPage&) = delete;

  // Bytes that the page keeps alive, for the memory budget.
  std::uint64_t memory() const noexcept {
    return buffer.capacity() + text.bytes() + entries.capacity() * sizeof(Entry);
  }
};

}  // namespace haul::store

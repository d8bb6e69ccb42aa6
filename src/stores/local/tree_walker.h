// Walking a tree in key order.
//
// A directory sorts as its name with a `/` behind it: `a-`, `a.x`, `a/`, `a/b`, `a0`. So each directory's
// names are sorted in that form, and the tree is walked depth first; nothing but the directories that the
// walk is inside of is held. Bounds of the request prune whole directories.
//
// On a quick file system one thread does everything, since handing work over would cost more than the work.
// Where looking at a file or reading a directory takes long (a network, a cold disk), other threads of the
// pool look at many files at once and read the next directories ahead.
#pragma once

#include <sys/stat.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runtime/context.h"
#include "store/store.h"
#include "stores/local/directory_scan.h"
#include "stores/local/helpers.h"

namespace haul::local {

// Used by one thread at a time, on the pool.
class TreeWalker {
 public:
  TreeWalker(std::shared_ptr<Place> place, store::ListRequest request);
  ~TreeWalker();

  // Adds to the page until it is full or nothing follows (page.last). May throw a retryable Error (something
  // that may pass): call it again with the same page, or give_up() first. Any other failure of a part of the
  // tree becomes a ListFailure.
  void fill(store::ListPage& page, const OpContext& context);

  // Makes a ListFailure of what fill() threw last, and goes on without that part.
  void give_up(const Error& error, store::ListPage& page);

 private:
  struct Frame;
  struct Pending;
  struct Identity {
    dev_t device;
    ino_t inode;
    bool operator==(const Identity&) const = default;
  };
  enum class Step : std::uint8_t { begin, enter, look };

  void begin(store::ListPage& page);
  void step(store::ListPage& page);
  void enter(Frame& parent, const DirectoryName& name, store::ListPage& page);
  Pending* new_pending(Frame& frame, store::EntryKind kind, store::ListPage& page);
  void add_pending(Frame& frame, const DirectoryName& name, store::EntryKind kind, store::ListPage& page);
  void add_pending_directory(Frame& frame, store::ListPage& page);
  void look_at_pending(store::ListPage& page);
  void look(Pending& pending) noexcept;
  void read_ahead(Frame& frame);
  ScannedDirectory scan(Descriptor directory, const std::string& key);
  Opened open_below(Frame& parent, const DirectoryName& name);
  int descriptor_of(Frame& frame);
  void spare_descriptors();
  bool contains_itself(const Descriptor& directory, Identity& identity) const;
  bool wants_help(double cost, double slow) const noexcept;
  bool room(const store::ListPage& page) const noexcept;
  void fail(store::ListPage& page, std::string_view key, const Error& error) const;

  std::shared_ptr<Place> place_;
  const store::ListRequest request_;
  const OpContext* context_ = nullptr;  // while fill() runs
  std::vector<std::unique_ptr<Frame>> stack_;
  std::vector<Pending> pending_;
  std::vector<std::shared_ptr<Descriptor>> in_use_;  // directories of pending_
  std::size_t looked_at_ = 0;                        // of pending_
  Step doing_ = Step::begin;
  bool begun_ = false;
  double look_ns_ = 0, scan_ns_ = 0;  // smoothed cost of looking at a file, of reading a directory
};

}  // namespace haul::local

// The names of one directory in key order, within a bound of memory.
//
// Names are kept compactly (their bytes and 16 bytes each). When the bound is reached, what is there is
// sorted and written as a run to an unnamed file; at the end the runs are merged while they are read. So a
// directory of any size costs no more memory than the bound.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "stores/local/descriptor.h"

namespace haul::local {

enum class NameKind : std::uint8_t { file, directory, symlink, followed_file, loop, special };

struct DirectoryName {
  std::string_view key;  // as keys have it: escaped, directories with a `/`; a NUL follows
  NameKind kind = NameKind::file;
  bool escaped = false;  // the name on disk is another: unescape_name
};

// Used by one thread at a time. All methods may block; add, sort and pop throw Error(exhausted) and others if
// the unnamed file cannot be written or read.
class SortedNames {
 public:
  // `memory` in bytes; less than 64 KiB is taken as that.
  SortedNames(std::uint64_t memory, const std::string& spill_directory);
  SortedNames(SortedNames&&) noexcept;
  SortedNames& operator=(SortedNames&&) noexcept;
  ~SortedNames();

  void add(std::string_view key, NameKind kind, bool escaped);
  void sort();  // once, after the last add

  // After sort(): the first name that was not popped, or nothing. Valid until the next pop.
  const DirectoryName* front() const noexcept { return at_end_ ? nullptr : &front_; }
  void pop();

  // After sort(): a look ahead at the n-th name from the front, without moving. False behind the end, and
  // where runs are merged.
  bool peek(std::size_t n, DirectoryName& name) const noexcept;

  bool spilled() const noexcept { return merge_ != nullptr; }
  std::uint64_t memory() const noexcept { return text_.capacity() + records_.capacity() * sizeof(Record); }

 private:
  struct Record {
    std::uint64_t head;  // the eight bytes behind what all names have in common, highest first
    std::uint32_t offset;
    std::uint16_t size;
    NameKind kind;
    bool escaped;
  };
  class Merge;

  DirectoryName name_of(const Record& record) const noexcept;
  void sort_records();
  void spill();
  void settle();

  std::uint64_t limit_;
  std::string spill_directory_;
  std::string text_;
  std::vector<Record> records_;
  std::size_t common_ = SIZE_MAX;  // bytes that all names of the run begin with
  std::size_t next_ = 0;
  std::unique_ptr<Merge> merge_;
  DirectoryName front_;
  bool at_end_ = true;
};

}  // namespace haul::local

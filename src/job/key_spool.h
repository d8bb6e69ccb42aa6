// Items that must wait until the end of a run (the deletions of a sync), in any number: a bounded part in
// memory, the rest in a file without a name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "job/chunk.h"

namespace haul::job {

// Where such files are put: TMPDIR, or /var/tmp.
std::string spool_folder();

// Written first, then read once. Not thread-safe. File access blocks shortly; batches are large.
class KeySpool {
 public:
  explicit KeySpool(std::size_t memory_limit = 4U << 20);
  KeySpool(const KeySpool&) = delete;
  KeySpool& operator=(const KeySpool&) = delete;
  ~KeySpool();

  // Throws exhausted if the disk of the temporary folder is full.
  void add(std::string_view key, std::string_view etag, std::uint64_t size, Time modified);
  std::uint64_t size() const noexcept { return count_; }
  // Not read yet.
  std::uint64_t left() const noexcept { return count_ - read_; }
  // Reads nothing more of what is left.
  void forget() noexcept { read_ = count_; }

  // Reads from the first on: fills chunk with at most `limit` items of action remove. False at the end.
  bool next(std::size_t limit, Chunk& chunk);

 private:
  void flush();
  bool fill();  // more bytes into buffer_; false at the end of the file

  const std::size_t memory_limit_;
  std::uint64_t count_ = 0, read_ = 0;
  std::string buffer_;  // writing: what is not yet in the file; reading: what is not yet taken
  std::size_t taken_ = 0;
  int file_ = -1;
  std::uint64_t file_size_ = 0, file_read_ = 0;
  bool reading_ = false;
};

}  // namespace haul::job

// Sorted runs of records in one file without a name. All calls block. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace haul::listing {

struct SortedRun {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class RunFile {
 public:
  // Throws Error (exhausted where there is no room, permission_denied ...) that names the directory.
  explicit RunFile(std::string directory);
  ~RunFile();
  RunFile(const RunFile&) = delete;
  RunFile& operator=(const RunFile&) = delete;

  void append(const char* bytes, std::size_t size);  // buffered until end_run()
  SortedRun end_run();                               // what was appended since the last one
  // Exactly `size` bytes. Throws data_loss if the file is shorter.
  void read(std::uint64_t offset, char* into, std::size_t size) const;

 private:
  void flush();

  std::string directory_;
  int file_ = -1;
  std::uint64_t size_ = 0;  // on disk
  std::uint64_t begun_ = 0;
  std::vector<char> buffer_;
};

// Reads the records of one run, one after the other.
class RunReader {
 public:
  RunReader(const RunFile& file, SortedRun run, std::size_t buffer);
  const char* front();  // nullptr at the end; valid until pop()
  void pop();

 private:
  bool have(std::size_t bytes);

  const RunFile* file_;
  SortedRun left_;
  std::vector<char> buffer_;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
};

// The least of several runs, again and again.
class RunMerger {
 public:
  RunMerger(const RunFile& file, const std::vector<SortedRun>& runs, std::size_t memory);
  const char* front();  // nullptr at the end; valid until pop()
  void pop();

 private:
  bool later(std::size_t a, std::size_t b) noexcept;

  std::vector<RunReader> readers_;
  std::vector<std::size_t> heap_;  // readers that have a record; the least at the front
};

}  // namespace haul::listing

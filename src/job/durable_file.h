// Files that survive a power cut: what a report is made of. All calls block, and throw Error that names the
// path. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace haul::job {

class DurableFile {
 public:
  DurableFile() = default;
  // Opens for reading and writing; creates the file if it is not there.
  explicit DurableFile(std::string path);
  ~DurableFile();
  DurableFile(DurableFile&& other) noexcept;
  DurableFile& operator=(DurableFile&& other) noexcept;

  bool is_open() const noexcept { return descriptor_ >= 0; }
  const std::string& path() const noexcept { return path_; }
  std::uint64_t size() const;
  void write_at(std::uint64_t offset, std::string_view bytes);
  void truncate(std::uint64_t size);
  void sync();  // content and size

 private:
  std::string path_;
  int descriptor_ = -1;
};

// Reads a file from its beginning, `limit` bytes at most, piece by piece. False if there is no such file.
bool read_pieces(const std::string& path, std::uint64_t limit,
                 const std::function<void(std::string_view)>& take);

// Replaces a file as a whole: under a temporary name, synced, renamed, the directory synced.
void write_durably(const std::string& path, std::string_view content);

void sync_directory(const std::string& path);

}  // namespace haul::job

// The manifest of a run on disk: encoded chunks one behind the other in manifest-00001.seg and so on.
//
// What the state says decides: bytes behind the end that it names were never acknowledged, and are written
// over. Each slice has its CRC32C in the state beside its place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace haul::engine {

struct ManifestEnd {
  std::uint32_t segment = 1;
  std::uint64_t size = 0;  // of that segment

  bool operator==(const ManifestEnd&) const = default;
};

struct ManifestSlice {
  std::uint32_t segment = 0;
  std::uint32_t length = 0;
  std::uint64_t offset = 0;
  std::uint32_t crc = 0;
};

// All calls block. Thread safety: read() may be called from any thread at any time, the others by one at a
// time.
class ManifestSegments {
 public:
  // `directory` exists. Begins behind `end`, and cuts off what lies there.
  ManifestSegments(std::string directory, std::uint64_t segment_bytes, const ManifestEnd& end);
  ~ManifestSegments();
  ManifestSegments(const ManifestSegments&) = delete;
  ManifestSegments& operator=(const ManifestSegments&) = delete;

  // Not durable before sync(). A segment that has grown to segment_bytes is followed by the next.
  ManifestSlice append(std::string_view bytes);
  void sync();
  const ManifestEnd& end() const noexcept { return end_; }
  // Takes back what was appended behind `end`.
  void cut(const ManifestEnd& end);

  // Throws data_loss if it is not what was written.
  std::string read(const ManifestSlice& slice) const;

  // Whether or not it is there.
  void remove(std::uint32_t segment);

 private:
  std::string path_of(std::uint32_t segment) const;
  void open();
  void close() noexcept;

  const std::string directory_;
  const std::uint64_t segment_bytes_;
  ManifestEnd end_;
  int file_ = -1;  // of the last segment; opened when something is appended
  bool dirty_ = false;
};

// What has the name `path` now has it after a power cut, too. Throws what the file system says.
void sync_directory(const std::string& path);

}  // namespace haul::engine

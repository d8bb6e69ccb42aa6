#include "listing/run_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "listing/sort_record.h"

namespace haul::listing {
namespace {

constexpr std::size_t kWriteBuffer = 256 * 1024;

int open_nameless(const std::string& directory) {
  const int file = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
  // Not every file system has nameless files.
  std::string path = directory + "/haul-sort-XXXXXX";
  const int named = ::mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(path.c_str());
  return named;
}

}  // namespace

RunFile::RunFile(std::string directory) : directory_(std::move(directory)), file_(open_nameless(directory_)) {
  if (file_ < 0) throw errno_error(errno, "sort the listing on disk", directory_);
  buffer_.reserve(kWriteBuffer);
}

RunFile::~RunFile() {
  ::close(file_);
}

void RunFile::append(const char* bytes, std::size_t size) {
  if (buffer_.size() + size > kWriteBuffer) flush();
  buffer_.insert(buffer_.end(), bytes, bytes + size);
}

SortedRun RunFile::end_run() {
  flush();
  return {std::exchange(begun_, size_), size_};
}

void RunFile::flush() {
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t written =
        ::pwrite(file_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw errno_error(errno, "sort the listing on disk", directory_);
    done += static_cast<std::size_t>(written);
    size_ += static_cast<std::uint64_t>(written);
  }
  buffer_.clear();
}

void RunFile::read(std::uint64_t offset, char* into, std::size_t size) const {
  while (size != 0) {
    const ssize_t got = ::pread(file_, into, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw errno_error(errno, "read the sorted listing", directory_);
    if (got == 0)
      throw Error(ErrorClass::data_loss, "the file with the sorted listing is too short")
          .during("read the sorted listing")
          .on(directory_);
    into += got;
    offset += static_cast<std::uint64_t>(got);
    size -= static_cast<std::size_t>(got);
  }
}

RunReader::RunReader(const RunFile& file, SortedRun run, std::size_t buffer)
    : file_(&file), left_(run), buffer_(buffer) {}

// Makes the next `bytes` bytes lie in the buffer; false where the run ends before.
bool RunReader::have(std::size_t bytes) {
  if (to_ - from_ >= bytes) return true;
  if (to_ - from_ + (left_.end - left_.begin) < bytes) return false;
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(from_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(to_), buffer_.begin());
  to_ -= std::exchange(from_, 0);
  if (buffer_.size() < bytes) buffer_.resize(bytes);
  const auto more =
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_.size() - to_, left_.end - left_.begin));
  file_->read(left_.begin, buffer_.data() + to_, more);
  left_.begin += more;
  to_ += more;
  return true;
}

const char* RunReader::front() {
  if (!have(sizeof(SortRecord))) return nullptr;
  const std::size_t bytes = SortRecord::header(buffer_.data() + from_).bytes;
  have(bytes);
  return buffer_.data() + from_;
}

void RunReader::pop() {
  from_ += SortRecord::header(buffer_.data() + from_).bytes;
}

RunMerger::RunMerger(const RunFile& file, const std::vector<SortedRun>& runs, std::size_t memory) {
  const std::size_t buffer = std::max<std::size_t>(16 * 1024, memory / std::max<std::size_t>(1, runs.size()));
  for (const SortedRun& run : runs)
    readers_.emplace_back(file, run, std::min<std::size_t>(buffer, run.end - run.begin));
  for (std::size_t i = 0; i < readers_.size(); ++i)
    if (readers_[i].front() != nullptr) heap_.push_back(i);
  std::ranges::make_heap(heap_, [this](std::size_t a, std::size_t b) { return later(a, b); });
}

bool RunMerger::later(std::size_t a, std::size_t b) noexcept {
  return SortRecord::before(readers_[b].front(), readers_[a].front());
}

const char* RunMerger::front() {
  return heap_.empty() ? nullptr : readers_[heap_.front()].front();
}

void RunMerger::pop() {
  const auto order = [this](std::size_t a, std::size_t b) { return later(a, b); };
  const std::size_t reader = heap_.front();
  std::ranges::pop_heap(heap_, order);
  readers_[reader].pop();
  if (readers_[reader].front() == nullptr)
    heap_.pop_back();
  else
    std::ranges::push_heap(heap_, order);
}

}  // namespace haul::listing

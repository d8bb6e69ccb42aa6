#include "job/key_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"

namespace haul::job {
namespace {

struct SpoolRecord {
  std::uint64_t size;
  std::int64_t modified_ns;
  std::uint32_t key_length, etag_length;
};

int open_unnamed_file() {
  const std::string folder = spool_folder();
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file < 0) {  // file systems without O_TMPFILE
    std::string name = folder + "/haul-spool-XXXXXX";
    file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file >= 0) ::unlink(name.c_str());
  }
  if (file < 0)
    throw errno_error(errno, "open temporary file", folder).with_hint("set TMPDIR to a writable folder");
  return file;
}

Error cut_short() {
  return Error(ErrorClass::internal, "the temporary file of deletions was cut short");
}

}  // namespace

std::string spool_folder() {
  const char* folder = std::getenv("TMPDIR");  // NOLINT(concurrency-mt-unsafe): never set by us
  return folder != nullptr && *folder != '\0' ? folder : "/var/tmp";
}

KeySpool::KeySpool(std::size_t memory_limit) : memory_limit_(memory_limit) {}

KeySpool::~KeySpool() {
  if (file_ >= 0) ::close(file_);
}

void KeySpool::add(std::string_view key, std::string_view etag, std::uint64_t size, Time modified) {
  const SpoolRecord record{size, modified.time_since_epoch().count(), static_cast<std::uint32_t>(key.size()),
                           static_cast<std::uint32_t>(etag.size())};
  buffer_.append(reinterpret_cast<const char*>(&record), sizeof record).append(key).append(etag);
  ++count_;
  if (buffer_.size() >= memory_limit_) flush();
}

void KeySpool::flush() {
  if (file_ < 0) file_ = open_unnamed_file();
  for (std::size_t done = 0; done < buffer_.size();) {
    const ssize_t n =
        ::pwrite(file_, buffer_.data() + done, buffer_.size() - done, static_cast<off_t>(file_size_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw errno_error(errno, "write temporary file", spool_folder());
    done += static_cast<std::size_t>(n);
    file_size_ += static_cast<std::uint64_t>(n);
  }
  buffer_.clear();
}

bool KeySpool::fill() {
  if (file_ < 0 || file_read_ == file_size_) return false;
  buffer_.erase(0, std::exchange(taken_, 0));
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + (256U << 10));
  const ssize_t n =
      ::pread(file_, buffer_.data() + kept, buffer_.size() - kept, static_cast<off_t>(file_read_));
  if (n <= 0) throw errno_error(n < 0 ? errno : EIO, "read temporary file", spool_folder());
  buffer_.resize(kept + static_cast<std::size_t>(n));
  file_read_ += static_cast<std::uint64_t>(n);
  return true;
}

bool KeySpool::next(std::size_t limit, Chunk& chunk) {
  if (left() == 0) return false;
  if (!reading_ && file_ >= 0) flush();
  reading_ = true;
  while (chunk.items.size() < limit && left() != 0) {
    SpoolRecord record{};
    const auto available = [&] { return buffer_.size() - taken_; };
    while (available() < sizeof record)
      if (!fill()) throw cut_short();
    std::memcpy(&record, buffer_.data() + taken_, sizeof record);
    const std::size_t whole = sizeof record + record.key_length + record.etag_length;
    while (available() < whole)
      if (!fill()) throw cut_short();
    const char* text = buffer_.data() + taken_ + sizeof record;
    Item item;
    item.action = Action::remove;
    item.key = chunk.text.store({text, record.key_length});
    item.etag = chunk.text.store({text + record.key_length, record.etag_length});
    item.size = record.size;
    item.modified = Time(std::chrono::nanoseconds(record.modified_ns));
    chunk.items.push_back(item);
    taken_ += whole;
    ++read_;
  }
  return true;
}

}  // namespace haul::job

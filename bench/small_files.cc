// What small files cost through an io_uring, beside plain system calls: whether the local store would gain by
// it (docs/decisions/0018).
//
//   bench_small_files FOLDER COUNT
//     makes COUNT files of 4 KiB in the new FOLDER, reads and removes them, three times each way in turn
//
// Each file is a chain of four operations whose descriptor never leaves the ring, 64 files at a time: as
// favourable to it as can be. Built where liburing-dev is installed.
#include <fcntl.h>
#include <liburing.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr unsigned kAtOnce = 64;
constexpr std::size_t kSize = 4096;
constexpr std::size_t kRoom = 64 << 10;  // of a buffer: a file is read with one call

void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(what);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

struct File {
  std::string path, temporary;
};

class Ring {
 public:
  Ring() : buffers_(kAtOnce, std::string(kRoom, 'x')) {
    require(::io_uring_queue_init(kAtOnce * 4, &ring_,
                                  IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0,
            "the kernel gives no io_uring");
    require(::io_uring_register_files_sparse(&ring_, kAtOnce) == 0, "register files");
    for (unsigned slot = 0; slot < kAtOnce; ++slot)
      free_.push_back(slot);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { ::io_uring_queue_exit(&ring_); }

  // chain(file, slot) puts the operations of one file into the queue; the last one tells its slot.
  template <class Chain>
  void run(const std::vector<File>& files, Chain chain) {
    std::size_t next = 0;
    while (next < files.size() || free_.size() < kAtOnce) {
      for (; next < files.size() && !free_.empty(); free_.pop_back())
        chain(files[next++], free_.back());
      require(::io_uring_submit_and_wait(&ring_, 1) >= 0, "submit");
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* done = nullptr;
      io_uring_for_each_cqe(&ring_, head, done) {
        ++seen;
        require(done->res >= 0, "an operation in the ring failed");
        free_.push_back(static_cast<unsigned>(::io_uring_cqe_get_data64(done)));
      }
      ::io_uring_cq_advance(&ring_, seen);
    }
  }

  void write(const File& file, unsigned slot) {
    const int at = static_cast<int>(slot);
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_openat_direct(entry, AT_FDCWD, file.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644,
                                  slot);
    entry->flags |= kLinked;
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_write(entry, at, buffers_[slot].data(), kSize, 0);
    entry->flags |= kLinked | IOSQE_FIXED_FILE;
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_close_direct(entry, slot);
    entry->flags |= kLinked;
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_renameat(entry, AT_FDCWD, file.temporary.c_str(), AT_FDCWD, file.path.c_str(), 0);
    ::io_uring_sqe_set_data64(entry, slot);
  }
  void read(const File& file, unsigned slot) {
    const int at = static_cast<int>(slot);
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_openat_direct(entry, AT_FDCWD, file.path.c_str(), O_RDONLY | O_NOFOLLOW, 0, slot);
    entry->flags |= kLinked;
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_statx(entry, AT_FDCWD, file.path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
                          &facts_[slot]);
    entry->flags |= kLinked;
    entry = ::io_uring_get_sqe(&ring_);
    // Of the size that is known here: a read that gives less than was asked for breaks a chain.
    ::io_uring_prep_read(entry, at, buffers_[slot].data(), kSize, 0);
    entry->flags |= kLinked | IOSQE_FIXED_FILE;
    entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_close_direct(entry, slot);
    ::io_uring_sqe_set_data64(entry, slot);
  }

 private:
  static constexpr unsigned kLinked = IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
  io_uring ring_{};
  std::vector<unsigned> free_;
  std::vector<std::string> buffers_;
  std::array<struct statx, kAtOnce> facts_{};
};

void write(const File& file, const std::string& content) {
  const int fd = ::open(file.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  require(fd >= 0 && ::write(fd, content.data(), kSize) == kSize, "write");
  ::close(fd);
  require(::rename(file.temporary.c_str(), file.path.c_str()) == 0, "rename");
}

void read(const File& file, std::string& buffer) {
  const int fd = ::open(file.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  struct stat facts{};
  require(fd >= 0 && ::fstat(fd, &facts) == 0 && ::read(fd, buffer.data(), kRoom) == kSize, "read");
  ::close(fd);
}

template <class Work>
void measure(const char* what, const std::vector<File>& files, Work work) {
  const double before = cpu_seconds();
  work();
  std::printf("%-18s %6.2f us of CPU a file\n", what,
              (cpu_seconds() - before) * 1e6 / static_cast<double>(files.size()));
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return std::fprintf(stderr, "usage: bench_small_files FOLDER COUNT\n"), 2;
  std::vector<File> files;
  for (int i = 0; i < std::atoi(words[2]); ++i) {
    const std::string path = std::string(words[1]) + "/" + std::to_string(i);
    files.push_back({path, path + ".temporary"});
  }
  std::string buffer(kRoom, 'x');
  Ring ring;
  for (int turn = 0; turn < 3; ++turn) {
    std::filesystem::create_directory(words[1]);
    measure("write, calls", files, [&] {
      for (const File& file : files)
        write(file, buffer);
    });
    measure("read, calls", files, [&] {
      for (const File& file : files)
        read(file, buffer);
    });
    std::filesystem::remove_all(words[1]);
    std::filesystem::create_directory(words[1]);
    measure("write, io_uring", files,
            [&] { ring.run(files, [&](const File& file, unsigned slot) { ring.write(file, slot); }); });
    measure("read, io_uring", files,
            [&] { ring.run(files, [&](const File& file, unsigned slot) { ring.read(file, slot); }); });
    std::filesystem::remove_all(words[1]);
  }
  return 0;
}

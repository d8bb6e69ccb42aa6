// An open file of the kernel's, closed when it goes.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace haul::local {

// Move-only. Thread safety: as the descriptor itself.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  // The errno of closing, 0 if all is well: network file systems report failed writes here. The descriptor is
  // gone in any case (Linux closes also when interrupted).
  int close() noexcept {
    if (fd_ < 0) return 0;
    const int fd = std::exchange(fd_, -1);
    return ::close(fd) == 0 || errno == EINTR ? 0 : errno;
  }

 private:
  int fd_ = -1;
};

// Calls a system call again while signals interrupt it. Gives what it gives: -1 and errno on failure.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result == -1 && errno == EINTR)
    result = call();
  return result;
}

}  // namespace haul::local

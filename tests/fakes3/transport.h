// Bytes in and out of one connection, plain or TLS, never blocking.
#pragma once

#include <openssl/ssl.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace haul::fakes3 {

/// Owns the socket. Edge-triggered: `readable` and `writable` are set by the loop when an event comes, and
/// cleared here when there is nothing left.
class Transport {
 public:
  Transport(int fd, SSL_CTX* tls);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  enum class Outcome : std::uint8_t { moved, would_block, closed };
  struct Moved {
    Outcome outcome;
    std::size_t bytes = 0;
  };
  Moved read(char* into, std::size_t most);
  /// Of TLS only the first piece is written in one call.
  Moved write(std::span<iovec> pieces);

  /// Ends it the hard way: the peer sees a reset.
  void reset();
  /// Says that nothing more will be sent, and still lets the peer speak.
  void finish_sending();

  int fd() const { return fd_; }
  bool encrypted() const { return ssl_ != nullptr; }

  bool readable = true, writable = true;

 private:
  Moved tls_outcome(int result);

  int fd_;
  SSL* ssl_ = nullptr;
};

/// Null without a certificate; exits with a message when it cannot be loaded.
SSL_CTX* load_tls(const char* certificate, const char* private_key);

}  // namespace haul::fakes3

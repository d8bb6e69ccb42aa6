#include "transport.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace haul::fakes3 {

Transport::Transport(int fd, SSL_CTX* tls) : fd_(fd) {
  if (tls == nullptr) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, fd);
  SSL_set_accept_state(ssl_);
}

Transport::~Transport() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  close(fd_);
}

Transport::Moved Transport::tls_outcome(int result) {
  if (result > 0) return {Outcome::moved, static_cast<std::size_t>(result)};
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: readable = false; return {Outcome::would_block};
    case SSL_ERROR_WANT_WRITE: writable = false; return {Outcome::would_block};
    default: return {Outcome::closed};
  }
}

Transport::Moved Transport::read(char* into, std::size_t most) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return tls_outcome(SSL_read(ssl_, into, static_cast<int>(std::min<std::size_t>(most, 1 << 30))));
  }
  while (true) {
    ssize_t n = recv(fd_, into, most, 0);
    if (n > 0) {
      // less than was asked for: the socket is empty, and what comes later brings its own event
      if (static_cast<std::size_t>(n) < most) readable = false;
      return {Outcome::moved, static_cast<std::size_t>(n)};
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) {
      readable = false;
      return {Outcome::would_block};
    }
    return {Outcome::closed};
  }
}

Transport::Moved Transport::write(std::span<iovec> pieces) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const iovec& piece = pieces.front();
    return tls_outcome(
        SSL_write(ssl_, piece.iov_base, static_cast<int>(std::min<std::size_t>(piece.iov_len, 1 << 30))));
  }
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  while (true) {
    ssize_t n = sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n >= 0) return {Outcome::moved, static_cast<std::size_t>(n)};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      writable = false;
      return {Outcome::would_block};
    }
    return {Outcome::closed};
  }
}

void Transport::reset() {
  linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

void Transport::finish_sending() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  shutdown(fd_, SHUT_WR);
}

SSL_CTX* load_tls(const char* certificate, const char* private_key) {
  if (*certificate == '\0') return nullptr;
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 128 * 1024);
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, private_key, SSL_FILETYPE_PEM) != 1) {
    std::fprintf(stderr, "haul-fakes3: the certificate or its key cannot be loaded\n");
    std::exit(2);
  }
  return context;
}

}  // namespace haul::fakes3

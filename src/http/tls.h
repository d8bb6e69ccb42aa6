// TLS by OpenSSL straight on a non-blocking socket.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "http/io.h"
#include "http/url.h"

namespace haul::http {

struct FreeSession {
  void operator()(SSL_SESSION* session) const noexcept { SSL_SESSION_free(session); }
};
// The last session with an endpoint, to spare the next connection half of its handshake.
using TlsSession = std::unique_ptr<SSL_SESSION, FreeSession>;

// Trusted authorities and settings, shared by all connections.
// Thread safety: may be used by streams of several threads once constructed.
class TlsContext {
 public:
  // Trusts the authorities of `ca_file` (PEM), or the system's if it is empty; `insecure` trusts everybody.
  // Throws invalid_argument if the file cannot be used.
  TlsContext(const std::string& ca_file, bool insecure);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsStream;
  SSL_CTX* context_ = nullptr;
  BIO_METHOD* socket_method_ = nullptr;
  bool insecure_ = false;
};

// One connection. Does not own the socket. Not thread-safe; stays where it was made.
class TlsStream {
 public:
  // For `endpoint`, whose name or address the certificate must bear. `session` is offered, and kept up to
  // date as the server hands out new ones; it must outlive the stream.
  TlsStream(const TlsContext& context, int socket, const Endpoint& endpoint, TlsSession& session);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  Io handshake();
  Io read(std::span<std::byte> into);          // as much as is there
  Io write(std::span<const std::byte> bytes);  // as much as goes

  bool pending() const noexcept { return SSL_has_pending(ssl_) == 1; }  // received, but not yet read

  // After failed: why, in words; and whether the certificate was not accepted.
  const std::string& reason() const noexcept { return reason_; }
  bool untrusted() const noexcept { return untrusted_; }

 private:
  struct Wire {  // what the BIO works on
    int socket;
    bool ended = false;
    bool drained = false;  // the last call got less than it could take
    int error = 0;
  };
  friend class TlsContext;
  static int wire_read(BIO* bio, char* into, int size);
  static int wire_write(BIO* bio, const char* bytes, int size);
  static long wire_control(BIO* bio, int command, long number, void* pointer);
  Io outcome(int result);

  Wire wire_;
  SSL* ssl_ = nullptr;
  std::string reason_;
  bool untrusted_ = false;
};

}  // namespace haul::http

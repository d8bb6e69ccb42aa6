#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include <boost/asio/ip/address.hpp>

#include "base/error.h"

namespace haul::http {
namespace {

// Every record of a burst in one system call, instead of two calls a record.
constexpr std::size_t kReadAhead = 64 << 10;

std::string queued_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "unknown failure of TLS";
}

int keep_session(SSL* ssl, SSL_SESSION* session) {
  static_cast<TlsSession*>(SSL_get_app_data(ssl))->reset(session);
  return 1;  // ours now
}

}  // namespace

TlsContext::TlsContext(const std::string& ca_file, bool insecure) : insecure_(insecure) {
  ERR_clear_error();
  socket_method_ = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");
  context_ = SSL_CTX_new(TLS_client_method());
  if (socket_method_ == nullptr || context_ == nullptr) {
    BIO_meth_free(socket_method_);
    SSL_CTX_free(context_);
    throw Error(ErrorClass::internal, "OpenSSL cannot be set up: " + queued_reason());
  }
  BIO_meth_set_read(socket_method_, &TlsStream::wire_read);
  BIO_meth_set_write(socket_method_, &TlsStream::wire_write);
  BIO_meth_set_ctrl(socket_method_, &TlsStream::wire_control);

  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context_, 1);
  SSL_CTX_set_default_read_buffer_len(context_, kReadAhead);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context_, &keep_session);
  constexpr unsigned char kProtocols[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_CTX_set_alpn_protos(context_, kProtocols, sizeof kProtocols);
  SSL_CTX_set_verify(context_, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  if (insecure) return;
  if (ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context_);  // a machine without any: verification says so
  } else if (SSL_CTX_load_verify_locations(context_, ca_file.c_str(), nullptr) != 1) {
    const std::string reason = queued_reason();
    ERR_clear_error();
    BIO_meth_free(socket_method_);
    SSL_CTX_free(context_);
    throw Error(ErrorClass::invalid_argument,
                "the certificates of trusted authorities cannot be read: " + reason)
        .on(ca_file)
        .with_hint("give --ca-file a readable file of certificates in PEM form");
  }
  ERR_clear_error();
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
  BIO_meth_free(socket_method_);
}

TlsStream::TlsStream(const TlsContext& context, int socket, const Endpoint& endpoint, TlsSession& session)
    : wire_{socket} {
  ERR_clear_error();
  ssl_ = SSL_new(context.context_);
  BIO* bio = BIO_new(context.socket_method_);
  if (ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    SSL_free(ssl_);
    throw Error(ErrorClass::exhausted, "no memory for a TLS connection");
  }
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_app_data(ssl_, &session);
  SSL_set_connect_state(ssl_);
  boost::system::error_code not_address;
  boost::asio::ip::make_address(endpoint.host, not_address);
  if (not_address) {
    SSL_set_tlsext_host_name(ssl_, endpoint.host.c_str());  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
    if (!context.insecure_) {
      SSL_set_hostflags(ssl_, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
      SSL_set1_host(ssl_, endpoint.host.c_str());
    }
  } else if (!context.insecure_) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), endpoint.host.c_str());
  }
  if (session) SSL_set_session(ssl_, session.get());
}

TlsStream::~TlsStream() {
  // Says good-bye if the socket takes it at once, and marks the session as good for resumption.
  if (SSL_is_init_finished(ssl_) == 1 && reason_.empty()) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  SSL_free(ssl_);
}

int TlsStream::wire_read(BIO* bio, char* into, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(wire.socket, into, static_cast<std::size_t>(size), 0);
  wire.drained = got < size;
  if (got > 0) return static_cast<int>(got);
  if (got == 0)
    wire.ended = true;
  else if (errno == EAGAIN || errno == EINTR)
    BIO_set_retry_read(bio);
  else
    wire.error = errno;
  return static_cast<int>(got);
}

int TlsStream::wire_write(BIO* bio, const char* bytes, int size) {
  auto& wire = *static_cast<Wire*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(wire.socket, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<int>(sent);
  if (errno == EAGAIN || errno == EINTR)
    BIO_set_retry_write(bio);
  else
    wire.error = errno;
  return -1;
}

long TlsStream::wire_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return static_cast<Wire*>(BIO_get_data(bio))->ended ? 1 : 0;
  return 0;
}

Io TlsStream::outcome(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ: return {IoState::wait_read};
    case SSL_ERROR_WANT_WRITE: return {IoState::wait_write};
    case SSL_ERROR_ZERO_RETURN: return {IoState::closed};
    default: break;
  }
  if (const long verdict = SSL_get_verify_result(ssl_);
      verdict != X509_V_OK && SSL_is_init_finished(ssl_) == 0 && wire_.error == 0 && !wire_.ended) {
    untrusted_ = true;
    reason_ = X509_verify_cert_error_string(verdict);
  } else if (wire_.error != 0) {
    reason_ = std::generic_category().message(wire_.error);
  } else if (wire_.ended) {
    reason_ = "closed by the server";
  } else {
    reason_ = queued_reason();
  }
  ERR_clear_error();
  return {IoState::failed};
}

Io TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return {IoState::done};
  return outcome(result);
}

Io TlsStream::read(std::span<std::byte> into) {
  std::size_t total = 0;
  while (total < into.size()) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, into.data() + total, into.size() - total, &got);
    if (result != 1) {
      if (total != 0) break;  // whatever it is, it comes again
      return outcome(result);
    }
    total += got;
    // Asking a socket that has just been emptied would be a system call for nothing.
    if (wire_.drained && !pending()) break;
  }
  return {IoState::done, total};
}

Io TlsStream::write(std::span<const std::byte> bytes) {
  std::size_t total = 0;
  while (total < bytes.size()) {
    ERR_clear_error();
    std::size_t sent = 0;
    const int result = SSL_write_ex(ssl_, bytes.data() + total, bytes.size() - total, &sent);
    total += sent;
    if (result == 1) continue;
    if (total != 0) break;
    return outcome(result);
  }
  return {IoState::done, total};
}

}  // namespace haul::http

// A server for tests that says byte for byte what it is told to, on its own threads.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace haul::http {

// The server's end of one connection. Calls block, for some seconds at the most.
class ScriptedPeer {
 public:
  ScriptedPeer(int socket, SSL_CTX* tls) : socket_(socket) {
    const timeval patience{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (tls != nullptr) start_tls(tls);
  }
  ~ScriptedPeer() {
    SSL_free(ssl_);
    ::close(socket_);
  }
  ScriptedPeer(const ScriptedPeer&) = delete;
  ScriptedPeer& operator=(const ScriptedPeer&) = delete;

  void start_tls(SSL_CTX* tls) {
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, socket_);
    accepted_ = SSL_accept(ssl_) == 1;
  }
  bool accepted() const { return accepted_; }
  bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  std::string server_name() const {
    const char* name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

  // Up to and with the empty line; what came so far if the client closes before.
  std::string read_head() {
    while (pending_.find("\r\n\r\n") == std::string::npos)
      if (!receive()) return std::exchange(pending_, "");
    const std::size_t end = pending_.find("\r\n\r\n") + 4;
    std::string head = pending_.substr(0, end);
    pending_.erase(0, end);
    return head;
  }
  std::string read(std::size_t size) {
    while (pending_.size() < size)
      if (!receive()) break;
    std::string bytes = pending_.substr(0, size);
    pending_.erase(0, bytes.size());
    return bytes;
  }
  std::string read_to_end() {
    while (receive()) {
    }
    return std::exchange(pending_, "");
  }
  bool closed_by_client() { return read_to_end().empty(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                           : ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void send_byte_by_byte(std::string_view bytes) {
    for (const char& byte : bytes) {
      send({&byte, 1});
      std::this_thread::yield();
    }
  }
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void good_bye() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
  }

 private:
  bool receive() {
    char buffer[65536];
    const ssize_t got =
        ssl_ != nullptr ? SSL_read(ssl_, buffer, sizeof buffer) : ::recv(socket_, buffer, sizeof buffer, 0);
    if (got <= 0) return false;
    pending_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  SSL* ssl_ = nullptr;
  bool accepted_ = false;
  std::string pending_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer&)>;

  // The nth connection is served by the nth script; more connections are accepted and closed at once.
  explicit ScriptedServer(std::vector<Script> scripts, SSL_CTX* tls = nullptr,
                          const char* address = "127.0.0.1")
      : scripts_(std::move(scripts)), tls_(tls) {
    ::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets raise it when a client is gone
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &where.sin_addr);
    socklen_t size = sizeof where;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&where), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&where), &size);
    port_ = ntohs(where.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    stopping_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& one : peers_)
      one.join();
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  unsigned connections() const { return connections_; }

 private:
  void accept_all() {
    while (!stopping_) {
      const int socket = ::accept(listener_, nullptr, nullptr);
      if (socket < 0) return;
      const unsigned number = connections_++;
      if (number >= scripts_.size()) {
        ::close(socket);
        continue;
      }
      peers_.emplace_back([this, socket, number] {
        ScriptedPeer peer(socket, tls_);
        scripts_[number](peer);
      });
    }
  }

  std::vector<Script> scripts_;
  SSL_CTX* tls_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<unsigned> connections_{0};
  std::atomic<bool> stopping_{false};
  std::thread acceptor_;
  std::vector<std::thread> peers_;
};

}  // namespace haul::http

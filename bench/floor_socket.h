// What the hand-written floors share: a connected socket, and an end with a reason.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace haul::bench {

inline void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(what);
}

// Blocking, sends at once. The caller closes it, or ends.
inline int connected_socket(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  require(::inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1, "HOST is to be an IPv4 address");
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(made, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  require(::connect(made, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "connect");
  return made;
}

}  // namespace haul::bench

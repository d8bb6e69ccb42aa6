// Where requests go, and how it is written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace haul::http {

// Where requests go. Equal endpoints share connections.
struct Endpoint {
  bool tls = false;
  std::string host;  // name or address, IPv6 without brackets
  std::uint16_t port = 80;
  // As in the Host header: brackets around IPv6, no default port.
  std::string authority() const;
  // As in CONNECT and in messages: the same, always with the port.
  std::string host_and_port() const;
  bool operator==(const Endpoint&) const = default;
};

struct Url {
  Endpoint endpoint;
  std::string path;  // encoded, with query; empty if the URL has none
};

// Throws invalid_argument with position and remedy. Accepts http and https (RFC 3986 section 3); the host is
// made lower case, a fragment is dropped. User name and password are refused, and never repeated in the
// error.
Url parse_url(std::string_view text);

}  // namespace haul::http

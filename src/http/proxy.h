// Which requests go through a proxy, and through which.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/options.h"
#include "http/url.h"

namespace haul::http {

struct Proxy {
  Endpoint endpoint;
  std::string authorization;  // value of Proxy-Authorization (RFC 7617), secret; empty: none
};

// "http://user:password@host:port" or "host:port". Throws invalid_argument, without repeating the text, or
// unsupported for proxies that are not spoken to in plain HTTP.
Proxy parse_proxy(std::string_view text);

// Whether `no_proxy` exempts the endpoint. Entries are separated by commas or blanks: `*`, a domain (itself
// and all below, with or without a leading dot), an address, a network as in 10.0.0.0/8; each but the last
// with an optional :port.
bool bypasses_proxy(std::string_view no_proxy, const Endpoint& endpoint);

// The proxy for an endpoint, if any. Loopback is always reached directly.
std::optional<Proxy> choose_proxy(const ClientOptions& options, const Endpoint& endpoint);

}  // namespace haul::http

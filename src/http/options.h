// What a client is to do and where its patience ends.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "base/env.h"

namespace haul::http {

// The addresses of a host, or an error code of getaddrinfo(3).
struct Lookup {
  std::vector<boost::asio::ip::address> addresses;
  int error = 0;  // EAI_...
};

// Asks the system (getaddrinfo). Blocks; safe from any thread.
Lookup system_lookup(const std::string& host);

struct ClientOptions {
  std::string ca_file;    // PEM; empty: the system's
  bool insecure = false;  // no verification of certificates
  // Proxies as the environment names them: http_proxy, https_proxy, all_proxy, no_proxy (upper case too,
  // except HTTP_PROXY, which CGI servers let clients set). See proxy_from_environment().
  std::string http_proxy, https_proxy, no_proxy;
  // Times are kept by a coarse clock: each limit may be exceeded by a tenth of the smallest one.
  std::chrono::milliseconds connect_timeout{10'000};  // of one address, and then of proxy and TLS together
  std::chrono::milliseconds stall_timeout{60'000};    // no byte moved in either direction
  std::chrono::milliseconds continue_timeout{1'000};  // waits this long for 100 Continue
  std::chrono::milliseconds idle_timeout{15'000};     // a kept-alive connection is closed after
  std::size_t max_head = 64 << 10;                    // of an answer
  unsigned max_idle = 1024;                           // kept-alive connections a shard
  std::string user_agent;
  std::function<Lookup(const std::string& host)> lookup = system_lookup;  // called on the blocking pool
};

void proxy_from_environment(const Env& env, ClientOptions& options);

}  // namespace haul::http

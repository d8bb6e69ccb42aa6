// The connections of one shard: kept alive by endpoint, made when there is none.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/connection.h"
#include "http/options.h"
#include "http/proxy.h"
#include "http/resolver.h"
#include "http/ticker.h"
#include "http/tls.h"

namespace haul::http {

// The way to one endpoint.
struct Route {
  Endpoint endpoint;
  std::string name;  // host:port, for messages
  std::optional<Proxy> proxy;
  std::string target_prefix;  // of requests through a proxy that are not tunnelled
  std::string fixed_lines;    // headers that all requests have in common
  TlsSession session;
  std::vector<std::unique_ptr<Connection>> idle;  // the one used last is last
  std::size_t turn = 0;                           // of the addresses
  std::size_t users = 0;                          // connections, and those being made
  Ticks used = 0;
};

// Trust is loaded once, at the first need, for all shards. Thread safety: any thread.
class SharedTls {
 public:
  SharedTls(std::string ca_file, bool insecure) : ca_file_(std::move(ca_file)), insecure_(insecure) {}
  const TlsContext& get();

 private:
  const std::string ca_file_;
  const bool insecure_;
  std::mutex mutex_;  // guards context_ until it is made
  std::optional<TlsContext> context_;
};

// Not thread-safe: belongs to one shard. Alive as long as one of its connections.
class ConnectionPool final : public std::enable_shared_from_this<ConnectionPool> {
 public:
  ConnectionPool(std::shared_ptr<const ClientOptions> options, std::shared_ptr<SharedTls> tls,
                 Executor executor, unsigned shard);
  static std::shared_ptr<ConnectionPool> make(std::shared_ptr<const ClientOptions> options,
                                              std::shared_ptr<SharedTls> tls, Executor executor,
                                              unsigned shard);

  Route& route(const Endpoint& endpoint);

  // A kept-alive connection that looks alive, or nothing. `careful`: looks even if it was used just now.
  std::unique_ptr<Connection> take_idle(Route& route, bool careful);
  // A new one, with proxy and TLS settled.
  static Task<std::unique_ptr<Connection>> connect(std::shared_ptr<ConnectionPool> self, Route& route,
                                                   OpContext& context);
  void give_back(std::unique_ptr<Connection> connection);

  // Closes what is idle, for good.
  void close();

  Ticker& ticker() noexcept { return ticker_; }
  const ClientOptions& options() const noexcept { return *options_; }
  Executor executor() const { return executor_; }
  Ticks stall_ticks() const noexcept { return stall_ticks_; }

 private:
  struct HashEndpoint {
    std::size_t operator()(const Endpoint& endpoint) const noexcept {
      return std::hash<std::string>()(endpoint.host) * 31 + endpoint.port * 2U + (endpoint.tls ? 1U : 0U);
    }
  };
  std::unique_ptr<Route> make_route(const Endpoint& endpoint) const;
  bool sweep();

  std::shared_ptr<const ClientOptions> options_;
  std::shared_ptr<SharedTls> tls_;
  Executor executor_;
  Ticker ticker_;
  Resolver resolver_;
  Ticks stall_ticks_;
  Ticks idle_ticks_;
  Ticks fresh_ticks_;  // after which an idle connection is looked at before it is used
  std::unordered_map<Endpoint, std::unique_ptr<Route>, HashEndpoint> routes_;
  Route* last_ = nullptr;
  std::size_t idle_ = 0;
  std::size_t first_turn_;
  bool closed_ = false;
};

}  // namespace haul::http

#include "http/connection_pool.h"

#include <algorithm>

namespace haul::http {
namespace {

using namespace std::chrono_literals;

// A tenth of the shortest patience keeps every limit to within a tenth.
std::chrono::milliseconds tick_period(const ClientOptions& options) {
  const auto shortest = std::min(
      {options.connect_timeout, options.stall_timeout, options.continue_timeout, options.idle_timeout});
  return std::clamp(shortest / 10, 1ms, 100ms);
}

// Counts those who use a route while a connection is being made, so that it is not swept away.
class RouteUse {
 public:
  explicit RouteUse(Route& route) : route_(route) { ++route_.users; }
  ~RouteUse() { --route_.users; }
  RouteUse(const RouteUse&) = delete;
  RouteUse& operator=(const RouteUse&) = delete;

 private:
  Route& route_;
};

// Addresses that did not work are asked for anew.
class ForgetUnlessGood {
 public:
  ForgetUnlessGood(Resolver& resolver, const std::string& host) : resolver_(resolver), host_(host) {}
  ~ForgetUnlessGood() {
    if (!good) resolver_.forget(host_);
  }
  ForgetUnlessGood(const ForgetUnlessGood&) = delete;
  ForgetUnlessGood& operator=(const ForgetUnlessGood&) = delete;
  bool good = false;

 private:
  Resolver& resolver_;
  const std::string& host_;
};

}  // namespace

const TlsContext& SharedTls::get() {
  const std::lock_guard lock(mutex_);
  if (!context_) context_.emplace(ca_file_, insecure_);
  return *context_;
}

ConnectionPool::ConnectionPool(std::shared_ptr<const ClientOptions> options, std::shared_ptr<SharedTls> tls,
                               Executor executor, unsigned shard)
    : options_(std::move(options)),
      tls_(std::move(tls)),
      executor_(std::move(executor)),
      ticker_(executor_, tick_period(*options_), [this] { return sweep(); }),
      resolver_(ticker_, options_->lookup),
      stall_ticks_(ticker_.ticks(options_->stall_timeout)),
      idle_ticks_(ticker_.ticks(options_->idle_timeout)),
      fresh_ticks_(ticker_.ticks(std::min(options_->idle_timeout / 10, 1'000ms))),
      first_turn_(shard) {}

std::shared_ptr<ConnectionPool> ConnectionPool::make(std::shared_ptr<const ClientOptions> options,
                                                     std::shared_ptr<SharedTls> tls, Executor executor,
                                                     unsigned shard) {
  auto pool =
      std::make_shared<ConnectionPool>(std::move(options), std::move(tls), std::move(executor), shard);
  pool->ticker_.belongs_to(pool);
  return pool;
}

Route& ConnectionPool::route(const Endpoint& endpoint) {
  if (last_ == nullptr || last_->endpoint != endpoint) {
    auto& slot = routes_[endpoint];
    if (!slot) slot = make_route(endpoint);
    last_ = slot.get();
  }
  last_->used = ticker_.now();
  return *last_;
}

std::unique_ptr<Route> ConnectionPool::make_route(const Endpoint& endpoint) const {
  auto route = std::make_unique<Route>();
  route->endpoint = endpoint;
  route->name = endpoint.host_and_port();
  route->turn = first_turn_;
  route->proxy = choose_proxy(*options_, endpoint);
  route->fixed_lines = "Host: " + endpoint.authority() + "\r\n";
  if (!options_->user_agent.empty()) route->fixed_lines += "User-Agent: " + options_->user_agent + "\r\n";
  if (route->proxy && !endpoint.tls) {
    route->target_prefix = "http://" + endpoint.authority();
    if (!route->proxy->authorization.empty())
      route->fixed_lines += "Proxy-Authorization: " + route->proxy->authorization + "\r\n";
  }
  return route;
}

std::unique_ptr<Connection> ConnectionPool::take_idle(Route& route, bool careful) {
  while (!route.idle.empty()) {
    std::unique_ptr<Connection> connection = std::move(route.idle.back());
    route.idle.pop_back();
    --idle_;
    const Ticks idle = ticker_.now() - connection->idle_since;
    if (idle > idle_ticks_) continue;
    // The look costs a system call, which a connection that rested for a moment only does not need.
    if ((careful || idle >= fresh_ticks_) && !connection->still_open()) continue;
    return connection;
  }
  return nullptr;
}

Task<std::unique_ptr<Connection>> ConnectionPool::connect(std::shared_ptr<ConnectionPool> self, Route& route,
                                                          OpContext& context) {
  const RouteUse use(route);
  const Endpoint& peer = route.proxy ? route.proxy->endpoint : route.endpoint;
  const auto addresses = co_await self->resolver_.resolve(peer.host, context);
  std::vector<boost::asio::ip::tcp::endpoint> endpoints;
  for (const auto& address : order_addresses(addresses, route.turn++))
    endpoints.emplace_back(address, peer.port);

  ForgetUnlessGood addresses_are(self->resolver_, peer.host);
  Socket socket = co_await dial(self->ticker_, std::move(endpoints),
                                DialOptions{.address_timeout = self->options_->connect_timeout},
                                route.proxy ? "the proxy " + peer.host_and_port() : route.name, context);
  addresses_are.good = true;
  auto connection = std::make_unique<Connection>(std::move(socket), self, route);
  if (route.endpoint.tls) {
    if (route.proxy) co_await connection->tunnel(context);
    co_await connection->handshake(self->tls_->get(), context);
  }
  co_return connection;
}

void ConnectionPool::give_back(std::unique_ptr<Connection> connection) {
  if (closed_ || idle_ >= options_->max_idle) return;
  connection->idle_since = ticker_.now();
  ++idle_;
  Route& route = connection->route();
  route.idle.push_back(std::move(connection));
  ticker_.start();
}

bool ConnectionPool::sweep() {
  for (auto entry = routes_.begin(); entry != routes_.end();) {
    Route& route = *entry->second;
    const auto fresh =
        std::ranges::find_if(route.idle, [this](const std::unique_ptr<Connection>& connection) {
          return ticker_.now() - connection->idle_since <= idle_ticks_;
        });
    idle_ -= static_cast<std::size_t>(fresh - route.idle.begin());
    route.idle.erase(route.idle.begin(), fresh);
    if (route.users == 0 && ticker_.now() - route.used > idle_ticks_) {
      if (last_ == &route) last_ = nullptr;
      entry = routes_.erase(entry);
    } else {
      ++entry;
    }
  }
  return idle_ != 0;
}

void ConnectionPool::close() {
  closed_ = true;
  ticker_.stop();
  for (auto& [endpoint, route] : routes_)
    route->idle.clear();
  idle_ = 0;
}

}  // namespace haul::http

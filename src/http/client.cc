#include "http/client.h"

#include <boost/asio/post.hpp>

#include "http/connection.h"
#include "http/connection_pool.h"
#include "http/request_head.h"

namespace haul::http {
namespace {

// Closes a shard's connections when it runs on that shard, or when the shard's loop goes without running it.
class Closer {
 public:
  explicit Closer(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}
  Closer(Closer&&) = default;
  Closer& operator=(Closer&&) = delete;
  ~Closer() {
    if (pool_) pool_->close();
  }
  void operator()() {}

 private:
  std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace

struct Client::Impl {
  Impl(const ClientOptions& given, unsigned shard_count)
      : options(std::make_shared<ClientOptions>(given)),
        tls(std::make_shared<SharedTls>(given.ca_file, given.insecure)),
        pools(shard_count) {
    if (!given.http_proxy.empty()) parse_proxy(given.http_proxy);
    if (!given.https_proxy.empty()) parse_proxy(given.https_proxy);
  }

  // Each shard touches its own place only.
  ConnectionPool& pool(OpContext& context) {
    auto& place = pools.at(context.shard().index());
    if (!place) place = ConnectionPool::make(options, tls, context.executor(), context.shard().index());
    return *place;
  }

  std::shared_ptr<const ClientOptions> options;
  std::shared_ptr<SharedTls> tls;
  std::vector<std::shared_ptr<ConnectionPool>> pools;
};

Client::Client(const ClientOptions& options, unsigned shard_count)
    : impl_(std::make_unique<Impl>(options, shard_count)) {}

Client::~Client() {
  for (auto& pool : impl_->pools) {
    if (!pool) continue;
    const Executor executor = pool->executor();
    boost::asio::post(executor, Closer(std::move(pool)));
  }
}

Task<Response> Client::send(const Endpoint& endpoint, const Request& request, OpContext& context) {
  context.check();
  check_request(request);
  ConnectionPool& pool = impl_->pool(context);
  const bool idempotent = is_idempotent(request.method);

  for (bool again = false;; again = true) {
    Route& route = pool.route(endpoint);
    std::unique_ptr<Connection> connection;
    // The second time a new one: its siblings have probably been closed with it.
    if (!again) connection = pool.take_idle(route, !idempotent);
    const bool reused = connection != nullptr;
    if (!reused) connection = co_await ConnectionPool::connect(pool.shared_from_this(), route, context);

    connection->begin(request, context);
    if (!connection->send_at_once()) co_await connection->send_rest(request, context);
    Connection::Fill fill = Connection::Fill::data;
    while (fill == Connection::Fill::data && !connection->answered())
      fill = co_await connection->fill(context, pool.stall_ticks());
    if (fill == Connection::Fill::data)
      co_return Response(std::unique_ptr<Connection, Response::GiveBack>(connection.release()));

    const bool touched = connection->body_touched();
    const bool replace = reused && !connection->heard() && fill != Connection::Fill::expired && idempotent &&
                         (!touched || request.body->replayable());
    if (!replace) connection->throw_broken(fill);
    if (touched) co_await request.body->rewind(context);
  }
}

Response::Response(std::unique_ptr<Connection, GiveBack> connection) noexcept
    : connection_(std::move(connection)) {}
Response::Response(Response&&) noexcept = default;
Response& Response::operator=(Response&&) noexcept = default;
Response::~Response() = default;

void Response::GiveBack::operator()(Connection* given) const noexcept {
  std::unique_ptr<Connection> connection(given);
  if (!connection->reusable()) return;
  ConnectionPool& pool = *connection->pool();
  pool.give_back(std::move(connection));
}

int Response::status() const noexcept {
  return connection_->head().status();
}

std::string_view Response::header(std::string_view name) const noexcept {
  return connection_->head().find(connection_->head_text(), name);
}

void Response::for_each_header(
    const std::function<void(std::string_view name, std::string_view value)>& visit) const {
  const ResponseHead& head = connection_->head();
  const std::string_view text = connection_->head_text();
  for (std::size_t i = 0; i < head.field_count(); ++i)
    visit(head.name(text, i), head.value(text, i));
}

std::optional<std::uint64_t> Response::content_length() const noexcept {
  return connection_->head().content_length();
}

Duration Response::first_byte() const noexcept {
  return connection_->first_byte();
}

Task<std::size_t> Response::read_some(std::span<std::byte> into, OpContext& context) {
  return connection_->read_body(into, context);
}

Task<> Response::read_all(std::string& into, std::size_t limit, OpContext& context) {
  constexpr std::size_t kStep = 16 << 10;
  const std::size_t before = into.size();
  const auto too_large = [limit] {
    return Error(ErrorClass::exhausted,
                 "the body of the answer is larger than " + std::to_string(limit) + " bytes");
  };
  if (const auto length = content_length();
      length && *length > limit && connection_->head().status() != 304) {
    const auto whole = connection_->whole_body();
    if (!whole || !whole->empty()) throw too_large();
    co_return;
  }
  if (const auto whole = connection_->whole_body()) {
    into.append(*whole);
    co_return;
  }
  while (true) {
    const std::size_t at = into.size();
    const std::size_t missing =
        content_length() ? static_cast<std::size_t>(*content_length()) - (at - before) : kStep;
    into.resize(at + std::max<std::size_t>(missing, 1));
    const std::size_t got =
        co_await connection_->read_body(std::as_writable_bytes(std::span(into).subspan(at)), context);
    into.resize(at + got);
    if (into.size() - before > limit) throw too_large();
    if (got == 0) co_return;
  }
}

}  // namespace haul::http

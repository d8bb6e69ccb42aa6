// What comes between a TCP connection and the first request: proxy and TLS.
#include <fmt/format.h>

#include "http/connection.h"
#include "http/connection_pool.h"

namespace haul::http {

Task<> Connection::tunnel(OpContext& context) {
  const std::string name = "the proxy " + route_.proxy->endpoint.host_and_port();
  env_ = &context.env();
  out_ = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", route_.endpoint.host_and_port());
  if (!route_.proxy->authorization.empty())
    out_.append("Proxy-Authorization: ").append(route_.proxy->authorization).append("\r\n");
  out_.append("\r\n");
  out_sent_ = 0;
  const Ticks limit = pool_->ticker().ticks(pool_->options().connect_timeout);
  for (Io io = flush(); io.state != IoState::done; io = flush()) {
    if (io.state != IoState::wait_write) throw_broken(Fill::failed);
    if (!co_await wait(io.state, context, limit))
      throw Error(ErrorClass::timed_out, name + " does not take a request");
  }
  while (!answered()) {
    const Fill result = co_await fill(context, limit);
    if (result == Fill::expired) throw Error(ErrorClass::timed_out, name + " does not answer");
    if (result != Fill::data) throw Error(ErrorClass::unavailable, name + " closed the connection");
  }
  const int status = head_.status();
  if (status == 407)
    throw Error(ErrorClass::unauthenticated, name + " wants other credentials")
        .with_code("", status)
        .with_hint("write https_proxy as http://user:password@host:port");
  if (status == 403)
    throw Error(ErrorClass::permission_denied, name + " refuses this host").with_code("", status);
  if (status >= 300)
    throw Error(ErrorClass::unavailable, fmt::format("{} cannot reach {}", name, route_.name))
        .with_code("", status);
  if (in_end_ != head_.size()) throw Error(ErrorClass::unavailable, name + " sent more than its answer");
  out_.clear();
}

Task<> Connection::handshake(const TlsContext& tls, OpContext& context) {
  tls_ = std::make_unique<TlsStream>(tls, socket_.native_handle(), route_.endpoint, route_.session);
  const Ticks limit = pool_->ticker().ticks(pool_->options().connect_timeout);
  for (Io io = tls_->handshake(); io.state != IoState::done; io = tls_->handshake()) {
    if (io.state == IoState::wait_read || io.state == IoState::wait_write) {
      if (co_await wait(io.state, context, limit)) continue;
      throw Error(ErrorClass::timed_out, route_.name + " does not complete the TLS handshake");
    }
    if (tls_->untrusted())
      throw Error(ErrorClass::permission_denied,
                  fmt::format("the certificate of {} is not accepted: {}", route_.name, tls_->reason()))
          .with_retryable(false)
          .with_hint("name its authority with --ca-file");
    throw Error(ErrorClass::unavailable,
                fmt::format("no TLS with {}: {}", route_.name,
                            tls_->reason().empty() ? "closed by the server" : tls_->reason()));
  }
}

}  // namespace haul::http

// The HTTP/1.1 client (RFC 9110, RFC 9112). One for the whole program; connections belong to shards.
//
// A request's head is text that the caller builds once; bodies move between the socket and the caller's
// memory without a copy. The client does not retry (runtime/retry.h does) with one exception: a kept-alive
// connection that turns out to be closed before a byte of the answer arrived is replaced once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "http/options.h"
#include "http/url.h"
#include "runtime/body.h"
#include "runtime/context.h"
#include "runtime/shard.h"
#include "runtime/task.h"

namespace haul::http {

struct Request {
  std::string_view method;
  std::string_view target;   // encoded path and query
  std::string_view headers;  // `Name: value\r\n` lines, without Host, Content-Length, Connection, User-Agent
  Body* body = nullptr;      // nothing: no body (Content-Length: 0 is sent with PUT and POST)
  bool expect_continue = false;  // wait for the server's consent before sending the body
  bool close = false;            // not to be kept alive
};

class Connection;

// An answer. Holds its connection as long as it lives; destroyed before the body is read to the end, it
// closes the connection. Belongs to the shard it came from. Views stay valid as long as the response, moved
// or not.
class Response {
 public:
  Response(Response&&) noexcept;
  Response& operator=(Response&&) noexcept;
  ~Response();

  int status() const noexcept;
  std::string_view header(std::string_view name) const noexcept;  // first one, any case; empty if absent
  void for_each_header(const std::function<void(std::string_view name, std::string_view value)>& visit) const;
  // As the head says; for HEAD that of the body which GET would give.
  std::optional<std::uint64_t> content_length() const noexcept;
  Duration first_byte() const noexcept;  // from the last byte of the request to the first of the answer

  // Receives straight into `into`, which must not be empty; 0 at the end of the body. A body that ends early
  // or a broken connection throws unavailable; a stall throws timed_out.
  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context);
  // Appends the whole body. Throws exhausted beyond `limit` bytes.
  Task<> read_all(std::string& into, std::size_t limit, OpContext& context);

 private:
  friend class Client;
  struct GiveBack {
    void operator()(Connection* connection) const noexcept;
  };
  explicit Response(std::unique_ptr<Connection, GiveBack> connection) noexcept;
  std::unique_ptr<Connection, GiveBack> connection_;
};

// Thread safety: send() may be called from any shard, and uses that shard's connections.
class Client {
 public:
  Client(const ClientOptions& options, unsigned shard_count);
  // After the last response is gone, and before the Runtime whose shards it served.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends and gives the head of the final answer (1xx are skipped). An answer that comes before the body is
  // sent ends the sending. Throws unavailable (connection refused, reset, closed; DNS that may pass),
  // timed_out, cancelled, invalid_argument (unknown host), permission_denied (TLS verification failed, with
  // the reason and `--ca-file` as remedy; never retried).
  Task<Response> send(const Endpoint& endpoint, const Request& request, OpContext& context);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace haul::http

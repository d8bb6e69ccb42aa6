// The HTTP/1.1 client (RFC 9110, RFC 9112). One for the whole program; connections belong to shards.
//
// A request's head is text that the caller builds once; bodies move between the socket and the caller's
// memory without a copy. The client does not retry (runtime/retry.h does) with one exception: a kept-alive
// connection that turns out to be closed before a byte of the answer arrived is replaced once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/body.h"
#include "runtime/context.h"
#include "runtime/shard.h"
#include "runtime/task.h"

namespace haul::http {

// Where requests go. Equal endpoints share connections.
struct Endpoint {
  bool tls = false;
  std::string host;  // name or address, IPv6 without brackets
  std::uint16_t port = 80;
  // As in the Host header: brackets around IPv6, no default port.
  std::string authority() const;
  bool operator==(const Endpoint&) const = default;
};

struct Url {
  Endpoint endpoint;
  std::string path;  // encoded, with query; empty if the URL has none
};

// Throws invalid_argument with position and remedy. Accepts http and https.
Url parse_url(std::string_view text);

struct ClientOptions {
  std::string ca_file;    // PEM; empty: the system's
  bool insecure = false;  // no verification of certificates
  // Proxies as the environment names them: http_proxy, https_proxy, all_proxy, no_proxy (upper case too,
  // except HTTP_PROXY, which CGI servers let clients set). See proxy_from_environment().
  std::string http_proxy, https_proxy, no_proxy;
  std::chrono::milliseconds connect_timeout{10'000};  // of one address, TLS included
  std::chrono::milliseconds stall_timeout{60'000};    // no byte moved in either direction
  std::chrono::milliseconds continue_timeout{1'000};  // waits this long for 100 Continue
  std::chrono::milliseconds idle_timeout{15'000};     // a kept-alive connection is closed after
  std::size_t max_head = 64 << 10;                    // of an answer
  unsigned max_idle = 1024;                           // kept-alive connections a shard
  std::string user_agent;
};

void proxy_from_environment(const Env& env, ClientOptions& options);

struct Request {
  std::string_view method;
  std::string_view target;   // encoded path and query
  std::string_view headers;  // `Name: value\r\n` lines, without Host, Content-Length, Connection, User-Agent
  Body* body = nullptr;      // nothing: no body (Content-Length: 0 is sent with PUT and POST)
  bool expect_continue = false;  // wait for the server's consent before sending the body
  bool close = false;            // not to be kept alive
};

class Connection;

// An answer. Holds its connection until the body is read to the end; destroyed earlier, it closes the
// connection. Belongs to the shard it came from. Views stay valid as long as the response.
class Response {
 public:
  Response(Response&&) noexcept;
  Response& operator=(Response&&) noexcept;
  ~Response();

  int status() const noexcept;
  std::string_view header(std::string_view name) const noexcept;  // first one, any case; empty if absent
  void for_each_header(const std::function<void(std::string_view name, std::string_view value)>& visit) const;
  std::optional<std::uint64_t> content_length() const noexcept;  // of this answer's body
  Duration first_byte() const noexcept;  // from the last byte of the request to the first of the answer

  // Receives straight into `into`; 0 at the end of the body. A body that ends early or a broken connection
  // throws unavailable; a stall throws timed_out.
  Task<std::size_t> read_some(std::span<std::byte> into, OpContext& context);
  // Appends the whole body. Throws exhausted beyond `limit` bytes.
  Task<> read_all(std::string& into, std::size_t limit, OpContext& context);

 private:
  friend class Client;
  struct State;
  explicit Response(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Thread safety: send() may be called from any shard, and uses that shard's connections.
class Client {
 public:
  Client(const ClientOptions& options, unsigned shard_count);
  ~Client();  // after the last response is gone

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

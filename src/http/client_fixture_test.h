// What the tests of the client share: calls to make, a body in pieces, a server and a shard.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "http/client.h"
#include "http/scripted_server_test.h"
#include "runtime/task_group.h"

namespace haul::http {

struct Answer {
  int status = 0;
  std::string body;
  std::string head;  // "name=value;" of all headers
};

inline Task<Answer> fetch(Client& client, Endpoint endpoint, Request request, OpContext context) {
  Response response = co_await client.send(endpoint, request, context);
  Answer answer;
  answer.status = response.status();
  response.for_each_header([&answer](std::string_view name, std::string_view value) {
    answer.head.append(name).append("=").append(value).append(";");
  });
  co_await response.read_all(answer.body, 64 << 20, context);
  co_return answer;
}

// As a streaming caller reads: piece by piece through a small buffer.
inline Task<Answer> fetch_in_pieces(Client& client, Endpoint endpoint, Request request, std::size_t piece,
                                    OpContext context) {
  Response response = co_await client.send(endpoint, request, context);
  Answer answer;
  answer.status = response.status();
  std::vector<std::byte> buffer(piece);
  while (const std::size_t got = co_await response.read_some(buffer, context))
    answer.body.append(reinterpret_cast<const char*>(buffer.data()), got);
  co_return answer;
}

inline Task<> stop_after(std::chrono::milliseconds delay, StopFlag& stop, OpContext context) {
  co_await context.sleep(delay);
  stop.raise(StopLevel::abort);
}

inline Task<Answer> fetch_and_stop(Client& client, Endpoint endpoint, Request request, StopFlag& stop,
                                   OpContext context) {
  TaskGroup group(context.executor());
  group.spawn(stop_after(std::chrono::milliseconds(30), stop, context));
  std::exception_ptr error;
  Answer answer;
  try {
    answer = co_await fetch(client, endpoint, request, context);
  } catch (...) {
    error = std::current_exception();
  }
  try {
    co_await group.join();
  } catch (const Error&) {
    // the sleeper is stopped as well
  }
  if (error) std::rethrow_exception(error);
  co_return answer;
}

// A body that comes in pieces, as from a file.
class PiecewiseBody final : public Body {
 public:
  PiecewiseBody(std::string bytes, std::size_t piece, bool replayable = true)
      : bytes_(std::move(bytes)), piece_(piece), replayable_(replayable) {}
  std::uint64_t size() const override { return claimed != 0 ? claimed : bytes_.size(); }
  bool replayable() const override { return replayable_; }
  Task<> rewind(OpContext&) override {
    ++rewinds;
    at_ = 0;
    co_return;
  }
  Task<std::span<const std::byte>> next(OpContext&) override {
    const std::size_t from = std::exchange(at_, std::min(at_ + piece_, bytes_.size()));
    co_return std::as_bytes(std::span(bytes_).subspan(from, at_ - from));
  }
  int rewinds = 0;
  std::uint64_t claimed = 0;

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  bool replayable_;
};

inline constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\nhello";
inline constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

class ClientTest : public testing::Test {
 protected:
  void start(std::vector<ScriptedServer::Script> scripts) { server.emplace(std::move(scripts)); }
  Endpoint endpoint() const { return {.tls = false, .host = "127.0.0.1", .port = server->port()}; }
  Client& client() {
    if (!client_) client_.emplace(options, runtime.shard_count());
    return *client_;
  }
  Answer get(Request request = {.method = "GET", .target = "/"}) {
    return runtime.run_for(fetch(client(), endpoint(), request, runtime.context()));
  }
  Answer get_in_pieces(std::size_t piece) {
    const Request request{.method = "GET", .target = "/"};
    return runtime.run_for(fetch_in_pieces(client(), endpoint(), request, piece, runtime.context()));
  }
  Answer put(Body& body, bool expect_continue = false) {
    return get({.method = "PUT", .target = "/k", .body = &body, .expect_continue = expect_continue});
  }
  template <class Call>
  static Error error_of(Call call) {
    try {
      call();
    } catch (const Error& error) {
      return error;
    }
    return {ErrorClass::internal, "nothing was thrown"};
  }

  std::string bytes, received;           // what the server's threads may still use
  std::optional<ScriptedServer> server;  // outlives the client, which must have closed its connections
  ClientOptions options;
  Runtime runtime{system_env(), null_logger(), {.shards = 1, .blocking_threads = 2}};

 private:
  std::optional<Client> client_;
};

inline Task<> send_and_drop(Client& client, Endpoint endpoint, OpContext context) {
  const Request request{.method = "GET", .target = "/"};
  co_await client.send(endpoint, request, context);
}

inline Task<> fetch_many(Client& client, Endpoint endpoint, int count, OpContext context) {
  TaskGroup group(context.executor());
  for (int i = 0; i < count; ++i)
    group.spawn(send_and_drop(client, endpoint, context));
  co_await group.join();
}

}  // namespace haul::http

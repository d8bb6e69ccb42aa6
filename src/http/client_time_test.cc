// Time and stopping, at every state of an exchange.
#include "http/client_fixture_test.h"

namespace haul::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class StallTest : public ClientTest, public testing::WithParamInterface<std::string_view> {};

ScriptedServer::Script stall_after(std::string_view said) {
  return [said](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(said);
    peer.read_to_end();
  };
}

TEST_P(StallTest, AServerThatFallsSilentIsGivenUp) {
  start({stall_after(GetParam())});
  options.stall_timeout = 30ms;
  const Error error = error_of([&] { get(); });
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out) << error.what();
  EXPECT_TRUE(error.retryable());
}

TEST_P(StallTest, TheDeadlineEndsIt) {
  start({stall_after(GetParam())});
  options.idle_timeout = 50ms;  // a finer clock
  const Request request{.method = "GET", .target = "/"};
  const OpContext context = runtime.context().with_deadline(std::chrono::steady_clock::now() + 30ms);
  const Error error = error_of([&] { runtime.run_for(fetch(client(), endpoint(), request, context)); });
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out) << error.what();
  EXPECT_FALSE(error.retryable());
}

TEST_P(StallTest, AStopEndsIt) {
  start({stall_after(GetParam())});
  options.idle_timeout = 50ms;
  const Request request{.method = "GET", .target = "/"};
  const Error error = error_of([&] {
    runtime.run_for(fetch_and_stop(client(), endpoint(), request, runtime.stop(), runtime.context()));
  });
  EXPECT_EQ(error.error_class(), ErrorClass::cancelled) << error.what();
}

INSTANTIATE_TEST_SUITE_P(Everywhere, StallTest,
                         testing::Values("", "HTTP/1.1 2", "HTTP/1.1 100 Continue\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
                                         "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                                         "HTTP/1.1 200 OK\r\n\r\nendless"));

TEST_F(ClientTest, AnUploadThatIsNotTakenIsGivenUp) {
  const auto deaf = [](ScriptedPeer& peer) {
    peer.read_head();
    std::this_thread::sleep_for(200ms);
  };
  start({deaf, deaf, deaf});
  options.stall_timeout = 30ms;
  const std::string bytes(64 << 20, 'x');
  MemoryBody memory(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(error_of([&] { put(memory); }).error_class(), ErrorClass::timed_out);

  const Request request{.method = "PUT", .target = "/k", .body = &memory};
  const OpContext context = runtime.context().with_deadline(std::chrono::steady_clock::now() + 20ms);
  EXPECT_FALSE(error_of([&] { runtime.run_for(fetch(client(), endpoint(), request, context)); }).retryable());

  options.stall_timeout = 60s;
  const Error stopped = error_of([&] {
    runtime.run_for(fetch_and_stop(client(), endpoint(), request, runtime.stop(), runtime.context()));
  });
  EXPECT_THAT(std::string(to_string(stopped.error_class())), testing::AnyOf("cancelled", "timed_out"));
}

TEST_F(ClientTest, AStopEndsTheWaitForConsent) {
  start({stall_after("")});
  options.continue_timeout = 5s;
  options.idle_timeout = 50ms;
  MemoryBody memory(as_bytes("abc"));
  const Request request{.method = "PUT", .target = "/k", .body = &memory, .expect_continue = true};
  const Error error = error_of([&] {
    runtime.run_for(fetch_and_stop(client(), endpoint(), request, runtime.stop(), runtime.context()));
  });
  EXPECT_EQ(error.error_class(), ErrorClass::cancelled);
}

// A place that takes no more connections, and does not refuse them either.
class FullQueue {
 public:
  FullQueue() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    where_.sin_family = AF_INET;
    ::inet_pton(AF_INET, "127.0.0.1", &where_.sin_addr);
    socklen_t size = sizeof where_;
    ::bind(listener_, address(), size);
    ::listen(listener_, 0);
    ::getsockname(listener_, address(), &size);
    for (int& one : waiting_) {
      one = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
      ::connect(one, address(), size);
    }
  }
  ~FullQueue() {
    for (const int one : waiting_)
      ::close(one);
    ::close(listener_);
  }
  FullQueue(const FullQueue&) = delete;
  FullQueue& operator=(const FullQueue&) = delete;
  std::uint16_t port() const { return ntohs(where_.sin_port); }

 private:
  sockaddr* address() { return reinterpret_cast<sockaddr*>(&where_); }
  int listener_;
  sockaddr_in where_{};
  int waiting_[4];
};

TEST_F(ClientTest, AStopOrTheDeadlineEndsAConnectionAttempt) {
  const FullQueue full;
  options.idle_timeout = 50ms;
  const Request request{.method = "GET", .target = "/"};
  const Endpoint endpoint{.host = "127.0.0.1", .port = full.port()};
  const OpContext limited = runtime.context().with_deadline(std::chrono::steady_clock::now() + 20ms);
  const Error late = error_of([&] { runtime.run_for(fetch(client(), endpoint, request, limited)); });
  EXPECT_EQ(late.error_class(), ErrorClass::timed_out);
  EXPECT_FALSE(late.retryable());
  const Error stopped = error_of([&] {
    runtime.run_for(fetch_and_stop(client(), endpoint, request, runtime.stop(), runtime.context()));
  });
  EXPECT_EQ(stopped.error_class(), ErrorClass::cancelled);
}

TEST_F(ClientTest, ASilentProxyOrTlsServerIsGivenUpAndCanBeStopped) {
  const auto silent = [](ScriptedPeer& peer) { peer.read_to_end(); };
  start({silent, silent, silent, silent});
  options.connect_timeout = 30ms;
  const Request request{.method = "GET", .target = "/"};
  const Endpoint direct{.tls = true, .host = "127.0.0.1", .port = server->port()};
  const Endpoint far{.tls = true, .host = "far.test", .port = 443};
  options.https_proxy = "http://127.0.0.1:" + std::to_string(server->port());
  for (const Endpoint& endpoint : {direct, far}) {
    const Error error =
        error_of([&] { runtime.run_for(fetch(client(), endpoint, request, runtime.context())); });
    EXPECT_EQ(error.error_class(), ErrorClass::timed_out) << error.what();
    EXPECT_TRUE(error.retryable());
  }
  options.connect_timeout = 10s;
  options.idle_timeout = 50ms;
  Client patient(options, 1);
  for (const Endpoint& endpoint : {direct, far}) {
    StopFlag stop;
    const OpContext context(system_env(), runtime.shard(0), stop, null_logger());
    const Error error =
        error_of([&] { runtime.run_for(fetch_and_stop(patient, endpoint, request, stop, context)); });
    EXPECT_EQ(error.error_class(), ErrorClass::cancelled) << error.what();
  }
}

TEST_F(ClientTest, IdleConnectionsAreClosed) {
  std::atomic<bool> closed{false};
  const auto script = [&](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kHello);
    closed = peer.closed_by_client();
  };
  start({script, [](ScriptedPeer& peer) {
           peer.read_head();
           peer.send(kHello);
           peer.closed_by_client();
         }});
  options.idle_timeout = 20ms;
  EXPECT_EQ(get().body, "hello");
  for (int i = 0; i < 500 && !closed; ++i) {
    OpContext context = runtime.context();
    runtime.run(context.sleep(10ms));
  }
  EXPECT_TRUE(closed);
  EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(server->connections(), 2U);
}

TEST_F(ClientTest, AnAnswerThatIsDroppedUnreadClosesItsConnection) {
  const auto script = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome");
    EXPECT_TRUE(peer.closed_by_client());
  };
  const auto small = [](ScriptedPeer& peer) {
    for (int i = 0; i < 2; ++i) {
      peer.read_head();
      peer.send(kHello);
    }
    peer.closed_by_client();
  };
  start({script, small});
  runtime.run(send_and_drop(client(), endpoint(), runtime.context()));
  // A small rest that is there already is passed over instead.
  runtime.run(send_and_drop(client(), endpoint(), runtime.context()));
  EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(server->connections(), 2U);
}

}  // namespace
}  // namespace haul::http

// The way to a server: names, addresses, shards, proxies.
#include "http/client_fixture_test.h"

namespace haul::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(ClientTest, AConnectionRefusedIsUnavailable) {
  start({});
  const std::uint16_t port = server->port();
  server.reset();
  const Request request{.method = "GET", .target = "/"};
  const Error error = error_of([&] {
    runtime.run_for(fetch(client(), Endpoint{.host = "127.0.0.1", .port = port}, request, runtime.context()));
  });
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_THAT(error.what(), HasSubstr("Connection refused"));
}

Lookup found(std::initializer_list<const char*> addresses) {
  Lookup lookup;
  for (const char* one : addresses)
    lookup.addresses.push_back(boost::asio::ip::make_address(one));
  return lookup;
}

TEST_F(ClientTest, GoesOnToTheNextAddressWhenOneRefuses) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kHello);
    peer.closed_by_client();
  }});
  options.lookup = [](const std::string&) { return found({"127.0.0.9", "::1", "127.0.0.1"}); };
  const Request request{.method = "GET", .target = "/"};
  const Endpoint endpoint{.host = "several.test", .port = server->port()};
  EXPECT_EQ(runtime.run_for(fetch(client(), endpoint, request, runtime.context())).body, "hello");
}

TEST_F(ClientTest, GoesOnToTheNextAddressWhenOneDoesNotAnswer) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kHello);
    peer.closed_by_client();
  }});
  // A socket whose queue is full does not answer any more.
  const int deaf = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(server->port());
  ::inet_pton(AF_INET, "127.0.0.7", &where.sin_addr);
  ASSERT_EQ(::bind(deaf, reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  ::listen(deaf, 0);
  std::vector<int> queue;
  for (int i = 0; i < 4; ++i) {
    queue.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    ::connect(queue.back(), reinterpret_cast<sockaddr*>(&where), sizeof where);
  }
  options.lookup = [](const std::string&) { return found({"127.0.0.7", "127.0.0.1"}); };
  const Request request{.method = "GET", .target = "/"};
  const Endpoint endpoint{.host = "several.test", .port = server->port()};
  EXPECT_EQ(runtime.run_for(fetch(client(), endpoint, request, runtime.context())).body, "hello");

  options.connect_timeout = 30ms;
  options.lookup = [](const std::string&) { return found({"127.0.0.7"}); };
  Client impatient(options, 1);
  const Error error =
      error_of([&] { runtime.run_for(fetch(impatient, endpoint, request, runtime.context())); });
  EXPECT_EQ(error.error_class(), ErrorClass::timed_out) << error.what();
  for (const int one : queue)
    ::close(one);
  ::close(deaf);
}

TEST_F(ClientTest, AnUnknownHostIsTheCallersMistakeAndASilentNameServiceIsNot) {
  start({});
  const Request request{.method = "GET", .target = "/"};
  options.lookup = [](const std::string& host) {
    return Lookup{{}, host == "gone.test" ? EAI_NONAME : EAI_AGAIN};
  };
  EXPECT_EQ(error_of([&] {
              runtime.run_for(fetch(client(), Endpoint{.host = "gone.test"}, request, runtime.context()));
            }).error_class(),
            ErrorClass::invalid_argument);
  EXPECT_EQ(error_of([&] {
              runtime.run_for(fetch(client(), Endpoint{.host = "later.test"}, request, runtime.context()));
            }).error_class(),
            ErrorClass::unavailable);
}

TEST_F(ClientTest, AStopEndsAnEndlessNameLookup) {
  start({});
  const auto leave = std::make_shared<std::atomic<bool>>(false);
  options.lookup = [leave](const std::string&) {
    while (!*leave)
      std::this_thread::yield();
    return Lookup{{}, EAI_AGAIN};
  };
  options.idle_timeout = 50ms;
  const Request request{.method = "GET", .target = "/"};
  const Error error = error_of([&] {
    runtime.run_for(
        fetch_and_stop(client(), Endpoint{.host = "slow.test"}, request, runtime.stop(), runtime.context()));
  });
  *leave = true;
  EXPECT_EQ(error.error_class(), ErrorClass::cancelled);
}

TEST_F(ClientTest, ANameIsLookedUpOnceForAllWhoAskAtTheSameTime) {
  const auto script = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kEmpty);
    peer.closed_by_client();
  };
  start(std::vector<ScriptedServer::Script>(16, script));
  std::atomic<int> asked{0};
  options.lookup = [&asked](const std::string&) {
    ++asked;
    return found({"127.0.0.1"});
  };
  const Endpoint endpoint{.host = "one.test", .port = server->port()};
  runtime.run(fetch_many(client(), endpoint, 16, runtime.context()));
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(server->connections(), 16U);
}

Task<> fetch_on_each_shard(Client& client, Endpoint endpoint, Runtime& several) {
  TaskGroup group(several.shard(0).executor());
  for (unsigned i = 0; i < several.shard_count(); ++i)
    group.spawn(on_shard(several.shard(i), fetch_many(client, endpoint, 8, several.context(i))));
  co_await group.join();
}

TEST_F(ClientTest, ServesSeveralShardsAtOnceEachWithItsConnections) {
  const auto script = [](ScriptedPeer& peer) {
    while (!peer.read_head().empty())
      peer.send(kHello);
  };
  start(std::vector<ScriptedServer::Script>(24, script));
  Runtime several(system_env(), null_logger(), {.shards = 3, .blocking_threads = 2});
  {
    Client shared(options, several.shard_count());
    for (int i = 0; i < 3; ++i)
      several.run(fetch_on_each_shard(shared, endpoint(), several));
  }
  EXPECT_LE(server->connections(), 24U);
}

// ---- proxies

TEST_F(ClientTest, SendsPlainRequestsToTheProxyInAbsoluteForm) {
  std::string head;
  start({[&](ScriptedPeer& peer) {
    head = peer.read_head();
    peer.send(kHello);
    peer.closed_by_client();
  }});
  options.http_proxy = "http://user:pa%3Ass@127.0.0.1:" + std::to_string(server->port());
  const Request request{.method = "GET", .target = "/k?q"};
  const Endpoint far{.host = "far.test", .port = 8080};
  EXPECT_EQ(runtime.run_for(fetch(client(), far, request, runtime.context())).body, "hello");
  EXPECT_THAT(head, testing::StartsWith("GET http://far.test:8080/k?q HTTP/1.1\r\nHost: far.test:8080\r\n"));
  EXPECT_THAT(head, HasSubstr("Proxy-Authorization: Basic dXNlcjpwYTpzcw==\r\n"));
}

TEST_F(ClientTest, SaysWhatTheProxyRefused) {
  const auto say = [](std::string_view answer) {
    return [answer](ScriptedPeer& peer) {
      EXPECT_THAT(peer.read_head(),
                  testing::StartsWith("CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n"));
      peer.send(answer);
      peer.closed_by_client();
    };
  };
  start({say("HTTP/1.1 407 Who\r\n\r\n"), say("HTTP/1.1 403 No\r\n\r\n"), say("HTTP/1.1 502 Bad\r\n\r\n")});
  options.https_proxy = "http://user:secret@127.0.0.1:" + std::to_string(server->port());
  const Request request{.method = "GET", .target = "/"};
  const Endpoint far{.tls = true, .host = "far.test", .port = 443};
  for (const ErrorClass expected :
       {ErrorClass::unauthenticated, ErrorClass::permission_denied, ErrorClass::unavailable}) {
    const Error error = error_of([&] { runtime.run_for(fetch(client(), far, request, runtime.context())); });
    EXPECT_EQ(error.error_class(), expected) << error.what();
    EXPECT_THAT(error.what(), testing::Not(HasSubstr("secret")));
  }
}
}  // namespace
}  // namespace haul::http

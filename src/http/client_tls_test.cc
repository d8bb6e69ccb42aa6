// The client over TLS, directly and through a proxy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "http/certificates_test.h"
#include "http/client.h"
#include "http/scripted_server_test.h"

namespace haul::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

Task<std::string> fetch_over_tls(Client& client, Endpoint endpoint, Request request, OpContext context) {
  Response response = co_await client.send(endpoint, request, context);
  std::string body;
  co_await response.read_all(body, 64 << 20, context);
  co_return std::to_string(response.status()) + " " + body;
}

constexpr std::string_view kSecret = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";

void answer_secret(ScriptedPeer& peer) {
  if (!peer.accepted()) return;
  while (!peer.read_head().empty())
    peer.send(kSecret);
}

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() {
    options.ca_file = authority.file();
    options.lookup = [](const std::string&) {
      return Lookup{{boost::asio::ip::make_address("127.0.0.1")}, 0};
    };
  }
  void start(const std::string& names, std::vector<ScriptedServer::Script> scripts, long valid_for = 3600,
             int only_protocol = 0) {
    context.reset(authority.server(names, valid_for, only_protocol));
    server.emplace(std::move(scripts), context.get());
  }
  std::string get(const std::string& host, Request request = {.method = "GET", .target = "/"}) {
    if (!client_) client_.emplace(options, 1);
    const Endpoint endpoint{.tls = true, .host = host, .port = server->port()};
    return runtime.run_for(fetch_over_tls(*client_, endpoint, request, runtime.context()));
  }
  Error error_of_get(const std::string& host) {
    try {
      get(host);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorClass::internal, "nothing was thrown"};
  }

  TestAuthority authority;
  std::unique_ptr<SSL_CTX, FreeContext> context;
  std::string seen;  // by the server's threads
  std::vector<bool> resumed;
  std::optional<ScriptedServer> server;
  ClientOptions options;
  Runtime runtime{system_env(), null_logger(), {.shards = 1, .blocking_threads = 2}};

 private:
  std::optional<Client> client_;
};

TEST_F(ClientTlsTest, AcceptsTheRightHostAndSaysWhichItWants) {
  start("DNS:good.test", {[this](ScriptedPeer& peer) {
          seen = peer.server_name() + " " + peer.protocol();
          answer_secret(peer);
        }});
  EXPECT_EQ(get("good.test"), "200 secret");
  EXPECT_EQ(get("good.test"), "200 secret");
  EXPECT_EQ(seen, "good.test http/1.1");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTlsTest, AcceptsAnAddressThatTheCertificateNames) {
  start("IP:127.0.0.1", {answer_secret});
  EXPECT_EQ(get("127.0.0.1"), "200 secret");
}

TEST_F(ClientTlsTest, AcceptsAWildcardForOneLabelOnly) {
  start("DNS:*.good.test", {answer_secret, answer_secret});
  EXPECT_EQ(get("bucket.good.test"), "200 secret");
  EXPECT_EQ(error_of_get("a.b.good.test").error_class(), ErrorClass::permission_denied);
}

TEST_F(ClientTlsTest, RefusesAnotherHost) {
  start("DNS:good.test", {answer_secret});
  const Error error = error_of_get("bad.test");
  EXPECT_EQ(error.error_class(), ErrorClass::permission_denied);
  EXPECT_FALSE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("hostname mismatch"));
}

TEST_F(ClientTlsTest, RefusesAnAddressThatTheCertificateDoesNotName) {
  start("DNS:127.0.0.1", {answer_secret});
  EXPECT_THAT(error_of_get("127.0.0.1").what(), HasSubstr("IP address mismatch"));
}

TEST_F(ClientTlsTest, RefusesAnExpiredCertificate) {
  start("DNS:good.test", {answer_secret}, -60);
  EXPECT_THAT(error_of_get("good.test").what(), HasSubstr("certificate has expired"));
}

TEST_F(ClientTlsTest, RefusesAnUnknownAuthorityAndNamesTheRemedy) {
  start("DNS:good.test", {answer_secret});
  const TestAuthority another;
  options.ca_file = another.file();
  const Error error = error_of_get("good.test");
  EXPECT_EQ(error.error_class(), ErrorClass::permission_denied);
  EXPECT_THAT(error.hint(), HasSubstr("--ca-file"));
}

TEST_F(ClientTlsTest, AcceptsEverybodyWhenToldTo) {
  start("DNS:other.test", {answer_secret}, -60);
  options.ca_file.clear();
  options.insecure = true;
  EXPECT_EQ(get("good.test"), "200 secret");
}

TEST_F(ClientTlsTest, SaysThatTheFileOfAuthoritiesIsNotOne) {
  start("DNS:good.test", {answer_secret});
  options.ca_file = "/nowhere/ca.pem";
  const Error error = error_of_get("good.test");
  EXPECT_EQ(error.error_class(), ErrorClass::invalid_argument);
  EXPECT_EQ(error.subject(), "/nowhere/ca.pem");
}

TEST_F(ClientTlsTest, ResumesItsLastSession) {
  const auto once = [this](ScriptedPeer& peer) {
    resumed.push_back(peer.resumed());
    peer.read_head();
    peer.send(kSecret);
    peer.closed_by_client();
  };
  for (const int protocol : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    resumed.clear();
    start("DNS:good.test", {once, once}, 3600, protocol);
    const Request closing{.method = "GET", .target = "/", .close = true};
    EXPECT_EQ(get("good.test", closing), "200 secret");
    EXPECT_EQ(get("good.test", closing), "200 secret");
    server.reset();
    EXPECT_THAT(resumed, testing::ElementsAre(false, true)) << protocol;
  }
}

TEST_F(ClientTlsTest, SaysWhenAServerSpeaksNoTls) {
  server.emplace(std::vector<ScriptedServer::Script>{[](ScriptedPeer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.read_to_end();
  }});
  const Error error = error_of_get("good.test");
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_THAT(error.what(), HasSubstr("no TLS with good.test"));
}

TEST_F(ClientTlsTest, GivesUpAHandshakeThatDoesNotEnd) {
  server.emplace(std::vector<ScriptedServer::Script>{[](ScriptedPeer& peer) { peer.read_to_end(); }});
  options.connect_timeout = 30ms;
  EXPECT_EQ(error_of_get("good.test").error_class(), ErrorClass::timed_out);
}

TEST_F(ClientTlsTest, MovesLargeBodiesBothWays) {
  std::string bytes(6'000'001, ' ');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2654435761U >> 12);
  start("DNS:good.test", {[this, size = bytes.size()](ScriptedPeer& peer) {
          peer.read_head();
          seen = peer.read(size);
          peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n");
          peer.send(seen);
          peer.closed_by_client();
        }});
  MemoryBody body(as_bytes(bytes));
  EXPECT_TRUE(get("good.test", {.method = "PUT", .target = "/", .body = &body}) == "200 " + bytes);
}

TEST_F(ClientTlsTest, SendsASmallBodyWithTheHead) {
  start("DNS:good.test", {[this](ScriptedPeer& peer) {
          peer.read_head();
          seen = peer.read(5);
          peer.send(kSecret);
          peer.closed_by_client();
        }});
  MemoryBody body(as_bytes("small"));
  EXPECT_EQ(get("good.test", {.method = "PUT", .target = "/", .body = &body}), "200 secret");
  EXPECT_EQ(seen, "small");
}

TEST_F(ClientTlsTest, StopsAnUploadWhenAnAnswerComesEarly) {
  start("DNS:good.test", {[](ScriptedPeer& peer) {
          peer.read_head();
          peer.send("HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nslow");
          std::this_thread::sleep_for(20ms);
          peer.read_to_end();
        }});
  const std::string bytes(32 << 20, 'x');
  MemoryBody body(as_bytes(bytes));
  EXPECT_EQ(get("good.test", {.method = "PUT", .target = "/", .body = &body}), "503 slow");
}

TEST_F(ClientTlsTest, ABodyThatEndsWithTheConnectionNeedsAProperGoodBye) {
  const auto polite = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n\r\nall");
    peer.good_bye();
  };
  const auto cut = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\n\r\nall?");
  };
  start("DNS:good.test", {polite, cut});
  EXPECT_EQ(get("good.test"), "200 all");
  EXPECT_EQ(error_of_get("good.test").error_class(), ErrorClass::unavailable);
}

TEST_F(ClientTlsTest, ReplacesAStaleConnectionOnce) {
  const auto once = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kSecret);
    peer.good_bye();
  };
  start("DNS:good.test", {once, once});
  EXPECT_EQ(get("good.test"), "200 secret");
  EXPECT_EQ(get("good.test"), "200 secret");
  EXPECT_EQ(server->connections(), 2U);
}

TEST_F(ClientTlsTest, GoesThroughAProxyByATunnel) {
  context.reset(authority.server("DNS:far.test"));
  server.emplace(std::vector<ScriptedServer::Script>{[this](ScriptedPeer& peer) {
    seen = peer.read_head();
    peer.send("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n");
    peer.start_tls(context.get());
    answer_secret(peer);
  }});
  options.https_proxy = "http://user:word@127.0.0.1:" + std::to_string(server->port());
  EXPECT_EQ(get("far.test"), "200 secret");
  EXPECT_EQ(get("far.test"), "200 secret");
  EXPECT_THAT(seen, testing::StartsWith("CONNECT far.test:"));
  EXPECT_THAT(seen, HasSubstr("Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n"));
  EXPECT_EQ(server->connections(), 1U);
}

}  // namespace
}  // namespace haul::http

#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "http/scripted_server_test.h"
#include "runtime/task_group.h"

namespace haul::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

struct Answer {
  int status = 0;
  std::string body;
  std::string head;  // "name=value;" of all headers
};

Task<Answer> fetch(Client& client, Endpoint endpoint, Request request, OpContext context) {
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
Task<Answer> fetch_in_pieces(Client& client, Endpoint endpoint, Request request, std::size_t piece,
                             OpContext context) {
  Response response = co_await client.send(endpoint, request, context);
  Answer answer;
  answer.status = response.status();
  std::vector<std::byte> buffer(piece);
  while (const std::size_t got = co_await response.read_some(buffer, context))
    answer.body.append(reinterpret_cast<const char*>(buffer.data()), got);
  co_return answer;
}

Task<> stop_after(std::chrono::milliseconds delay, StopFlag& stop, OpContext context) {
  co_await context.sleep(delay);
  stop.raise(StopLevel::abort);
}

Task<Answer> fetch_and_stop(Client& client, Endpoint endpoint, Request request, StopFlag& stop,
                            OpContext context) {
  TaskGroup group(context.executor());
  group.spawn(stop_after(30ms, stop, context));
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

constexpr std::string_view kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"e\"\r\n\r\nhello";
constexpr std::string_view kEmpty = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

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

TEST_F(ClientTest, SendsTheHeadAsTextAndGivesStatusHeadersAndBody) {
  std::string head;
  start({[&](ScriptedPeer& peer) {
    head = peer.read_head();
    peer.send(kHello);
    peer.closed_by_client();
  }});
  options.user_agent = "haul/1";
  const Answer answer = get({.method = "GET", .target = "/b/k?x=1", .headers = "x-amz-date: now\r\n"});
  EXPECT_EQ(head, "GET /b/k?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server->port()) +
                      "\r\nUser-Agent: haul/1\r\nx-amz-date: now\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "hello");
  EXPECT_EQ(answer.head, "Content-Length=5;ETag=\"e\";");
}

TEST_F(ClientTest, KeepsTheConnectionForTheNextRequest) {
  start({[](ScriptedPeer& peer) {
    for (int i = 0; i < 3; ++i) {
      peer.read_head();
      peer.send(kHello);
    }
    peer.closed_by_client();
  }});
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, UnderstandsAnAnswerThatComesByteByByte) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send_byte_by_byte(kHello);
    peer.read_head();
    peer.send_byte_by_byte(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: v\r\n\r\n");
    peer.read_head();
    peer.send(kEmpty);
    peer.closed_by_client();
  }});
  EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(get().body, "abcde");
  EXPECT_EQ(get().body, "");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, ReadsAChunkedBodyThroughABufferOfAnySize) {
  const auto script = [](ScriptedPeer& peer) {
    for (int i = 0; i < 4; ++i) {
      peer.read_head();
      peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      peer.send("1\r\na\r\n10\r\n0123456789abcdef\r\n");
      peer.send("00003\r\nxyz\r\n0\r\n\r\n");
    }
    peer.closed_by_client();
  };
  start({script});
  for (const std::size_t piece : {1UZ, 2UZ, 7UZ, 4096UZ})
    EXPECT_EQ(get_in_pieces(piece).body, "a0123456789abcdefxyz");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, ReadsABodyThatEndsWithTheConnection) {
  start({[](ScriptedPeer& peer) {
           peer.read_head();
           peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
         },
         [](ScriptedPeer& peer) {
           peer.read_head();
           peer.send(kHello);
           peer.closed_by_client();
         }});
  EXPECT_EQ(get().body, "until the end");
  EXPECT_EQ(get().body, "hello");
}

TEST_F(ClientTest, KnowsAnswersThatHaveNoBody) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    peer.read_head();
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
    peer.read_head();
    peer.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
    peer.read_head();
    peer.send(kHello);
    peer.closed_by_client();
  }});
  EXPECT_EQ(get({.method = "HEAD", .target = "/"}).body, "");
  EXPECT_EQ(get({.method = "DELETE", .target = "/"}).status, 204);
  EXPECT_EQ(get().status, 304);
  EXPECT_EQ(get().body, "hello");
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, PassesOverInterimAnswers) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
              std::string(kHello));
    peer.closed_by_client();
  }});
  EXPECT_EQ(get().body, "hello");
}

TEST_F(ClientTest, ClosesWhenTheServerOrTheCallerSaysSo) {
  const auto once = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(peer.closed_by_client());
  };
  const auto old = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    EXPECT_TRUE(peer.closed_by_client());
  };
  std::string head;
  const auto asked = [&head](ScriptedPeer& peer) {
    head = peer.read_head();
    peer.send(kHello);
    EXPECT_TRUE(peer.closed_by_client());
  };
  start({once, old, asked});
  EXPECT_EQ(get().body, "ok");
  EXPECT_EQ(get().body, "ok");
  EXPECT_EQ(get({.method = "GET", .target = "/", .close = true}).body, "hello");
  EXPECT_THAT(head, HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(server->connections(), 3U);
}

TEST_F(ClientTest, SendsABodyFromMemoryWithItsLength) {
  std::string head, body;
  start({[&](ScriptedPeer& peer) {
    head = peer.read_head();
    body = peer.read(4096);
    peer.send(kEmpty);
    peer.closed_by_client();
  }});
  const std::string bytes(4096, 'x');
  MemoryBody memory(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(put(memory).status, 200);
  EXPECT_THAT(head, HasSubstr("Content-Length: 4096\r\n"));
  EXPECT_EQ(body, bytes);
}

TEST_F(ClientTest, SaysThatAnEmptyPutIsEmpty) {
  std::string head;
  start({[&](ScriptedPeer& peer) {
    head = peer.read_head();
    peer.send(kEmpty);
    peer.closed_by_client();
  }});
  get({.method = "PUT", .target = "/k"});
  EXPECT_THAT(head, HasSubstr("Content-Length: 0\r\n"));
}

TEST_F(ClientTest, SendsALargeBodyInPiecesToASlowServer) {
  bytes.resize(8 << 20);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2654435761U >> 13);
  const auto script = [&](ScriptedPeer& peer) {
    for (int i = 0; i < 2; ++i) {
      peer.read_head();
      received.clear();
      while (received.size() < bytes.size())
        received +=
            peer.read(100'000 < bytes.size() - received.size() ? 100'000 : bytes.size() - received.size());
      peer.send(kEmpty);
    }
    peer.closed_by_client();
  };
  start({script});
  PiecewiseBody pieces(bytes, 300'001);
  EXPECT_EQ(put(pieces).status, 200);
  EXPECT_TRUE(received == bytes);
  MemoryBody memory(std::as_bytes(std::span(bytes)));
  EXPECT_EQ(put(memory).status, 200);
  EXPECT_TRUE(received == bytes);
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, ReceivesALargeBodyWhole) {
  bytes.resize(5'000'017);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 2654435761U >> 11);
  const auto script = [&](ScriptedPeer& peer) {
    for (int i = 0; i < 2; ++i) {
      peer.read_head();
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n\r\n");
      peer.send(bytes);
    }
    peer.closed_by_client();
  };
  start({script});
  EXPECT_TRUE(get().body == bytes);
  EXPECT_TRUE(get_in_pieces(65'537).body == bytes);
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, WaitsForConsentBeforeSendingTheBody) {
  std::string head, body;
  start({[&](ScriptedPeer& peer) {
    head = peer.read_head();
    peer.send("HTTP/1.1 100 Continue\r\n\r\n");
    body = peer.read(3);
    peer.send(kEmpty);
    peer.closed_by_client();
  }});
  MemoryBody memory(as_bytes("abc"));
  EXPECT_EQ(put(memory, true).status, 200);
  EXPECT_THAT(head, HasSubstr("Expect: 100-continue\r\n"));
  EXPECT_EQ(body, "abc");
}

TEST_F(ClientTest, SendsTheBodyAnywayWhenConsentDoesNotCome) {
  std::string body;
  start({[&](ScriptedPeer& peer) {
    peer.read_head();
    body = peer.read(3);
    peer.send(kEmpty);
    peer.closed_by_client();
  }});
  options.continue_timeout = 20ms;
  MemoryBody memory(as_bytes("abc"));
  EXPECT_EQ(put(memory, true).status, 200);
  EXPECT_EQ(body, "abc");
}

TEST_F(ClientTest, DoesNotSendTheBodyWhenItIsRefused) {
  std::string rest = "not read";
  start({[&](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 412 Precondition Failed\r\nContent-Length: 2\r\n\r\nno");
    rest = peer.read_to_end();
  }});
  PiecewiseBody body(std::string(100'000, 'x'), 1000);
  const Answer answer = put(body, true);
  EXPECT_EQ(answer.status, 412);
  EXPECT_EQ(answer.body, "no");
  server.reset();
  EXPECT_EQ(rest, "");
}

TEST_F(ClientTest, StopsSendingWhenAnAnswerComesEarly) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nslow");
    std::this_thread::sleep_for(20ms);  // the client finds its way blocked, and the answer behind it
    peer.read_to_end();
  }});
  const std::string bytes(64 << 20, 'x');
  MemoryBody memory(std::as_bytes(std::span(bytes)));
  const Answer answer = put(memory);
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "slow");
}

TEST_F(ClientTest, FindsTheAnswerOfAServerThatClosesWithoutReadingTheBody) {
  start({[](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 4\r\n\r\nshut");
  }});
  PiecewiseBody body(std::string(32 << 20, 'x'), 65'536);
  // The reset that follows may overtake the answer: then the connection is broken, which is said.
  try {
    EXPECT_EQ(put(body).status, 403);
  } catch (const Error& error) {
    EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  }
}

TEST_F(ClientTest, RefusesASourceThatIsShorterOrLongerThanItSays) {
  const auto script = [](ScriptedPeer& peer) { peer.read_to_end(); };
  start({script, script});
  PiecewiseBody body("abcdef", 4);
  body.claimed = 10;
  EXPECT_EQ(error_of([&] { put(body); }).error_class(), ErrorClass::source_changed);
  PiecewiseBody longer("abcdef", 4);
  longer.claimed = 5;
  EXPECT_EQ(error_of([&] { put(longer); }).error_class(), ErrorClass::source_changed);
}

TEST_F(ClientTest, ReplacesAStaleConnectionOnce) {
  const auto once = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kHello);
    peer.read_head();  // and goes without an answer
  };
  std::string body;
  const auto put_once = [&](ScriptedPeer& peer) {
    peer.read_head();
    body = peer.read(6);
    peer.send(kHello);
    peer.closed_by_client();
  };
  start({once, put_once});
  EXPECT_EQ(get().body, "hello");
  PiecewiseBody pieces("abcdef", 4);
  EXPECT_EQ(put(pieces).body, "hello");
  EXPECT_EQ(pieces.rewinds, 1);
  EXPECT_EQ(body, "abcdef");
  EXPECT_EQ(server->connections(), 2U);
}

TEST_F(ClientTest, DoesNotSendAPostTwice) {
  const auto once = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send(kHello);
    peer.read_head();
  };
  start({once, once});
  EXPECT_EQ(get().body, "hello");
  const Error error = error_of([&] { get({.method = "POST", .target = "/"}); });
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, DoesNotReplaceAConnectionThatWasNew) {
  start({[](ScriptedPeer& peer) { peer.read_head(); }});
  const Error error = error_of([&] { get(); });
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_TRUE(error.retryable());
  EXPECT_THAT(error.what(), HasSubstr("closed the connection before it answered"));
  EXPECT_EQ(server->connections(), 1U);
}

TEST_F(ClientTest, SaysWhenABodyIsCutShort) {
  const auto script = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  };
  const auto chunked = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  };
  const auto reset = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    peer.reset();
  };
  start({script, chunked, reset});
  const Error error = error_of([&] { get(); });
  EXPECT_EQ(error.error_class(), ErrorClass::unavailable);
  EXPECT_THAT(error.what(), HasSubstr("5 bytes short"));
  EXPECT_EQ(error_of([&] { get(); }).error_class(), ErrorClass::unavailable);
  EXPECT_EQ(error_of([&] { get(); }).error_class(), ErrorClass::unavailable);
}

TEST_F(ClientTest, RefusesWhatIsNoHttp) {
  const auto say = [](std::string answer) {
    return [answer](ScriptedPeer& peer) {
      peer.read_head();
      peer.send(answer);
      peer.closed_by_client();
    };
  };
  start({say("SSH-2.0-OpenSSH\r\n"), say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"),
         say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense"),
         say("HTTP/1.1 101 Switching\r\n\r\n")});
  for (int i = 0; i < 4; ++i) {
    const Error error = error_of([&] { get(); });
    EXPECT_EQ(error.error_class(), ErrorClass::unavailable) << error.what();
  }
}

TEST_F(ClientTest, LimitsTheHeadAndTheBodyOfAnAnswer) {
  const auto large = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'x') + "\r\n\r\n");
    peer.closed_by_client();
  };
  const auto fitting = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: " + std::string(50'000, 'x') + "\r\n\r\nok");
    peer.closed_by_client();
  };
  const auto long_body = [](ScriptedPeer& peer) {
    peer.read_head();
    peer.send("HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.send("10000\r\n" + std::string(0x10000, 'x') + "\r\n")) {
    }
  };
  start({large, fitting, long_body});
  EXPECT_EQ(error_of([&] { get(); }).error_class(), ErrorClass::exhausted);
  EXPECT_EQ(get({.method = "GET", .target = "/", .close = true}).body, "ok");
  EXPECT_EQ(error_of([&] { get(); }).error_class(), ErrorClass::exhausted);
}

TEST_F(ClientTest, RefusesToSendWhatWouldBreakOutOfItsLine) {
  start({});
  const std::vector<Request> bad{
      {.method = "GET", .target = "/a b"},
      {.method = "GET", .target = "/a\r\nx: y"},
      {.method = "GET", .target = ""},
      {.method = "G T", .target = "/"},
      {.method = "GET", .target = "/", .headers = "x: a\nb: c\r\n"},
      {.method = "GET", .target = "/", .headers = "x: a\r\r\n"},
      {.method = "GET", .target = "/", .headers = "x: a\r\n\r\n"},
      {.method = "GET", .target = "/", .headers = "x: a"},
      {.method = "GET", .target = "/", .headers = "x: a\r\n folded: y\r\n"},
      {.method = "GET", .target = "/", .headers = std::string_view("x: \0\r\n", 6)},
      {.method = "GET", .target = "/", .headers = "no colon\r\n"},
  };
  for (const Request& request : bad)
    EXPECT_EQ(error_of([&] { get(request); }).error_class(), ErrorClass::invalid_argument) << request.headers;
  EXPECT_EQ(server->connections(), 0U);
}

// ---- time and stopping: at every state of an exchange

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

Task<> send_and_drop(Client& client, Endpoint endpoint, OpContext context) {
  const Request request{.method = "GET", .target = "/"};
  co_await client.send(endpoint, request, context);
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

// ---- names and addresses

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

Task<> fetch_many(Client& client, Endpoint endpoint, int count, OpContext context) {
  TaskGroup group(context.executor());
  for (int i = 0; i < count; ++i)
    group.spawn(send_and_drop(client, endpoint, context));
  co_await group.join();
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
    EXPECT_THAT(error.what(), Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace haul::http

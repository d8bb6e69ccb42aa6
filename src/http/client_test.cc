// One exchange: what is sent, what is understood, what is refused.
#include "http/client_fixture_test.h"

namespace haul::http {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

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

}  // namespace
}  // namespace haul::http

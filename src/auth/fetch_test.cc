#include "auth/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "base/error.h"
#include "runtime/shard.h"
#include "runtime/task_group.h"

namespace haul::auth {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using testing::HasSubstr;

using Acceptor = boost::asio::basic_socket_acceptor<tcp, Executor>;
using Socket = boost::asio::basic_stream_socket<tcp, Executor>;

// Takes one connection, keeps the head of the request, sends `answer`, or nothing until the other side
// leaves.
Task<> serve_once(Acceptor& acceptor, std::string answer, std::string& head) {
  Socket socket = co_await acceptor.async_accept(use_task);
  std::array<char, 4096> bytes;
  while (!head.contains("\r\n\r\n"))
    head.append(bytes.data(), co_await socket.async_read_some(boost::asio::buffer(bytes), use_task));
  if (!answer.empty()) {
    co_await boost::asio::async_write(socket, boost::asio::buffer(answer), use_task);
    co_return;
  }
  try {
    co_await socket.async_read_some(boost::asio::buffer(bytes), use_task);
  } catch (const boost::system::system_error&) {
    co_return;  // it has left
  }
}

Task<> send_and_store(Fetch& fetch, const FetchRequest& request, OpContext& context,
                      std::optional<FetchAnswer>& answer, std::optional<Error>& failure) {
  try {
    answer = co_await fetch.send(request, context);
  } catch (const Error& error) {
    failure = error;
  }
}

struct FetchByHttp : testing::Test {
  FetchByHttp() : acceptor(runtime.shard(0).executor(), {boost::asio::ip::address_v4::loopback(), 0}) {
    request.url = "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port());
  }

  static Task<> both(FetchByHttp& test, std::string reply) {
    TaskGroup group(test.context.executor());
    group.spawn(serve_once(test.acceptor, std::move(reply), test.head));
    group.spawn(send_and_store(test.fetch, test.request, test.context, test.answer, test.failure));
    co_await group.join();
  }
  void exchange(std::string reply) { runtime.run(both(*this, std::move(reply))); }

  Runtime runtime{system_env(), null_logger(), {.shards = 1, .blocking_threads = 1}};
  OpContext context = runtime.context();
  http::Client client{{}, 1};
  http::Client direct{{}, 1};
  HttpFetch fetch{client, direct};
  Acceptor acceptor;
  FetchRequest request;
  std::string head;
  std::optional<FetchAnswer> answer;
  std::optional<Error> failure;
};

TEST_F(FetchByHttp, GivesTheWholeAnswer) {
  request.url += "/latest/x?y=z";
  request.headers = "x-a: b\r\n";
  exchange(
      "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-amzn-requestid: r-9\r\n"
      "Content-Length: 4\r\n\r\nbody");
  ASSERT_TRUE(answer.has_value()) << failure->what();
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->date, "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(answer->request_id, "r-9");
  EXPECT_EQ(answer->body, "body");
  EXPECT_THAT(head, testing::StartsWith("GET /latest/x?y=z HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("x-a: b\r\n"));
}

TEST_F(FetchByHttp, PostsToTheRootOfABareAddress) {
  request.method = "POST";
  request.body = "Action=x";
  exchange("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  ASSERT_TRUE(answer.has_value()) << failure->what();
  EXPECT_THAT(head, testing::StartsWith("POST / HTTP/1.1\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));
}

TEST_F(FetchByHttp, ItsOwnTimeLimitMayBeTriedAgain) {
  request.timeout = 30ms;
  exchange("");
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error_class(), ErrorClass::timed_out);
  EXPECT_TRUE(failure->retryable());
}

TEST_F(FetchByHttp, TheTimeLimitOfTheOperationIsFinal) {
  context = context.with_deadline(context.env().steady_now() + 30ms);
  exchange("");
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->error_class(), ErrorClass::timed_out);
  EXPECT_FALSE(failure->retryable());
}

}  // namespace
}  // namespace haul::auth

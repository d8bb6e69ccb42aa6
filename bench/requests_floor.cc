// What a request for a small object costs at the very least on this machine: written by hand over epoll,
// without signatures, checksums, retries, listing, files or accounts. The floor beside which scripts/bench
// sets small objects, since machines differ, and one machine from day to day.
//
//   requests_floor copy|put|get HOST:PORT COUNT
//     objects of 4 KiB in the made-up buckets bench-nCOUNT-s4096 and target-nCOUNT-s4096
//
// One thread, 64 connections that are kept.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "floor_socket.h"

using haul::bench::connected_socket;
using haul::bench::require;

namespace {

constexpr unsigned kConnections = 64;
constexpr std::size_t kSize = 4096;

unsigned long number(std::string_view text) {
  unsigned long value = 0;
  require(std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc(),
          "a number is wanted");
  return value;
}

// The requests, which differ in nothing but their keys.
class Requests {
 public:
  Requests(const std::string& what, const std::string& server, unsigned long count) : left_(count) {
    const std::string buckets = "-n" + std::to_string(count) + "-s4096/", key = "0000000000-4096";
    const bool gets = what == "get";
    require(gets || what == "put" || what == "copy", "copy, put or get is wanted");
    text_ = (gets ? "GET /bench" : "PUT /target") + buckets;
    key_at_.push_back(text_.size());
    text_ += key + " HTTP/1.1\r\nHost: " + server + "\r\n";
    if (what == "copy") {
      text_ += "x-amz-copy-source: /bench" + buckets;
      key_at_.push_back(text_.size());
      text_ += key + "\r\n";
    }
    text_ += "Content-Length: " + std::to_string(what == "put" ? kSize : 0) + "\r\n\r\n";
    if (what == "put") text_.append(kSize, 'x');
  }

  bool send_next(int connection) {
    if (left_ == 0) return false;
    --left_;
    std::array<char, 11> digits{};
    std::snprintf(digits.data(), digits.size(), "%010lu", left_);
    for (const std::size_t at : key_at_)
      text_.replace(at, 10, digits.data(), 10);
    require(::send(connection, text_.data(), text_.size(), 0) == static_cast<ssize_t>(text_.size()), "send");
    return true;
  }

 private:
  unsigned long left_;
  std::string text_;
  std::vector<std::size_t> key_at_;
};

class Connection {
 public:
  Connection(const std::string& host, std::uint16_t port) : buffer_(64 << 10, '\0') {
    socket = connected_socket(host, port);
  }

  // Reads what has come; true once an answer is complete.
  bool receive() {
    const ssize_t got = ::recv(socket, buffer_.data() + filled_, buffer_.size() - filled_, 0);
    require(got > 0, "the connection ended");
    filled_ += static_cast<std::size_t>(got);
    const std::string_view text(buffer_.data(), filled_);
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return false;
    require(text.starts_with("HTTP/1.1 200"), "an answer is not 200");
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t at = text.find(kLength);
    require(at < head, "an answer has no length");
    if (filled_ < head + 4 + number(text.substr(at + kLength.size()))) return false;
    filled_ = 0;
    return true;
  }

  int socket = -1;

 private:
  std::string buffer_;
  std::size_t filled_ = 0;
};

}  // namespace

int main(int count, char** words) {
  if (count != 4) return std::fprintf(stderr, "usage: requests_floor copy|put|get HOST:PORT COUNT\n"), 2;
  const std::string server = words[2], host = server.substr(0, server.find(':'));
  Requests requests(words[1], server, number(words[3]));
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections;
  for (unsigned i = 0; i < kConnections; ++i)
    connections.emplace_back(host, static_cast<std::uint16_t>(number(server.substr(host.size() + 1))));
  unsigned busy = 0;
  for (Connection& connection : connections) {
    epoll_event wanted{.events = EPOLLIN, .data = {.ptr = &connection}};
    require(::epoll_ctl(epoll, EPOLL_CTL_ADD, connection.socket, &wanted) == 0, "epoll_ctl");
    busy += requests.send_next(connection.socket) ? 1 : 0;
  }
  std::array<epoll_event, kConnections> ready{};
  while (busy != 0) {
    const int found = ::epoll_wait(epoll, ready.data(), ready.size(), -1);
    for (int i = 0; i < found; ++i) {
      auto& connection = *static_cast<Connection*>(ready[static_cast<std::size_t>(i)].data.ptr);
      if (connection.receive() && !requests.send_next(connection.socket)) --busy;
    }
  }
  return 0;
}

#include "loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "connection.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::uint64_t kListenerId = 0;

}  // namespace

Loop::Loop(Server& server, SSL_CTX* tls, int listener)
    : scratch(256 * 1024, '\0'),
      server_(server),
      tls_(tls),
      listener_(listener),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      bytes_per_us_(static_cast<double>(server.options.bandwidth) / 1e6 / server.options.threads) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kListenerId;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
}

Loop::~Loop() {
  close(epoll_);
  close(listener_);
}

void Loop::wake_at(std::uint64_t id, std::uint64_t time_us) {
  timers_.emplace(time_us, id);
}

std::uint64_t Loop::take(Bucket& bucket, std::uint64_t wanted) const {
  if (bytes_per_us_ == 0) return wanted;
  std::uint64_t now_us = steady_us();
  double burst = std::max(bytes_per_us_ * 10000, 16384.0);
  bucket.tokens =
      std::min(burst, bucket.tokens + static_cast<double>(now_us - bucket.time_us) * bytes_per_us_);
  bucket.time_us = now_us;
  // crumbs would cost a system call each
  if (bucket.tokens < std::min(4096.0, static_cast<double>(wanted))) return 0;
  auto granted = std::min(wanted, static_cast<std::uint64_t>(bucket.tokens));
  bucket.tokens -= static_cast<double>(granted);
  return granted;
}

void Loop::accept_all() {
  while (true) {
    int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::uint64_t id = next_id_++;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = id;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    connections_.emplace(id, std::make_unique<Connection>(*this, id, fd, tls_));
  }
}

void Loop::advance(std::uint64_t id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (!found->second->advance()) connections_.erase(found);
}

void Loop::fire_timers() {
  if (timers_.empty()) return;
  std::uint64_t now_us = steady_us();
  while (!timers_.empty() && timers_.top().first <= now_us) {
    std::uint64_t id = timers_.top().second;
    timers_.pop();
    auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    found->second->wake();
    advance(id);
  }
}

int Loop::wait(epoll_event* events, int capacity) {
  if (server_.options.spin || !soon_.empty()) return epoll_wait(epoll_, events, capacity, 0);
  if (timers_.empty()) return epoll_wait(epoll_, events, capacity, -1);
  std::uint64_t now_us = steady_us(), due = timers_.top().first;
  std::uint64_t left = due > now_us ? due - now_us : 0;
  timespec timeout{static_cast<time_t>(left / 1000000), static_cast<long>(left % 1000000 * 1000)};
  int n = epoll_pwait2(epoll_, events, capacity, &timeout, nullptr);
  if (n < 0 && errno == ENOSYS)
    return epoll_wait(epoll_, events, capacity, static_cast<int>(left / 1000 + 1));
  return n;
}

void Loop::run() {
  epoll_event events[256];
  while (true) {
    int n = wait(events, 256);
    if (std::int64_t seconds = server_.now(); seconds != date_seconds_) {
      date_seconds_ = seconds;
      date_ = http_date(seconds);
    }
    now_.swap(soon_);
    for (int i = 0; i < n; ++i) {
      std::uint64_t id = events[i].data.u64;
      if (id == kListenerId) {
        accept_all();
        continue;
      }
      auto found = connections_.find(id);
      if (found == connections_.end()) continue;
      Transport& transport = found->second->transport();
      if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) transport.readable = true;
      if (events[i].events & EPOLLOUT) transport.writable = true;
      if (!found->second->advance()) connections_.erase(found);
    }
    for (std::uint64_t id : now_)
      advance(id);
    now_.clear();
    fire_timers();
  }
}

int listen_on(const std::string& address, int port, bool shared) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  bool valid = inet_pton(AF_INET, address.c_str(), &at.sin_addr) == 1;
  if (!valid || bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(fd, 4096) != 0) {
    std::fprintf(stderr, "haul-fakes3: cannot listen on %s port %d: %s\n", address.c_str(), port,
                 valid ? strerror(errno) : "not an IPv4 address");
    std::exit(2);
  }
  return fd;
}

int port_of(int listener) {
  sockaddr_in at{};
  socklen_t size = sizeof at;
  getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size);
  return ntohs(at.sin_port);
}

}  // namespace haul::fakes3

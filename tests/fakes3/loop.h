// One thread's event loop: accepts, waits, wakes connections and keeps their timers.
#pragma once

#include <cstdint>
#include <memory>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server.h"
#include "transport.h"

struct epoll_event;

namespace haul::fakes3 {

class Connection;

class Loop {
 public:
  /// `listener` is a listening, non-blocking socket, owned by the loop from now on.
  Loop(Server& server, SSL_CTX* tls, int listener);
  ~Loop();
  void run();

  Server& server() { return server_; }
  /// Wakes the connection at that time (of steady_us).
  void wake_at(std::uint64_t id, std::uint64_t time_us);
  /// Wakes it in this very round, after the others.
  void wake_soon(std::uint64_t id) { soon_.push_back(id); }
  /// The Date header of now.
  std::string_view date() const { return date_; }

  /// Allowance of the bandwidth limit; unlimited without one. `take` gives at most what there is.
  std::uint64_t take_out(std::uint64_t wanted) { return take(out_, wanted); }
  void give_back_out(std::uint64_t bytes) { out_.tokens += static_cast<double>(bytes); }
  std::uint64_t take_in(std::uint64_t wanted) { return take(in_, wanted); }
  void give_back_in(std::uint64_t bytes) { in_.tokens += static_cast<double>(bytes); }

  /// For bodies that are only passed through.
  std::string scratch;

 private:
  struct Bucket {
    double tokens = 0;
    std::uint64_t time_us = 0;
  };
  std::uint64_t take(Bucket& bucket, std::uint64_t wanted) const;
  void accept_all();
  void advance(std::uint64_t id);
  void fire_timers();
  int wait(epoll_event* events, int capacity);

  using Timer = std::pair<std::uint64_t, std::uint64_t>;  // time, connection

  Server& server_;
  SSL_CTX* tls_;
  int listener_, epoll_;
  double bytes_per_us_;  // 0: no limit
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::vector<std::uint64_t> soon_, now_;
  Bucket in_, out_;
  std::string date_;
  std::int64_t date_seconds_ = -1;
};

/// Binds and listens; port 0 lets the system choose. `shared`: several loops listen on one port. Exits with
/// a message when it cannot.
int listen_on(const std::string& address, int port, bool shared);
int port_of(int listener);

}  // namespace haul::fakes3

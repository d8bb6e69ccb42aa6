#include "connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "loop.h"
#include "text.h"

namespace haul::fakes3 {

namespace {

constexpr std::size_t kInput = 16 * 1024, kLargestHead = 128 * 1024;
// answers up to here are sent from one piece of memory
constexpr std::uint64_t kSmall = 16 * 1024;
// after this much a connection lets the others have a turn
constexpr std::uint64_t kTurn = 4 << 20;
constexpr std::uint64_t kPatience = std::uint64_t{64} << 20;
constexpr std::uint64_t kBandwidthPause = 2000;

bool carries_data(Operation operation) {
  return operation == Operation::put_object || operation == Operation::upload_part;
}

}  // namespace

Connection::Connection(Loop& loop, std::uint64_t id, int fd, SSL_CTX* tls)
    : loop_(loop), server_(loop.server()), id_(id), transport_(fd, tls), input_(kInput, '\0') {
  Stats& stats = server_.stats;
  stats.connections.fetch_add(1, std::memory_order_relaxed);
  Stats::raise(stats.most_open_connections,
               stats.open_connections.fetch_add(1, std::memory_order_relaxed) + 1);
}

Connection::~Connection() {
  server_.stats.open_connections.fetch_sub(1, std::memory_order_relaxed);
  if (in_progress_) server_.stats.in_progress.fetch_sub(1, std::memory_order_relaxed);
}

void Connection::sleep_until(std::uint64_t time_us) {
  asleep_ = true;
  loop_.wake_at(id_, time_us);
}

bool Connection::advance() {
  for (int steps = 0; !asleep_; ++steps) {
    if (steps == 64) {
      loop_.wake_soon(id_);
      return true;
    }
    Step step = Step::wait;
    switch (state_) {
      case State::head: step = read_head(); break;
      case State::body: step = read_body(); break;
      case State::ready: step = answer(); break;
      case State::sending: step = send(); break;
      case State::draining: step = drain(); break;
    }
    if (step == Step::over) return false;
    if (step == Step::wait) return true;
  }
  return true;
}

Connection::Step Connection::fill_input() {
  if (!transport_.readable) return Step::wait;
  auto moved = transport_.read(input_.data() + input_end_, input_.size() - input_end_);
  if (moved.outcome == Transport::Outcome::closed) return Step::over;
  if (moved.outcome == Transport::Outcome::would_block) return Step::wait;
  input_end_ += moved.bytes;
  return Step::go_on;
}

Connection::Step Connection::read_head() {
  std::size_t end = unread().find("\r\n\r\n");
  if (end != std::string_view::npos) return begin_request(unread().substr(0, end + 4));
  if (input_begin_ == input_end_) {
    input_begin_ = input_end_ = 0;
  } else if (input_begin_ != 0) {
    input_.replace(0, input_end_ - input_begin_, input_, input_begin_, input_end_ - input_begin_);
    input_.resize(std::max(input_.size(), kInput));
    input_end_ -= input_begin_;
    input_begin_ = 0;
  }
  if (input_end_ == input_.size()) {
    if (input_.size() >= kLargestHead) return Step::over;
    input_.resize(input_.size() * 2);
  }
  return fill_input();
}

Connection::Step Connection::begin_request(std::string_view head) {
  Stats& stats = server_.stats;
  if (!request_.parse(head)) return Step::over;
  input_begin_ += head.size();
  operation_ = route(request_, server_.options.domains);
  response_.reset();
  delivery_ = Delivery();
  fault_.reset();
  verdict_.reset();
  waited_ = false;
  resets_ = server_.resets();
  if (operation_ != Operation::control) {
    stats.requests.fetch_add(1, std::memory_order_relaxed);
    stats.operations[static_cast<std::size_t>(operation_)].fetch_add(1, std::memory_order_relaxed);
    stats.bytes_in.fetch_add(head.size(), std::memory_order_relaxed);
    Stats::raise(stats.most_in_progress, stats.in_progress.fetch_add(1, std::memory_order_relaxed) + 1);
    in_progress_ = true;
    fault_ = server_.faults.match(request_, operation_);
    if (fault_) stats.faults.fetch_add(1, std::memory_order_relaxed);
    if (server_.over_rate()) {
      stats.throttled.fetch_add(1, std::memory_order_relaxed);
      verdict_ = Refusal{503, "SlowDown", "Please reduce your request rate."};
    }
  }
  bool has_body = request_.chunked || request_.content_length != 0;
  if (fault_ && fault_->early && !performs(*fault_)) {
    // answered although the body is still on its way: then this connection can carry nothing else
    request_.keep_alive = request_.keep_alive && !has_body;
    state_ = State::ready;
    return Step::go_on;
  }
  bool keeps = carries_data(operation_) && !verdict_ && server_.options.keep == Keep::everything &&
               !Synthetic::parse(request_.bucket);
  Destination destination = keeps                      ? Destination::object
                            : carries_data(operation_) ? Destination::drained
                                                       : Destination::document;
  receiver_.start(server_, request_, operation_, destination, body_);
  state_ = State::body;
  if (!has_body || !request_.expects_continue || input_begin_ != input_end_) return Step::go_on;
  if (verdict_) {
    request_.keep_alive = false;
    state_ = State::ready;
    return Step::go_on;
  }
  static char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  iovec piece{go_on, sizeof go_on - 1};
  // a new connection's socket takes these few bytes at once
  auto moved = transport_.write({&piece, 1});
  return moved.outcome == Transport::Outcome::moved && moved.bytes == piece.iov_len ? Step::go_on
                                                                                    : Step::over;
}

Connection::Step Connection::read_body() {
  std::uint64_t before = receiver_.received(), turn = 0;
  auto account = [&] {
    std::uint64_t bytes = receiver_.received() - before;
    before = receiver_.received();
    turn += bytes;
    server_.stats.bytes_in.fetch_add(bytes, std::memory_order_relaxed);
    return fault_ && fault_->request_bytes && before >= *fault_->request_bytes;
  };
  while (!receiver_.complete() && !receiver_.broken()) {
    if (input_begin_ != input_end_) {
      input_begin_ += receiver_.feed(unread());
    } else {
      if (!transport_.readable) return Step::wait;
      if (turn >= kTurn) {
        loop_.wake_soon(id_);
        return Step::wait;
      }
      std::span<char> direct = receiver_.direct();
      std::uint64_t most = direct.empty() ? loop_.scratch.size() : direct.size();
      if (receiver_.wire_left() != 0) most = std::min(most, receiver_.wire_left());
      std::uint64_t allowed = loop_.take_in(most);
      if (allowed == 0) {
        sleep_until(steady_us() + kBandwidthPause);
        return Step::wait;
      }
      auto moved = transport_.read(direct.empty() ? loop_.scratch.data() : direct.data(), allowed);
      loop_.give_back_in(allowed - moved.bytes);
      // asked for less than there may be: only an empty socket says that it is empty
      if (moved.outcome == Transport::Outcome::closed) return Step::over;
      if (moved.outcome == Transport::Outcome::would_block) return Step::wait;
      if (direct.empty()) {
        std::string_view bytes(loop_.scratch.data(), moved.bytes);
        bytes.remove_prefix(receiver_.feed(bytes));
        if (!bytes.empty()) {
          // the beginning of the next request; the head of this one is not needed beyond its views
          if (input_end_ + bytes.size() > input_.size()) return Step::over;
          input_.replace(input_end_, bytes.size(), bytes);
          input_end_ += bytes.size();
        }
      } else {
        receiver_.commit(moved.bytes);
      }
    }
    if (account()) {
      transport_.reset();
      return Step::over;
    }
  }
  return body_received();
}

Connection::Step Connection::body_received() {
  receiver_.finish();
  if (receiver_.broken()) verdict_ = Refusal{400, "IncompleteBody", "The request's body was not understood."};
  if (receiver_.overflowed())
    verdict_ = Refusal{507, "InsufficientStorage", "The fake's memory limit is reached."};
  if (receiver_.broken()) request_.keep_alive = false;
  state_ = State::ready;
  return Step::go_on;
}

Connection::Step Connection::answer() {
  std::uint64_t pause =
      operation_ == Operation::control ? 0 : server_.latency_us.load(std::memory_order_relaxed);
  if (fault_ && fault_->kind == FaultKind::stall && fault_->bytes == 0) pause += fault_->milliseconds * 1000;
  if (pause != 0 && !waited_) {
    waited_ = true;
    sleep_until(steady_us() + pause);
    return Step::wait;
  }
  // Whoever sent it may be gone by now: what somebody else has put since the reset is not its to change.
  if (operation_ != Operation::control && resets_ != server_.resets()) return Step::over;
  std::int64_t now = server_.now();
  if (verdict_) {
    refuse(response_, *verdict_, request_);
  } else {
    if (!fault_ || performs(*fault_)) {
      Exchange exchange{server_, request_, operation_, response_, body_, fault_ ? &*fault_ : nullptr, now};
      perform(exchange);
    }
    if (fault_) delivery_ = bend(*fault_, request_, now, response_);
  }
  if (delivery_.unanswered) return Step::over;
  start_sending();
  return Step::go_on;
}

void Connection::start_sending() {
  Stats& stats = server_.stats;
  if (response_.status >= 500) stats.server_errors.fetch_add(1, std::memory_order_relaxed);
  if (response_.status >= 400 && response_.status < 500)
    stats.client_errors.fetch_add(1, std::memory_order_relaxed);
  response_.close = !request_.keep_alive;
  render_head(response_, stats.requests.load(std::memory_order_relaxed), loop_.date(), out_);
  if (request_.method == "HEAD") {
    response_.text.clear();
    response_.content.clear();
  }
  out_sent_ = body_sent_ = segment_sent_ = 0;
  segment_ = 0;
  // A small body goes out with the head: one piece, one record. With a fault each byte is counted apart.
  bool counted = delivery_.stop_after || delivery_.stall_after;
  if (!counted && !response_.text.empty() && response_.text.size() <= kSmall) {
    out_ += response_.text;
    response_.text.clear();
  } else if (!counted && !response_.content.empty() && response_.length <= kSmall) {
    for (const Segment& segment : response_.content) {
      for (std::uint64_t at = 0; at < segment.size;) {
        std::string_view piece = segment.window(at, segment.size);
        out_ += piece;
        at += piece.size();
      }
    }
    response_.content.clear();
  }
  state_ = State::sending;
}

Connection::Step Connection::send() {
  std::uint64_t turn = 0;
  while (true) {
    std::array<iovec, 8> pieces;
    std::size_t count = 0;
    std::uint64_t total = 0;
    // where the next fault strikes, nothing is sent beyond
    std::uint64_t limit = ~std::uint64_t{0};
    if (delivery_.stop_after) limit = *delivery_.stop_after - body_sent_;
    if (delivery_.stall_after && *delivery_.stall_after > body_sent_) {
      limit = std::min(limit, *delivery_.stall_after - body_sent_);
    }
    auto add = [&](std::string_view bytes) {
      pieces[count++] = {const_cast<char*>(bytes.data()), bytes.size()};
      total += bytes.size();
    };
    if (out_sent_ < out_.size()) add(std::string_view(out_).substr(out_sent_));
    std::uint64_t head = total;
    if (!response_.text.empty() && body_sent_ < response_.text.size()) {
      std::string_view rest = std::string_view(response_.text).substr(body_sent_);
      if (std::string_view piece = rest.substr(0, limit); !piece.empty()) add(piece);
    }
    std::uint64_t sent = segment_sent_;
    for (std::size_t i = segment_; i < response_.content.size() && count < pieces.size(); sent = 0) {
      const Segment& segment = response_.content[i];
      while (sent < segment.size && count < pieces.size() && total - head < limit &&
             total - head < 2 * Pattern::kWindow) {
        std::string_view piece = segment.window(sent, limit - (total - head));
        add(piece);
        sent += piece.size();
      }
      if (sent < segment.size) break;
      ++i;
    }
    if (count == 0) break;
    if (turn >= kTurn) {
      loop_.wake_soon(id_);
      return Step::wait;
    }
    if (!transport_.writable) return Step::wait;
    std::uint64_t allowed = loop_.take_out(total);
    if (allowed == 0) {
      sleep_until(steady_us() + kBandwidthPause);
      return Step::wait;
    }
    for (std::uint64_t room = allowed, i = 0; i < count; ++i) {
      pieces[i].iov_len = std::min<std::uint64_t>(pieces[i].iov_len, room);
      room -= pieces[i].iov_len;
      if (room == 0) count = i + 1;
    }
    auto moved = transport_.write({pieces.data(), count});
    loop_.give_back_out(allowed - moved.bytes);
    if (moved.outcome == Transport::Outcome::closed) return Step::over;
    if (moved.outcome == Transport::Outcome::would_block) return Step::wait;
    turn += moved.bytes;
    server_.stats.bytes_out.fetch_add(moved.bytes, std::memory_order_relaxed);
    std::uint64_t of_head = std::min<std::uint64_t>(moved.bytes, head), of_body = moved.bytes - of_head;
    out_sent_ += of_head;
    body_sent_ += of_body;
    if (response_.text.empty()) {
      for (segment_sent_ += of_body;
           segment_ < response_.content.size() && segment_sent_ >= response_.content[segment_].size;
           ++segment_) {
        segment_sent_ -= response_.content[segment_].size;
      }
    }
    if (delivery_.stall_after && body_sent_ >= *delivery_.stall_after) {
      delivery_.stall_after.reset();
      sleep_until(steady_us() + delivery_.stall_us);
      return Step::wait;
    }
  }
  if (delivery_.stop_after) {
    if (delivery_.hard) transport_.reset();
    return Step::over;
  }
  end_request();
  return Step::go_on;
}

void Connection::end_request() {
  if (in_progress_) {
    server_.stats.in_progress.fetch_sub(1, std::memory_order_relaxed);
    in_progress_ = false;
  }
  response_.content.clear();
  body_.content.clear();
  if (request_.keep_alive) {
    state_ = State::head;
    return;
  }
  // closing at once, with bytes unread, would reset the connection before the client has the answer
  transport_.finish_sending();
  drained_ = 0;
  state_ = State::draining;
}

Connection::Step Connection::drain() {
  if (!transport_.readable) return Step::wait;
  auto moved = transport_.read(loop_.scratch.data(), loop_.scratch.size());
  drained_ += moved.bytes;
  if (moved.outcome == Transport::Outcome::closed || drained_ > kPatience) return Step::over;
  return moved.outcome == Transport::Outcome::would_block ? Step::wait : Step::go_on;
}

}  // namespace haul::fakes3

#include "http/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>

#include "http/connection_pool.h"
#include "http/request_head.h"

namespace haul::http {
namespace {

constexpr std::size_t kFirstRoom = 16 << 10;
// Over TLS a body up to this goes into one record, and one system call, with the head.
constexpr std::size_t kJoined = 12 << 10;

}  // namespace

// Tells an upload that waits for room that an answer has come. Outlives the connection as long as the
// system's event may still arrive.
struct Connection::AnswerWatch {
  Connection* connection;
  bool armed = false;
};

Connection::Connection(Socket socket, std::shared_ptr<ConnectionPool> pool, Route& route)
    : pool_(std::move(pool)),
      route_(route),
      socket_(std::move(socket)),
      in_(std::make_unique_for_overwrite<char[]>(kFirstRoom)),
      in_capacity_(kFirstRoom) {
  ++route_.users;
}

Connection::~Connection() {
  if (answer_watch_) answer_watch_->connection = nullptr;
  tls_.reset();
  --route_.users;
}

void Connection::begin(const Request& request, const OpContext& context) {
  env_ = &context.env();
  head_request_ = request.method == "HEAD";
  consented_ = answered_ = heard_ = sent_all_ = body_touched_ = readable_ = false;
  unusable_ = request.close;
  head_.reset();
  in_next_ = in_end_ = 0;
  body_end_ = BodyEnd::reached;

  out_.clear();
  out_sent_ = 0;
  piece_ = {};
  append_request_head(out_, request, route_.target_prefix, route_.fixed_lines);
  body_unsent_ = request.body != nullptr ? request.body->size() : 0;
  consent_wanted_ = request.expect_continue && body_unsent_ != 0;
  if (body_unsent_ == 0) return;
  const auto memory = request.body->memory();
  if (memory.size() != body_unsent_) return;
  piece_ = memory;
  body_unsent_ = 0;
  if (tls_ && !consent_wanted_ && piece_.size() <= kJoined) {
    out_.append(reinterpret_cast<const char*>(piece_.data()), piece_.size());
    piece_ = {};
  }
}

Io Connection::flush() {
  const std::span<const std::byte> head = std::as_bytes(std::span(out_)).subspan(out_sent_);
  std::size_t sent = 0;
  if (!tls_) {
    iovec vectors[2] = {{const_cast<std::byte*>(head.data()), head.size()},
                        {const_cast<std::byte*>(piece_.data()), consent_wanted_ ? 0 : piece_.size()}};
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = vectors[1].iov_len == 0 ? 1 : 2;
    const ssize_t result = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    if (result < 0) {
      if (errno == EAGAIN || errno == EINTR) return {IoState::wait_write};
      error_ = errno;
      return {IoState::failed};
    }
    sent = static_cast<std::size_t>(result);
  } else {
    const bool head_left = !head.empty();
    const Io io = tls_->write(head_left ? head : piece_);
    if (io.state != IoState::done) return io;
    sent = io.bytes;
    if (head_left && sent == head.size() && !piece_.empty() && !consent_wanted_) {
      out_sent_ = out_.size();
      return flush();
    }
  }
  const std::size_t of_head = std::min(sent, head.size());
  out_sent_ += of_head;
  piece_ = piece_.subspan(sent - of_head);
  const bool all = out_sent_ == out_.size() && (piece_.empty() || consent_wanted_);
  return {all ? IoState::done : IoState::wait_write, sent};
}

bool Connection::send_at_once() {
  if (consent_wanted_ || body_unsent_ != 0) return false;
  if (flush().state != IoState::done) return false;
  sent_all_ = true;
  sent_at_ = env_->steady_now();
  return true;
}

Task<> Connection::send_rest(const Request& request, OpContext& context) {
  if (consent_wanted_ && !co_await wait_for_consent(context)) co_return;
  if (error_ != 0) co_return;
  while (true) {
    if (!flushed()) {
      const Io io = flush();
      if (io.state == IoState::failed || io.state == IoState::closed) {
        unusable_ = true;
        co_return;  // whoever refuses a body often says why before closing
      }
      if (io.state != IoState::done) {
        co_await wait_to_send(io.state, context);
        if (readable_ && answer_arrived()) co_return;
      }
      continue;
    }
    if (body_unsent_ == 0) break;
    if (body_touched_ && answer_arrived()) co_return;
    body_touched_ = true;
    piece_ = co_await request.body->next(context);
    if (piece_.empty() || piece_.size() > body_unsent_)
      throw Error(ErrorClass::source_changed,
                  fmt::format("the source gave {} bytes than its size of {} says",
                              piece_.empty() ? "fewer" : "more", request.body->size()));
    body_unsent_ -= piece_.size();
  }
  sent_all_ = true;
  sent_at_ = env_->steady_now();
}

// Whether the body is to be sent: the server agreed, or did not say anything for a while (RFC 9110 section
// 10.1.1).
Task<bool> Connection::wait_for_consent(OpContext& context) {
  while (true) {
    const Io io = flush();
    if (io.state == IoState::done) break;
    if (io.state == IoState::failed || io.state == IoState::closed) {
      unusable_ = true;
      co_return false;
    }
    co_await wait_to_send(io.state, context);
  }
  const Ticks patience = pool_->ticker().ticks(pool_->options().continue_timeout);
  while (true) {
    const Fill fill_result = co_await fill(context, patience);
    if (fill_result == Fill::expired) break;
    if (fill_result != Fill::data || answered()) co_return false;
    if (consented_) break;
  }
  consent_wanted_ = false;
  co_return true;
}

// Looks, without waiting, whether the final answer (or the end of the connection) is there already.
bool Connection::answer_arrived() {
  readable_ = false;
  const Io io = receive(room());
  if (io.state == IoState::closed || io.state == IoState::failed) return true;
  if (io.state != IoState::done) return false;
  in_end_ += io.bytes;
  return answered();
}

bool Connection::answered() {
  while (in_end_ != 0 && !answered_) {
    const std::string_view bytes(in_.get(), in_end_);
    if (!heard_) {
      heard_ = true;
      first_byte_ = sent_all_ ? env_->steady_now() - sent_at_ : Duration{0};
    }
    const HeadParse parse = head_.parse(bytes);
    if (parse == HeadParse::incomplete) return false;
    if (parse == HeadParse::malformed || head_.status() == 101)
      throw Error(ErrorClass::unavailable,
                  fmt::format("{} did not answer in HTTP: {}", route_.name,
                              parse == HeadParse::malformed ? head_.complaint() : "it changed the protocol"));
    if (head_.status() >= 200) {
      answered_ = true;
      begin_body();
      break;
    }
    // An interim answer is passed over; what follows it moves to the front.
    consented_ |= head_.status() == 100;
    in_end_ -= head_.size();
    std::memmove(in_.get(), in_.get() + head_.size(), in_end_);
    head_.reset();
  }
  return answered_;
}

// Where the next bytes of a head go.
std::span<std::byte> Connection::room() {
  if (in_end_ == in_capacity_) {
    const std::size_t most = pool_->options().max_head;
    if (in_capacity_ >= most)
      throw Error(ErrorClass::exhausted,
                  fmt::format("the head of the answer of {} is larger than {} bytes", route_.name, most));
    const std::size_t larger = std::min(2 * in_capacity_, std::max(most, kFirstRoom));
    auto moved = std::make_unique_for_overwrite<char[]>(larger);
    std::memcpy(moved.get(), in_.get(), in_end_);
    in_ = std::move(moved);
    in_capacity_ = larger;
  }
  return std::as_writable_bytes(std::span(in_.get() + in_end_, in_capacity_ - in_end_));
}

Task<Connection::Fill> Connection::fill(OpContext& context, Ticks limit) {
  const std::span<std::byte> space = room();
  // Straight after sending nothing can be there yet, and asking would be a system call for nothing.
  bool ask = tls_ && tls_->pending();
  while (true) {
    Io io{IoState::wait_read};
    if (tls_) {
      if (ask) io = tls_->read(space);
      ask = true;
      if (io.state == IoState::wait_read || io.state == IoState::wait_write) {
        if (!co_await wait(io.state, context, limit)) co_return Fill::expired;
        continue;
      }
    } else {
      boost::system::error_code error;
      interrupted_ = Interrupt::none;
      {
        const Watching watching(pool_->ticker(), *this, context, limit);
        io.bytes = co_await socket_.async_read_some(boost::asio::buffer(space.data(), space.size()),
                                                    boost::asio::redirect_error(use_task, error));
      }
      if (!error) {
        io.state = IoState::done;
      } else if (error == boost::asio::error::eof) {
        io.state = IoState::closed;
      } else if (error == boost::asio::error::operation_aborted && interrupted_ != Interrupt::none) {
        if (interrupted_ == Interrupt::expired) co_return Fill::expired;
        throw_interrupted(context);
      } else {
        error_ = error.value();
        io.state = IoState::failed;
      }
    }
    in_end_ += io.bytes;
    switch (io.state) {
      case IoState::done: co_return Fill::data;
      case IoState::closed: co_return Fill::closed;
      default: co_return Fill::failed;
    }
  }
}

Io Connection::receive(std::span<std::byte> into) {
  if (tls_) return tls_->read(into);
  const ssize_t got = ::recv(socket_.native_handle(), into.data(), into.size(), 0);
  if (got > 0) return {IoState::done, static_cast<std::size_t>(got)};
  if (got == 0) return {IoState::closed};
  if (errno == EAGAIN || errno == EINTR) return {IoState::wait_read};
  error_ = errno;
  return {IoState::failed};
}

Task<bool> Connection::wait(IoState what, OpContext& context, Ticks limit) {
  boost::system::error_code error;
  interrupted_ = Interrupt::none;
  {
    const Watching watching(pool_->ticker(), *this, context, limit);
    co_await socket_.async_wait(what == IoState::wait_read ? Socket::wait_read : Socket::wait_write,
                                boost::asio::redirect_error(use_task, error));
  }
  if (!error || interrupted_ == Interrupt::none) co_return true;  // the next call on the socket tells
  if (interrupted_ != Interrupt::expired) throw_interrupted(context);
  co_return false;
}

// Waits for room, or for an answer.
Task<> Connection::wait_to_send(IoState what, OpContext& context) {
  watch_for_answer();
  waiting_to_send_ = true;
  const bool in_time = readable_ || co_await wait(what, context, pool_->stall_ticks());
  waiting_to_send_ = false;
  if (!in_time) throw_stalled();
}

void Connection::watch_for_answer() {
  if (!answer_watch_) answer_watch_ = std::make_shared<AnswerWatch>(this);
  if (answer_watch_->armed) return;
  answer_watch_->armed = true;
  socket_.async_wait(Socket::wait_read, [watch = answer_watch_](const boost::system::error_code& error) {
    watch->armed = false;
    Connection* const connection = watch->connection;
    if (error || connection == nullptr) return;
    connection->readable_ = true;
    boost::system::error_code ignored;
    if (connection->waiting_to_send_) connection->socket_.cancel(ignored);
  });
}

void Connection::interrupt(Interrupt cause) {
  interrupted_ = cause;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

bool Connection::still_open() noexcept {
  char byte = 0;
  const ssize_t got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  // Over TLS the server may have sent tickets; without, what it sends unasked is a farewell.
  return got < 0 ? errno == EAGAIN || errno == EINTR : got > 0 && tls_ != nullptr;
}

void Connection::throw_interrupted(const OpContext& context) const {
  context.check();
  throw Error(ErrorClass::timed_out, "the deadline has passed").with_retryable(false);
}

void Connection::throw_stalled() const {
  throw Error(ErrorClass::timed_out,
              fmt::format("{} stood still for {} s", route_.name,
                          static_cast<double>(pool_->options().stall_timeout.count()) / 1000));
}

void Connection::throw_broken(Fill fill_result) const {
  if (fill_result == Fill::expired) throw_stalled();
  if (fill_result == Fill::closed || error_ == 0)
    throw Error(ErrorClass::unavailable,
                fmt::format("{} closed the connection before it answered{}", route_.name,
                            tls_ && !tls_->reason().empty() ? ": " + tls_->reason() : ""));
  throw Error(ErrorClass::unavailable, fmt::format("the connection to {} broke: {}", route_.name,
                                                   std::generic_category().message(error_)));
}

}  // namespace haul::http

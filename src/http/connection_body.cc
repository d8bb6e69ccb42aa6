// The answer's body.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>

#include "http/connection.h"
#include "http/connection_pool.h"

namespace haul::http {

// Where the body ends (RFC 9112 section 6.3).
void Connection::begin_body() noexcept {
  in_next_ = head_.size();
  chunks_.reset();
  if (head_request_ || head_.status() == 204 || head_.status() == 304) {
    body_end_ = BodyEnd::reached;
  } else if (head_.chunked()) {
    body_end_ = BodyEnd::by_chunks;
  } else if (head_.content_length()) {
    body_left_ = *head_.content_length();
    body_end_ = body_left_ == 0 ? BodyEnd::reached : BodyEnd::by_length;
  } else {
    body_end_ = BodyEnd::by_close;
  }
}

Task<std::size_t> Connection::read_body(std::span<std::byte> into, OpContext& context) {
  context.check();
  if (into.empty()) throw Error(ErrorClass::invalid_argument, "a body cannot be read into nothing");
  while (body_end_ != BodyEnd::reached) {
    std::span<std::byte> wanted = into;
    if (body_end_ == BodyEnd::by_length)
      wanted = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), body_left_)));
    Io io{IoState::done};
    if (in_next_ != in_end_) {
      io.bytes = std::min(wanted.size(), in_end_ - in_next_);
      std::memcpy(wanted.data(), in_.get() + in_next_, io.bytes);
      in_next_ += io.bytes;
    } else {
      io = receive(wanted);
      if (io.state == IoState::wait_read && !tls_) {
        // Reading by the reactor spares the call that would arm a bare wait.
        boost::system::error_code error;
        interrupted_ = Interrupt::none;
        {
          const Watching watching(pool_->ticker(), *this, context, pool_->stall_ticks());
          io.bytes = co_await socket_.async_read_some(boost::asio::buffer(wanted.data(), wanted.size()),
                                                      boost::asio::redirect_error(use_task, error));
        }
        io.state = !error                             ? IoState::done
                   : error == boost::asio::error::eof ? IoState::closed
                                                      : IoState::failed;
        if (error == boost::asio::error::operation_aborted && interrupted_ != Interrupt::none) {
          if (interrupted_ == Interrupt::expired) throw_stalled();
          throw_interrupted(context);
        }
        if (io.state == IoState::failed) error_ = error.value();
      } else if (io.state == IoState::wait_read || io.state == IoState::wait_write) {
        if (!co_await wait(io.state, context, pool_->stall_ticks())) throw_stalled();
        continue;
      }
    }
    if (io.state == IoState::closed && body_end_ == BodyEnd::by_close) {
      body_end_ = BodyEnd::reached;
      unusable_ = true;
      break;
    }
    if (io.state != IoState::done) throw_cut();
    if (const std::size_t data = took(wanted.first(io.bytes)); data != 0) co_return data;
  }
  co_return 0;
}

// Accounts for what was received of the body; gives the bytes of content, which are at the front now.
std::size_t Connection::took(std::span<std::byte> received) {
  if (body_end_ == BodyEnd::by_length) {
    body_left_ -= received.size();
    if (body_left_ == 0) body_end_ = BodyEnd::reached;
    return received.size();
  }
  if (body_end_ == BodyEnd::by_close) return received.size();
  const auto [data, used] = chunks_.decode(received);
  if (chunks_.malformed()) {
    unusable_ = true;
    throw Error(ErrorClass::unavailable, route_.name + " sent a body that is not chunked as it should be");
  }
  if (chunks_.done()) {
    body_end_ = BodyEnd::reached;
    unusable_ |= used != received.size();
  }
  return data;
}

std::optional<std::string_view> Connection::whole_body() noexcept {
  if (body_end_ == BodyEnd::reached) return std::string_view();
  if (body_end_ != BodyEnd::by_length || in_end_ - in_next_ < body_left_) return std::nullopt;
  const std::string_view body(in_.get() + in_next_, static_cast<std::size_t>(body_left_));
  in_next_ += body.size();
  body_left_ = 0;
  body_end_ = BodyEnd::reached;
  return body;
}

bool Connection::reusable() noexcept {
  whole_body();  // a rest that is here already costs nothing to pass over
  return answered_ && sent_all_ && !unusable_ && head_.keep_alive() && body_end_ == BodyEnd::reached &&
         in_next_ == in_end_;
}

void Connection::throw_cut() const {
  std::string reason = "closed";
  if (tls_ && !tls_->reason().empty())
    reason = tls_->reason();
  else if (error_ != 0)
    reason = std::generic_category().message(error_);
  throw Error(ErrorClass::unavailable,
              fmt::format("the connection to {} ended in the middle of a body{}: {}", route_.name,
                          body_end_ == BodyEnd::by_length ? fmt::format(", {} bytes short", body_left_) : "",
                          reason));
}

}  // namespace haul::http

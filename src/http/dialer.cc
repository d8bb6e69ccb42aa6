#include "http/dialer.h"

#include <fmt/format.h>

#include <cerrno>
#include <memory>

#include <boost/asio/error.hpp>

#include "runtime/suspend.h"

namespace haul::http {
namespace {

using boost::asio::ip::address;
using boost::asio::ip::tcp;

// The attempts under way. Shared with their handlers, which may run after the race is decided.
class Race final : public Watch, public std::enable_shared_from_this<Race> {
 public:
  Race(Ticker& ticker, std::vector<tcp::endpoint> addresses, DialOptions options, OpContext& context)
      : ticker_(ticker), addresses_(std::move(addresses)), options_(options), context_(context) {
    attempts_.reserve(addresses_.size());  // a socket that is connecting must stay where it is
  }

  Task<> run() {
    co_await suspend(context_.executor(), [this](auto resume) {
      resume_ = std::move(resume);
      watch();
      start_next();
    });
    ticker_.remove(*this);
  }

  std::optional<Socket>& winner() noexcept { return winner_; }
  Interrupt interrupted() const noexcept { return interrupted_; }
  int error() const noexcept { return error_; }

  void interrupt(Interrupt cause) override {
    if (cause != Interrupt::expired) {
      interrupted_ = cause;
      finish();
      return;
    }
    ticker_.remove(*this);
    watch();
    const Ticks patience = ticker_.ticks(options_.address_timeout);
    for (Attempt& attempt : attempts_) {
      if (!attempt.socket || ticker_.now() - attempt.started <= patience) continue;
      attempt.socket.reset();
      error_ = ETIMEDOUT;
      --running_;
    }
    start_next();
  }

 private:
  struct Attempt {
    std::optional<Socket> socket;
    Ticks started;
  };

  void watch() { ticker_.add(*this, context_, ticker_.ticks(options_.next_after)); }

  void start_next() {
    while (!decided_ && attempts_.size() < addresses_.size()) {
      const std::size_t index = attempts_.size();
      attempts_.push_back({Socket(context_.executor()), ticker_.now()});
      Socket& socket = *attempts_.back().socket;
      boost::system::error_code error;
      socket.open(addresses_[index].protocol(), error);
      if (error) {
        error_ = error.value();
        attempts_.back().socket.reset();
        continue;
      }
      ++running_;
      socket.async_connect(addresses_[index],
                           [self = shared_from_this(), index](const boost::system::error_code& result) {
                             self->answered(index, result);
                           });
      return;
    }
    if (running_ == 0) finish();
  }

  void answered(std::size_t index, const boost::system::error_code& result) {
    std::optional<Socket>& socket = attempts_[index].socket;
    if (decided_ || !socket) return;
    --running_;
    if (!result) {
      winner_ = std::move(socket);
      finish();
      return;
    }
    socket.reset();
    error_ = result.value();
    start_next();
  }

  void finish() {
    if (decided_) return;
    decided_ = true;
    for (Attempt& attempt : attempts_)
      attempt.socket.reset();
    if (resume_) std::exchange(resume_, nullptr)();
  }

  Ticker& ticker_;
  std::vector<tcp::endpoint> addresses_;
  DialOptions options_;
  OpContext& context_;
  std::vector<Attempt> attempts_;
  std::size_t running_ = 0;
  std::optional<Socket> winner_;
  std::move_only_function<void()> resume_;
  Interrupt interrupted_ = Interrupt::none;
  int error_ = 0;
  bool decided_ = false;
};

}  // namespace

std::vector<address> order_addresses(const std::vector<address>& addresses, std::size_t turn) {
  std::vector<address> first;
  std::vector<address> second;
  for (const address& one : addresses)
    (one.is_v4() == addresses.front().is_v4() ? first : second).push_back(one);
  std::vector<address> ordered;
  ordered.reserve(addresses.size());
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) ordered.push_back(first[(i + turn) % first.size()]);
    if (i < second.size()) ordered.push_back(second[(i + turn) % second.size()]);
  }
  return ordered;
}

Task<Socket> dial(Ticker& ticker, std::vector<tcp::endpoint> addresses, DialOptions options, std::string name,
                  OpContext& context) {
  const std::size_t count = addresses.size();
  const auto race = std::make_shared<Race>(ticker, std::move(addresses), options, context);
  co_await race->run();
  if (race->winner()) {
    Socket socket = std::move(*race->winner());
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.set_option(tcp::no_delay(true), ignored);
    // The sizes of the kernel's buffers stay as they are: setting them turns their automatic growth off.
    co_return socket;
  }
  if (race->interrupted() != Interrupt::none) {
    context.check();
    throw Error(ErrorClass::timed_out, "the deadline has passed").with_retryable(false);
  }
  if (race->error() == EMFILE || race->error() == ENFILE || race->error() == ENOMEM)
    throw errno_error(race->error(), "connecting to " + name, "");
  const bool slow = race->error() == ETIMEDOUT;
  throw Error(slow ? ErrorClass::timed_out : ErrorClass::unavailable,
              fmt::format("cannot connect to {}: {}{}", name, std::generic_category().message(race->error()),
                          count > 1 ? fmt::format(" ({} addresses tried)", count) : ""));
}

}  // namespace haul::http

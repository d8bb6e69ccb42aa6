// One client's connection: a request at a time, from its head to the last byte of its answer.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bend.h"
#include "exchange.h"
#include "receiver.h"
#include "response.h"
#include "transport.h"

namespace haul::fakes3 {

class Loop;

class Connection {
 public:
  Connection(Loop& loop, std::uint64_t id, int fd, SSL_CTX* tls);
  ~Connection();

  /// Does all that can be done now; false when the connection is over.
  bool advance();
  /// A timer fired.
  void wake() { asleep_ = false; }
  Transport& transport() { return transport_; }

 private:
  enum class State : std::uint8_t { head, body, ready, sending, draining };
  enum class Step : std::uint8_t { go_on, wait, over };

  Step read_head();
  Step read_body();
  Step answer();
  Step send();
  Step drain();

  Step begin_request(std::string_view head);
  Step body_received();
  void start_sending();
  void end_request();
  void sleep_until(std::uint64_t time_us);
  Step fill_input();
  std::string_view unread() const {
    return std::string_view(input_).substr(input_begin_, input_end_ - input_begin_);
  }

  Loop& loop_;
  Server& server_;
  std::uint64_t id_;
  Transport transport_;
  State state_ = State::head;
  bool asleep_ = false, in_progress_ = false, waited_ = false;

  // The request's head lies at the beginning of the input and stays until the answer is out.
  std::string input_;
  std::size_t input_begin_ = 0, input_end_ = 0;
  Request request_;
  Operation operation_ = Operation::unknown;
  Body body_;
  Receiver receiver_;
  std::optional<Fault> fault_;
  std::optional<Refusal> verdict_;  // decided before the body was there
  std::uint64_t resets_ = 0;        // of the server, when the request began

  Response response_;
  Delivery delivery_;
  std::string out_;
  std::uint64_t out_sent_ = 0, body_sent_ = 0;  // of the head; of the body
  std::size_t segment_ = 0;
  std::uint64_t segment_sent_ = 0, drained_ = 0;
};

}  // namespace haul::fakes3

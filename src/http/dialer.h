// A TCP connection to the first of several addresses that answers.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "http/ticker.h"

namespace haul::http {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

struct DialOptions {
  std::chrono::milliseconds address_timeout{10'000};
  std::chrono::milliseconds next_after{300};  // as in RFC 8305, but coarser
};

// Prefers the family of the first address, goes through its addresses from the `turn`th on, and lets the two
// families take turns. Spreads connections over the addresses when each has another turn.
std::vector<boost::asio::ip::address> order_addresses(const std::vector<boost::asio::ip::address>& addresses,
                                                      std::size_t turn);

// Tries the addresses in order; the next one when one fails or has not answered in time, without giving up on
// those before. The socket is non-blocking, without Nagle's delay. Throws unavailable (with the reason of the
// last), timed_out, exhausted (no file descriptors), and as context.check() does. `name` is for messages.
Task<Socket> dial(Ticker& ticker, std::vector<boost::asio::ip::tcp::endpoint> addresses, DialOptions options,
                  std::string name, OpContext& context);

}  // namespace haul::http

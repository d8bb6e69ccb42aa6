// Names to addresses, off the shard's thread, asked once for all who want to know.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "http/options.h"
#include "http/ticker.h"

namespace haul::http {

// Not thread-safe: belongs to one shard.
class Resolver {
 public:
  Resolver(Ticker& ticker, std::function<Lookup(const std::string&)> lookup)
      : ticker_(ticker), lookup_(std::move(lookup)) {}

  // An address literal is its own answer. Others are remembered for half a minute; failures are not. Throws
  // invalid_argument for an unknown host, unavailable if the name service may answer later, and as
  // context.check() does.
  Task<std::vector<boost::asio::ip::address>> resolve(std::string host, OpContext& context);

  // Forgets what was remembered of a host, after none of its addresses answered.
  void forget(const std::string& host) { known_.erase(host); }

 private:
  struct Waiter;
  struct Question;
  struct Known {
    std::vector<boost::asio::ip::address> addresses;
    SteadyTime until;
  };

  Ticker& ticker_;
  std::function<Lookup(const std::string&)> lookup_;
  std::unordered_map<std::string, Known> known_;
  std::unordered_map<std::string, std::shared_ptr<Question>> asked_;
};

}  // namespace haul::http

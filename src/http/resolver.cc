#include "http/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include <boost/asio/post.hpp>

#include "runtime/blocking_pool.h"
#include "runtime/shard.h"
#include "runtime/suspend.h"

namespace haul::http {

using boost::asio::ip::address;

namespace {

constexpr auto kRemembered = std::chrono::seconds(30);
constexpr std::size_t kMostNames = 256;

Error lookup_error(const std::string& host, int code) {
  const std::string message = fmt::format("cannot find the host {}: {}", host, ::gai_strerror(code));
  if (code == EAI_NONAME || code == EAI_NODATA || code == EAI_FAIL)
    return Error(ErrorClass::invalid_argument, message).with_hint("check the name and the endpoint's URL");
  return Error(ErrorClass::unavailable, message);
}

}  // namespace

Lookup system_lookup(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  Lookup lookup;
  lookup.error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (lookup.error == EAI_SYSTEM) lookup.error = EAI_AGAIN;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    if (one->ai_family == AF_INET) {
      const auto& in = *reinterpret_cast<const sockaddr_in*>(one->ai_addr);
      lookup.addresses.emplace_back(boost::asio::ip::address_v4(ntohl(in.sin_addr.s_addr)));
    } else if (one->ai_family == AF_INET6) {
      const auto& in = *reinterpret_cast<const sockaddr_in6*>(one->ai_addr);
      boost::asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
      lookup.addresses.emplace_back(boost::asio::ip::address_v6(bytes, in.sin6_scope_id));
    }
  }
  if (found != nullptr) ::freeaddrinfo(found);
  if (lookup.addresses.empty() && lookup.error == 0) lookup.error = EAI_NONAME;
  return lookup;
}

// One name asked for, and those who wait for the answer. Shared with the pool's thread, which writes only
// `lookup`, before it posts back.
struct Resolver::Question {
  Lookup lookup;
  bool answered = false;
  std::vector<Waiter*> waiters;
};

struct Resolver::Waiter final : Watch {
  explicit Waiter(std::shared_ptr<Question> asked) : question(std::move(asked)) {}
  ~Waiter() { std::erase(question->waiters, this); }
  void interrupt(Interrupt) override { wake(); }
  void wake() {
    if (resume) std::exchange(resume, nullptr)();
  }
  std::shared_ptr<Question> question;
  std::move_only_function<void()> resume;
};

Task<std::vector<address>> Resolver::resolve(std::string host, OpContext& context) {
  boost::system::error_code not_literal;
  const address literal = boost::asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return std::vector<address>{literal};
  if (const auto known = known_.find(host); known != known_.end()) {
    if (context.env().steady_now() < known->second.until) co_return known->second.addresses;
    known_.erase(known);
  }

  std::shared_ptr<Question>& question = asked_[host];
  if (!question) {
    question = std::make_shared<Question>();
    context.blocking_pool().submit(
        [question = question, executor = context.executor(), lookup = lookup_, host] {
          try {
            question->lookup = lookup(host);
          } catch (...) {
            question->lookup = {{}, EAI_AGAIN};
          }
          boost::asio::post(executor, [question] {
            question->answered = true;
            for (Waiter* waiter : question->waiters)
              waiter->wake();
          });
        });
  }
  Waiter waiter(question);
  if (!waiter.question->answered) {
    const Watching watching(ticker_, waiter, context, kNoLimit);
    co_await suspend(context.executor(), [&waiter](auto resume) {
      waiter.resume = std::move(resume);
      waiter.question->waiters.push_back(&waiter);
    });
  }
  if (!waiter.question->answered) {
    context.check();
    throw Error(ErrorClass::timed_out, "the name service does not answer for " + host);
  }
  if (const auto asked = asked_.find(host); asked != asked_.end() && asked->second == waiter.question)
    asked_.erase(asked);
  const Lookup& lookup = waiter.question->lookup;
  if (lookup.addresses.empty()) throw lookup_error(host, lookup.error);
  if (known_.size() >= kMostNames) known_.clear();
  known_[host] = {lookup.addresses, context.env().steady_now() + kRemembered};
  co_return lookup.addresses;
}

}  // namespace haul::http

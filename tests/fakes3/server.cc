#include "server.h"

#include <time.h>

#include <algorithm>
#include <utility>

namespace haul::fakes3 {

void Stats::reset() {
  for (auto& counter : operations)
    counter = 0;
  for (auto* counter : {&requests, &bytes_in, &bytes_out, &throttled, &faults, &client_errors, &server_errors,
                        &most_in_progress, &connections, &most_open_connections}) {
    *counter = 0;
  }
}

Server::Server(Options given)
    : options(std::move(given)),
      latency_us(options.latency_us),
      rate(options.rate),
      sts_seconds(options.sts_seconds) {
  for (const AccountOption& account : options.accounts) {
    identities.add_account(account.name, account.access_key, account.secret_key);
  }
}

std::int64_t Server::now() const {
  return time(nullptr) + options.skew;
}

bool Server::over_rate() {
  std::uint64_t allowed = rate.load(std::memory_order_relaxed);
  if (allowed == 0) return false;
  std::scoped_lock lock(rate_mutex_);
  std::uint64_t now_us = steady_us();
  auto per_second = static_cast<double>(allowed);
  // a tenth of a second may come at once
  double burst = std::max(1.0, per_second / 10);
  rate_tokens_ =
      std::min(burst, rate_tokens_ + static_cast<double>(now_us - rate_time_us_) * per_second / 1e6);
  rate_time_us_ = now_us;
  if (rate_tokens_ < 1) return true;
  rate_tokens_ -= 1;
  return false;
}

bool Server::reserve(std::uint64_t bytes) {
  if (stored_.fetch_add(bytes, std::memory_order_relaxed) + bytes <= options.memory) return true;
  release(bytes);
  return false;
}

void Server::remember(RoleCall call) {
  std::scoped_lock lock(calls_mutex_);
  calls_.push_back(std::move(call));
}

std::vector<RoleCall> Server::role_calls() const {
  std::scoped_lock lock(calls_mutex_);
  return calls_;
}

void Server::reset() {
  resets_.fetch_add(1, std::memory_order_relaxed);
  {
    std::scoped_lock lock(store.mutex);
    store.clear();
  }
  faults.clear();
  identities.end_sessions();
  stats.reset();
  latency_us = options.latency_us;
  rate = options.rate;
  sts_seconds = options.sts_seconds;
  std::scoped_lock lock(calls_mutex_);
  calls_.clear();
}

std::uint64_t steady_us() {
  timespec at{};
  clock_gettime(CLOCK_MONOTONIC, &at);
  return static_cast<std::uint64_t>(at.tv_sec) * 1000000 + static_cast<std::uint64_t>(at.tv_nsec) / 1000;
}

}  // namespace haul::fakes3

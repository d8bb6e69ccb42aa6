// What all connections share: options, the store, identities, faults, counters.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "faults.h"
#include "identity.h"
#include "operation.h"
#include "store.h"

namespace haul::fakes3 {

enum class Keep : std::uint8_t { nothing, everything };
enum class EtagStyle : std::uint8_t { md5, fast };

struct AccountOption {
  std::string name, access_key, secret_key;
};

struct Options {
  std::string bind = "127.0.0.1", certificate, private_key;
  int port = 0, threads = 1;
  Keep keep = Keep::everything;
  EtagStyle etag = EtagStyle::md5;
  std::uint64_t latency_us = 0, bandwidth = 0, rate = 0;
  std::uint64_t memory = std::uint64_t{8} << 30, minimum_part = 5 << 20;
  std::int64_t skew = 0, sts_seconds = 0;
  bool verify_signatures = false, check_region = false, spin = false;
  std::vector<AccountOption> accounts;
  std::vector<std::string> domains = {"localhost"};
};

/// Parses the command line; prints what is wrong, or the help, and exits.
Options parse_options(int argc, char** argv);

/// Counters; each is only ever added to, and read without order among them.
struct Stats {
  std::array<std::atomic<std::uint64_t>, kOperations> operations{};
  std::atomic<std::uint64_t> requests{}, bytes_in{}, bytes_out{}, throttled{}, faults{}, client_errors{},
      server_errors{}, in_progress{}, most_in_progress{}, connections{}, open_connections{},
      most_open_connections{};

  static void raise(std::atomic<std::uint64_t>& mark, std::uint64_t value) {
    std::uint64_t seen = mark.load(std::memory_order_relaxed);
    while (seen < value && !mark.compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
    }
  }
  void reset();
};

/// A call to STS, as a test wants to see it.
struct RoleCall {
  std::string action, role, session, policy, account;
  std::int64_t seconds = 0;
};

class Server {
 public:
  explicit Server(Options given);

  const Options options;
  Store store;
  Identities identities;
  Faults faults;
  Stats stats;

  /// The clock it claims to have, seconds since the epoch.
  std::int64_t now() const;
  /// True if this request is over the allowed rate. Thread safe.
  bool over_rate();

  /// Room for stored bytes: false if there is none left.
  bool reserve(std::uint64_t bytes);
  void release(std::uint64_t bytes) { stored_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t stored() const { return stored_.load(std::memory_order_relaxed); }

  void remember(RoleCall call);
  std::vector<RoleCall> role_calls() const;

  // What can be changed while it runs.
  std::atomic<std::uint64_t> latency_us, rate;
  std::atomic<std::int64_t> sts_seconds;

  /// Forgets objects, rules, sessions and counters. Requests that have begun before are not performed any
  /// more; with several threads, one may be that another thread is just performing.
  void reset();
  /// How often it was reset.
  std::uint64_t resets() const { return resets_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> stored_{0}, resets_{0};
  std::mutex rate_mutex_;
  double rate_tokens_ = 1;          // guarded by rate_mutex_
  std::uint64_t rate_time_us_ = 0;  // guarded by rate_mutex_
  mutable std::mutex calls_mutex_;
  std::vector<RoleCall> calls_;  // guarded by calls_mutex_
};

/// Microseconds of a steady clock.
std::uint64_t steady_us();

}  // namespace haul::fakes3

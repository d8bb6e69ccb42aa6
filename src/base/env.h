// The world as Haul sees it: time, chance and environment variables, behind one interface so that tests
// replace it. File systems and networks are injected elsewhere (stores, http).
// Thread safety: all methods may be called from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace haul {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;  // wall clock, UTC
using SteadyTime = std::chrono::steady_clock::time_point;      // for deadlines and durations
using Duration = std::chrono::nanoseconds;

class Env {
 public:
  virtual ~Env() = default;
  virtual Time wall_now() const = 0;
  virtual SteadyTime steady_now() const = 0;
  virtual std::uint64_t random() const = 0;  // uniform over all 64-bit values
  virtual std::optional<std::string> variable(const std::string& name) const = 0;
  // True if the sleep is simulated (a test's clock moved on by itself) and nobody has to wait.
  virtual bool skip_sleep(Duration duration) const = 0;
};

// The real one. Lives as long as the program.
const Env& system_env();

// Unique, sortable by time: 13 characters of time, 13 of chance (Crockford base 32, as in ULID).
std::string make_id(const Env& env);

// A simulated world for tests: time stands still unless slept or advanced.
class ManualEnv : public Env {
 public:
  Time wall_now() const override { return wall_; }
  SteadyTime steady_now() const override { return steady_; }
  std::uint64_t random() const override;
  std::optional<std::string> variable(const std::string& name) const override;
  bool skip_sleep(Duration duration) const override;

  void advance(Duration duration) const;
  void set_wall(Time time) { wall_ = time; }
  void set_variable(std::string name, std::string value);
  Duration slept() const { return slept_; }

 private:
  // Time passes in a const world too; not thread-safe, tests use it from one thread.
  mutable Time wall_{std::chrono::seconds(1'700'000'000)};
  mutable SteadyTime steady_{std::chrono::hours(1)};
  mutable Duration slept_{0};
  mutable std::uint64_t state_ = 88172645463325252ULL;
  std::string variables_;  // NAME=value\n lines; a handful at the most
};

}  // namespace haul

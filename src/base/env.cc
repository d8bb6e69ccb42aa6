#include "base/env.h"

#include <cstdlib>
#include <random>

namespace haul {
namespace {

class SystemEnv final : public Env {
 public:
  Time wall_now() const override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
  SteadyTime steady_now() const override { return std::chrono::steady_clock::now(); }
  std::uint64_t random() const override {
    thread_local std::mt19937_64 generator{(std::uint64_t{std::random_device{}()} << 32) ^
                                           std::random_device{}()};
    return generator();
  }
  std::optional<std::string> variable(const std::string& name) const override {
    const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe): never set by us
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  }
  bool skip_sleep(Duration) const override { return false; }
};

}  // namespace

const Env& system_env() {
  static const SystemEnv env;
  return env;
}

std::string make_id(const Env& env) {
  constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto millis = static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(env.wall_now().time_since_epoch()).count());
  std::string id(26, '0');
  const auto put = [&](std::size_t from, std::uint64_t value) {
    for (std::size_t i = 13; i-- > 0; value >>= 5)
      id[from + i] = kAlphabet[value & 31];
  };
  put(0, millis);
  put(13, env.random());
  return id;
}

std::uint64_t ManualEnv::random() const {
  state_ ^= state_ << 13;
  state_ ^= state_ >> 7;
  state_ ^= state_ << 17;
  return state_;
}

std::optional<std::string> ManualEnv::variable(const std::string& name) const {
  const std::string needle = "\n" + name + "=";
  const std::size_t at = variables_.rfind(needle);
  if (at == std::string::npos) return std::nullopt;
  const std::size_t from = at + needle.size();
  return variables_.substr(from, variables_.find('\n', from) - from);
}

bool ManualEnv::skip_sleep(Duration duration) const {
  advance(duration);
  slept_ += duration;
  return true;
}

void ManualEnv::advance(Duration duration) const {
  wall_ += duration;
  steady_ += std::chrono::duration_cast<SteadyTime::duration>(duration);
}

void ManualEnv::set_variable(std::string name, std::string value) {
  variables_.append("\n").append(name).append("=").append(value).append("\n");
}

}  // namespace haul

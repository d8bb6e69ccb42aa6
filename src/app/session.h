// What one invocation of haul works with: runtime, log, HTTP clients, services; made in order, gone in
// reverse.
#pragma once

#include <memory>

#include "app/output.h"
#include "app/screen.h"
#include "app/services.h"
#include "app/settings.h"
#include "auth/fetch.h"
#include "base/log.h"
#include "http/client.h"
#include "runtime/shard.h"

namespace haul::app {

class Session {
 public:
  // Throws Error for a log file or certificate file that cannot be used.
  Session(const Settings& settings, const Env& env, Screen& screen, Output& output);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Settings& settings() const noexcept { return settings_; }
  const Env& env() const noexcept { return env_; }
  Runtime& runtime() noexcept { return runtime_; }
  OpContext context() noexcept { return runtime_.context(); }
  Screen& screen() noexcept { return screen_; }
  Output& output() noexcept { return output_; }
  Services& services() noexcept { return *services_; }

 private:
  const Settings& settings_;
  const Env& env_;
  Screen& screen_;
  Output& output_;
  std::unique_ptr<Logger> log_;
  Runtime runtime_;
  std::unique_ptr<http::Client> by_proxy_, direct_;  // before the runtime goes
  std::unique_ptr<auth::HttpFetch> fetch_;
  std::unique_ptr<Services> services_;
};

}  // namespace haul::app

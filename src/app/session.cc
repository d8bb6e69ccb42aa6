#include "app/session.h"

namespace haul::app {
namespace {

http::ClientOptions client_options(const NetworkSettings& network, const Env& env) {
  http::ClientOptions options;
  options.ca_file = network.ca_file;
  if (options.ca_file.empty()) options.ca_file = env.variable("AWS_CA_BUNDLE").value_or("");
  options.insecure = network.insecure;
  options.connect_timeout = network.connect_timeout;
  options.stall_timeout = network.timeout;
  options.user_agent = "haul/" HAUL_VERSION;
  return options;
}

}  // namespace

Session::Session(const Settings& settings, const Env& env, Screen& screen, Output& output)
    : settings_(settings),
      env_(env),
      screen_(screen),
      output_(output),
      log_(make_logger(settings.log_level, settings.log_format, settings.log_file, env)),
      runtime_(env, *log_, {.shards = settings.shards, .blocking_threads = 0, .memory = settings.memory}) {
  http::ClientOptions options = client_options(settings.network, env);
  direct_ = std::make_unique<http::Client>(options, runtime_.shard_count());
  http::proxy_from_environment(env, options);
  by_proxy_ = std::make_unique<http::Client>(options, runtime_.shard_count());
  fetch_ = std::make_unique<auth::HttpFetch>(*by_proxy_, *direct_);
  services_ = std::make_unique<Services>(settings, *by_proxy_, *fetch_, runtime_.shard_count());
}

Session::~Session() = default;

}  // namespace haul::app

#include "app/session.h"

#include <algorithm>

#include "auth/settings.h"

namespace haul::app {
namespace {

bool speaks_s3(const Settings& settings) {
  // What is in a stored run is not known yet.
  const bool stored = settings.command == Command::run || settings.command == Command::retry ||
                      settings.command == Command::resume || settings.command == Command::undo;
  const bool looks_up = settings.command == Command::verify_report && settings.report.objects != 0;
  if (settings.command == Command::mb || settings.command == Command::rb || stored || looks_up ||
      settings.locations.empty())
    return true;
  return settings.output.starts_with("s3://") ||
         std::ranges::any_of(settings.locations,
                             [](const std::string& text) { return text.starts_with("s3://"); });
}

// By option, environment or profile; empty for the system's. The AWS files are not read where nobody needs
// them.
std::string authorities(const Settings& settings, const Env& env) {
  if (!speaks_s3(settings)) return {};
  const auth::AwsConfig config = auth::load_config(env, auth::system_files());
  for (const SideSettings& side : {settings.source_side(), settings.destination_side()}) {
    const auth::IdentityOptions options{.profile = side.profile, .ca_file = settings.network.ca_file};
    if (std::string file = auth::resolve_settings(options, env, config).ca_bundle; !file.empty()) return file;
  }
  return {};
}

http::ClientOptions client_options(const Settings& settings, const Env& env) {
  const NetworkSettings& network = settings.network;
  http::ClientOptions options;
  options.ca_file = authorities(settings, env);
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
      log_(make_logger(settings.log_level.value_or(LogLevel::warning), settings.log_format, settings.log_file,
                       env)),
      runtime_(env, *log_, {.shards = settings.shards, .blocking_threads = 0, .memory = settings.memory}) {
  http::ClientOptions options = client_options(settings, env);
  direct_ = std::make_unique<http::Client>(options, runtime_.shard_count());
  http::proxy_from_environment(env, options);
  by_proxy_ = std::make_unique<http::Client>(options, runtime_.shard_count());
  fetch_ = std::make_unique<auth::HttpFetch>(*by_proxy_, *direct_);
  services_ = std::make_unique<Services>(settings, *by_proxy_, *fetch_, runtime_.shard_count());
}

Session::~Session() = default;

}  // namespace haul::app

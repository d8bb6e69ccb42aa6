#include "auth/chain.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "auth/partition.h"
#include "auth/refreshing.h"
#include "auth/role_sources.h"
#include "base/utf8.h"

namespace haul::auth {
namespace {

using Provider = std::shared_ptr<CredentialsProvider>;

constexpr std::chrono::minutes kProgramTimeout{5};

Provider refreshing(std::unique_ptr<CredentialsSource> source,
                    WhenUnavailable when_unavailable = WhenUnavailable::fail) {
  return make_refreshing_provider(std::move(source), when_unavailable);
}

// Says what was looked at when a machine that is no instance has nothing else either.
class NoCredentials final : public CredentialsSource {
 public:
  explicit NoCredentials(std::string message) : message_(std::move(message)) {}
  Task<Credentials> fetch(OpContext&) override {
    throw Error(ErrorClass::unauthenticated, message_)
        .during("find credentials")
        .with_hint(
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile by --profile, or use "
            "--no-sign-request for a public bucket");
    co_return Credentials{};  // makes it a coroutine
  }

 private:
  const std::string message_;
};

// One walk down the chain, for one side.
class Resolver {
 public:
  Resolver(const IdentityOptions& options, const AwsWorld& world, const AwsConfig& config,
           const AwsSettings& settings)
      : options_(options), world_(world), config_(config), settings_(settings) {}

  Provider resolve() {
    const ConfigSection* profile = config_.profile(settings_.profile);
    if (!settings_.profile_named)
      if (Provider found = from_environment()) return found;
    if (profile != nullptr && assumes_role(*profile)) return from_role(*profile, Rights::needed);
    if (Provider found =
            from_web_identity(profile, /*with_environment=*/!settings_.profile_named, Rights::needed))
      return found;
    if (profile != nullptr)
      if (Provider found = from_profile_keys(*profile)) return found;
    if (Provider found = from_container()) return found;
    return from_instance();
  }

  bool assumed_role() const noexcept { return assumed_role_; }

 private:
  enum class Rights : bool { all, needed };

  std::string variable(const char* name) const { return world_.env.variable(name).value_or(""); }

  static std::string name_of(const ConfigSection& profile) { return "profile " + visible(profile.name); }

  static bool assumes_role(const ConfigSection& profile) {
    return !setting_text(&profile, "role_arn").empty() &&
           setting_text(&profile, "web_identity_token_file").empty();
  }

  static bool has_keys(const ConfigSection& profile) {
    return profile.find("aws_access_key_id") != nullptr || profile.find("aws_secret_access_key") != nullptr;
  }

  Provider from_environment() const {
    Credentials keys;
    keys.access_key = variable("AWS_ACCESS_KEY_ID");
    keys.secret_key = Secret(variable("AWS_SECRET_ACCESS_KEY"));
    if (keys.access_key.empty() && keys.secret_key.empty()) return nullptr;
    if (keys.access_key.empty() || keys.secret_key.empty())
      throw Error(ErrorClass::invalid_argument,
                  fmt::format("{} is set, but {} is not",
                              keys.access_key.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID",
                              keys.access_key.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY"))
          .during("find credentials")
          .with_hint("set both, or none of them");
    std::string token = variable("AWS_SESSION_TOKEN");
    if (token.empty()) token = variable("AWS_SECURITY_TOKEN");
    keys.session_token = Secret(std::move(token));
    keys.account_id = variable("AWS_ACCOUNT_ID");
    keys.origin = "environment";
    return make_static_provider(std::move(keys));
  }

  // What a profile itself holds, roles aside: steps 5 to 8.
  Provider from_profile_keys(const ConfigSection& profile) const {
    refuse_interactive(profile);
    const ConfigSetting* key = profile.find("aws_access_key_id");
    if (key == nullptr) key = profile.find("aws_secret_access_key");
    const bool in_credentials_file = key != nullptr && key->origin == ConfigFileKind::credentials;
    if (in_credentials_file) return from_keys(profile, *key);
    if (const ConfigSetting* command = profile.find("credential_process"); command != nullptr) {
      std::vector<std::string> arguments = split_words(command->text, command->place);
      if (arguments.empty())
        throw config_error(command->place, "credential_process names no program", "write a command");
      return refreshing(make_program_source(std::move(arguments), "credential_process of " + name_of(profile),
                                            world_.run_program));
    }
    return key == nullptr ? nullptr : from_keys(profile, *key);
  }

  static Provider from_keys(const ConfigSection& profile, const ConfigSetting& one) {
    Credentials keys;
    keys.access_key = setting_text(&profile, "aws_access_key_id");
    keys.secret_key = Secret(setting_text(&profile, "aws_secret_access_key"));
    keys.session_token = Secret(setting_text(&profile, "aws_session_token"));
    if (keys.session_token.empty()) keys.session_token = Secret(setting_text(&profile, "aws_security_token"));
    keys.account_id = setting_text(&profile, "aws_account_id");
    keys.origin = name_of(profile);
    if (keys.access_key.empty() || keys.secret_key.empty())
      throw config_error(
          one.place,
          fmt::format("{} has only one of aws_access_key_id and aws_secret_access_key", name_of(profile)),
          "write both");
    return make_static_provider(std::move(keys));
  }

  static void refuse_interactive(const ConfigSection& profile) {
    for (const char* name : {"sso_session", "sso_start_url", "login_session"}) {
      const ConfigSetting* setting = profile.find(name);
      if (setting == nullptr) continue;
      throw Error(ErrorClass::unsupported,
                  fmt::format("{} logs in by a browser, which Haul does not do", name_of(profile)))
          .during("find credentials")
          .on(setting->place.text())
          .with_hint(
              fmt::format("log in by the AWS command line, and use a profile with credential_process = "
                          "aws configure export-credentials --profile '{}' --format process",
                          visible(profile.name)));
    }
  }

  RoleRequest role_request(const ConfigSection& profile) const {
    RoleRequest role;
    role.role_arn = setting_text(&profile, "role_arn");
    role.session_name = session_name(setting_text(&profile, "role_session_name"));
    role.external_id = setting_text(&profile, "external_id");
    role.origin = "role " + role.role_arn + " of " + name_of(profile);
    if (const std::string text = setting_text(&profile, "duration_seconds"); !text.empty()) {
      int seconds = 0;
      const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), seconds);
      if (problem != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > 43200)
        throw config_error(profile.find("duration_seconds")->place,
                           "duration_seconds is not a number of seconds up to 43200 (12 hours)",
                           "write 900 to 43200, and not more than the role allows");
      role.duration = std::chrono::seconds(seconds);
    }
    return role;
  }

  std::string policy_for(std::string_view role_arn) const {
    if (options_.scope_down.empty()) return {};
    // arn:PARTITION:iam:...
    std::string_view partition = partition_of(settings_.region).name;
    if (role_arn.starts_with("arn:")) partition = role_arn.substr(4, role_arn.substr(4).find(':'));
    return scope_down_policy(options_.scope_down, partition,
                             talks_to_aws(settings_) ? KmsUse::through_s3 : KmsUse::none);
  }

  std::string session_name(std::string configured) const {
    if (!configured.empty()) return configured;
    if (!options_.session_name.empty()) return options_.session_name;
    return "haul-" + make_id(world_.env);
  }

  // A role's own source may be a role again. Only the last one, which requests are made with, is limited.
  Provider from_role(const ConfigSection& profile, Rights rights) {
    const ConfigPlace place = profile.find("role_arn")->place;
    if (!visited_.insert(profile.name).second)
      throw config_error(place,
                         fmt::format("{} is, by way of source_profile, its own source", name_of(profile)),
                         "one profile of the circle must hold keys instead");
    if (const ConfigSetting* mfa = profile.find("mfa_serial"); mfa != nullptr)
      throw Error(ErrorClass::unsupported,
                  fmt::format("{} asks for a code of a device, which Haul does not do", name_of(profile)))
          .during("find credentials")
          .on(mfa->place.text())
          .with_hint(
              "use a role that needs no device, or a session got by the AWS command line through "
              "credential_process");
    RoleRequest role = role_request(profile);
    if (rights == Rights::needed) role.session_policy = policy_for(role.role_arn);
    Provider caller = source_of(profile, place);
    assumed_role_ = true;
    return refreshing(make_role_source(std::move(role), std::move(caller), sts()));
  }

  Provider source_of(const ConfigSection& profile, const ConfigPlace& place) {
    const std::string source_profile = setting_text(&profile, "source_profile");
    const std::string credential_source = setting_text(&profile, "credential_source");
    if (source_profile.empty() == credential_source.empty())
      throw config_error(
          place,
          fmt::format("{} has {} source_profile {} credential_source", name_of(profile),
                      source_profile.empty() ? "neither" : "both", source_profile.empty() ? "nor" : "and"),
          "role_arn needs exactly one of them");
    if (!source_profile.empty())
      return from_source_profile(source_profile, profile.find("source_profile")->place);
    return from_credential_source(credential_source, profile.find("credential_source")->place);
  }

  Provider from_source_profile(const std::string& name, const ConfigPlace& place) {
    const ConfigSection* source = config_.profile(name);
    if (source == nullptr)
      throw config_error(place, fmt::format("there is no profile '{}'", visible(name)),
                         "correct source_profile, or add the profile");
    if (!has_keys(*source) && assumes_role(*source)) return from_role(*source, Rights::all);
    if (Provider found = from_web_identity(source, /*with_environment=*/false, Rights::all)) return found;
    if (Provider found = from_profile_keys(*source)) return found;
    throw config_error(place, fmt::format("profile '{}' has no credentials", visible(name)),
                       "give it keys, credential_process or a role");
  }

  Provider from_credential_source(const std::string& kind, const ConfigPlace& place) const {
    if (kind == "Environment") {
      if (Provider found = from_environment()) return found;
      throw config_error(place, "credential_source is Environment, but there are no keys in it",
                         "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    }
    if (kind == "EcsContainer") {
      if (Provider found = from_container()) return found;
      throw config_error(place, "credential_source is EcsContainer, but this is no such container",
                         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI must be set");
    }
    if (kind == "Ec2InstanceMetadata") return from_instance();
    throw config_error(place,
                       "credential_source is none of Environment, Ec2InstanceMetadata and EcsContainer",
                       "write one of them");
  }

  // Each of role, token file and session name from the environment if it is there, else from the profile.
  Provider from_web_identity(const ConfigSection* profile, bool with_environment, Rights rights) {
    const auto either = [&](const char* name, std::string_view setting) {
      std::string text = with_environment ? variable(name) : "";
      return text.empty() ? setting_text(profile, setting) : text;
    };
    std::string token_file = either("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    if (token_file.empty()) return nullptr;
    RoleRequest role;
    if (profile != nullptr) role = role_request(*profile);
    role.role_arn = either("AWS_ROLE_ARN", "role_arn");
    role.session_name = session_name(either("AWS_ROLE_SESSION_NAME", "role_session_name"));
    role.external_id.clear();  // this call has none
    role.origin = "role " + role.role_arn + " by web identity";
    if (role.role_arn.empty())
      throw Error(ErrorClass::invalid_argument, "a web identity token file is named, but no role")
          .during("find credentials")
          .on(token_file)
          .with_hint("set AWS_ROLE_ARN, or role_arn in the profile");
    if (rights == Rights::needed) role.session_policy = policy_for(role.role_arn);
    assumed_role_ = true;
    return refreshing(
        make_web_identity_source(std::move(role), std::move(token_file), sts(), world_.read_file));
  }

  Provider from_container() const {
    std::optional<ContainerOptions> container = container_options(world_.env);
    if (!container) return nullptr;
    return refreshing(make_container_source(std::move(*container), world_.fetch, world_.read_file));
  }

  Provider from_instance() const {
    const std::string looked = fmt::format(
        "no credentials were found in {}profile '{}', a container's environment or the instance metadata "
        "service",
        settings_.profile_named ? "" : "the environment, ", visible(settings_.profile));
    std::optional<InstanceOptions> instance = instance_options(world_.env);
    if (!instance)
      return refreshing(std::make_unique<NoCredentials>(looked + " (off by AWS_EC2_METADATA_DISABLED)"));
    instance->absence_message = looked;
    return refreshing(make_instance_source(std::move(*instance), world_.fetch),
                      WhenUnavailable::keep_expired);
  }

  std::shared_ptr<Sts> sts() const { return make_sts(settings_, world_.fetch); }

  const IdentityOptions& options_;
  const AwsWorld& world_;
  const AwsConfig& config_;
  const AwsSettings& settings_;
  std::set<std::string> visited_;
  bool assumed_role_ = false;
};

}  // namespace

bool talks_to_aws(const AwsSettings& settings) {
  if (settings.s3_endpoint_url.empty()) return true;
  const http::Url url = http::parse_url(settings.s3_endpoint_url);
  return url.endpoint.host.ends_with("." + std::string(partition_of(settings.region).dns_suffix));
}

AwsWorld system_world(Fetch& fetch) {
  return {system_env(), fetch, system_files(),
          [](const std::vector<std::string>& arguments) { return run_program(arguments, kProgramTimeout); }};
}

Identity resolve_identity(const IdentityOptions& options, const AwsWorld& world) {
  const AwsConfig config = load_config(world.env, world.read_file);
  Identity identity;
  identity.settings = resolve_settings(options, world.env, config);
  if (!options.sign_requests) {
    identity.credentials = make_anonymous_provider();
    return identity;
  }
  Resolver resolver(options, world, config, identity.settings);
  identity.credentials = resolver.resolve();
  identity.assumed_role = resolver.assumed_role();
  return identity;
}

std::unique_ptr<Sts> make_sts(const AwsSettings& settings, Fetch& fetch) {
  return std::make_unique<Sts>(fetch, settings.sts_endpoint_url, settings.sts_region);
}

}  // namespace haul::auth
